//! Replicas that are replaced one after the other while calls go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kitfox::discovery::Memory as Registry;
use kitfox::{Context, Ending, Running, ServiceChannel};
use tokio::time::sleep;

use super::service::{
    Amount, Payments, PaymentsClient, PaymentsError, PaymentsServer, amount, host,
};
use crate::support::memory::Memory;

/// A replica that takes its time.
struct Slow;

impl Payments for Slow {
    async fn quote(&self, _: &Context, request: Amount) -> Result<Amount, PaymentsError> {
        sleep(Duration::from_millis(20)).await;
        Ok(request)
    }

    async fn charge(&self, cx: &Context, request: Amount) -> Result<Amount, PaymentsError> {
        self.quote(cx, request).await
    }
}

async fn start(net: &Memory, registry: &Registry) -> Running {
    let host = host(net, "payments").serve(PaymentsServer::new(Slow));
    host.register(registry.clone()).start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn no_call_fails_while_every_replica_is_replaced() {
    let (net, registry) = (Memory::default(), Registry::new());
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(start(&net, &registry).await);
    }
    let channel = ServiceChannel::builder("payments", &registry).platform(net.platform());
    let channel = channel.set("retry.mode", "off").build().unwrap();
    let client = PaymentsClient::new(&channel);
    sleep(Duration::from_secs(1)).await;

    let (failed, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks = net.platform();
    let calling = {
        let (failed, answered, client) = (failed.clone(), answered.clone(), client.clone());
        let callers = tasks.clone();
        tasks.tasks().spawn(async move {
            loop {
                sleep(Duration::from_millis(2)).await;
                let (failed, answered, client) = (failed.clone(), answered.clone(), client.clone());
                drop(callers.tasks().spawn(async move {
                    match client.charge(&Context::background(), amount()).await {
                        Ok(_) => answered.fetch_add(1, Ordering::SeqCst),
                        Err(_) => failed.fetch_add(1, Ordering::SeqCst),
                    }
                }));
            }
        })
    };
    for place in 0..3 {
        let new = start(&net, &registry).await;
        let old = std::mem::replace(&mut replicas[place], new);
        old.shutdown();
        assert_eq!(old.wait().await, Ending::Clean);
        sleep(Duration::from_secs(1)).await;
        let addresses: Vec<_> =
            channel.replicas().into_iter().map(|it| it.instance.address).collect();
        let mut expected: Vec<_> = replicas.iter().map(|it| it.address().to_string()).collect();
        expected.sort();
        assert_eq!(addresses, expected);
    }
    tasks.tasks().end();
    drop(calling);
    assert_eq!(failed.load(Ordering::SeqCst), 0, "of {}", answered.load(Ordering::SeqCst));
    assert!(answered.load(Ordering::SeqCst) > 2_000, "{}", answered.load(Ordering::SeqCst));
}
