use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kitfox_core::platform::{Random, Tcp};
use tokio::time::{Instant, sleep};

use super::*;
use crate::Watcher;
use crate::conformance::Backend;

/// Servers that tests fill.
#[derive(Default)]
struct Servers {
    addresses: Mutex<HashMap<String, Result<Records<IpAddr>, RegistryError>>>,
    services: Mutex<HashMap<String, Records<Srv>>>,
    asked: AtomicUsize,
    /// Whether nobody answers.
    fails: AtomicBool,
}

impl Servers {
    fn address(&self, name: &str, addresses: &[&str], seconds: u64) {
        let records = addresses.iter().map(|it| it.parse().unwrap()).collect();
        let records = Records { records, valid: Duration::from_secs(seconds) };
        self.addresses.lock().unwrap().insert(name.to_owned(), Ok(records));
    }

    fn away(&self, name: &str) {
        let away = RegistryError::failed(format!("asking for {name}"), &"no answer");
        self.addresses.lock().unwrap().insert(name.to_owned(), Err(away));
    }

    fn works(&self, name: &str) -> Result<(), RegistryError> {
        match self.fails.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(RegistryError::failed(format!("asking for {name}"), &"no answer")),
        }
    }

    fn service(&self, name: &str, records: &[(u16, u16, u16, &str)]) {
        let srv = |&(priority, weight, port, target): &(u16, u16, u16, &str)| Srv {
            priority,
            weight,
            port,
            target: target.to_owned(),
        };
        let records = records.iter().map(srv).collect();
        let records = Records { records, valid: Duration::from_secs(30) };
        self.services.lock().unwrap().insert(name.to_owned(), records);
    }
}

/// DNS as the suite of all registries wants it: its addresses, or with their SRV records.
struct Zone {
    servers: Arc<Servers>,
    dns: Dns,
}

impl Zone {
    fn addresses(_: &str) -> Self {
        let servers = Arc::<Servers>::default();
        Zone { dns: Dns::addresses("{service}", 8080, Arc::clone(&servers) as _), servers }
    }

    fn services(_: &str) -> Self {
        let servers = Arc::<Servers>::default();
        Zone { dns: Dns::services("{service}", Arc::clone(&servers) as _), servers }
    }
}

fn ip(instance: &Instance) -> &str {
    instance.address.rsplit_once(':').unwrap().0
}

impl Backend for Zone {
    fn discovery(&self) -> Arc<dyn Discovery> {
        Arc::new(self.dns.clone())
    }

    fn put<'a>(&'a self, service: &'a str, instances: Vec<Instance>) -> BoxFuture<'a, ()> {
        let ips: Vec<&str> = instances.iter().map(ip).collect();
        self.servers.address(service, &ips, 5);
        let names: Vec<_> = ips.iter().map(|ip| format!("host-{ip}.")).collect();
        names.iter().zip(&ips).for_each(|(name, ip)| self.servers.address(name, &[ip], 5));
        let srv = instances.iter().zip(&names).map(|(instance, name)| {
            (instance.priority, u16::try_from(instance.weight).unwrap(), 8080, &**name)
        });
        self.servers.service(service, &srv.collect::<Vec<_>>());
        Box::pin(std::future::ready(()))
    }

    fn fail(&self, fails: bool) {
        self.servers.fails.store(fails, Ordering::Relaxed);
    }

    fn known(&self, instance: Instance) -> Instance {
        let known = Instance::new(&instance.address);
        match self.dns.port {
            Some(_) => known,
            None => {
                let known = known.priority(instance.priority).weight(instance.weight);
                known.with("host", format!("host-{}", ip(&instance)))
            }
        }
    }

    fn impossible(&self) -> Option<&str> {
        Some("my shop")
    }
}

mod by_addresses {
    crate::discovery_suite!(super::Zone::addresses, start_paused = true);
}

mod by_services {
    crate::discovery_suite!(super::Zone::services, start_paused = true);
}

fn nothing<T>() -> Records<T> {
    Records { records: Vec::new(), valid: Duration::from_secs(5) }
}

impl Resolver for Servers {
    fn addresses<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Records<IpAddr>, RegistryError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let found = self.addresses.lock().unwrap().get(name).cloned();
        let works = self.works(name);
        Box::pin(async move { works.and_then(|()| found.unwrap_or_else(|| Ok(nothing()))) })
    }

    fn services<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Records<Srv>, RegistryError>> {
        let found = self.services.lock().unwrap().get(name).cloned();
        let works = self.works(name);
        Box::pin(async move { works.map(|()| found.unwrap_or_else(nothing)) })
    }
}

fn watch(dns: &Dns) -> Watcher {
    let platform = Platform::new(Tcp, Random::seeded(1));
    Watcher::start(dns, "shop", &platform).unwrap()
}

fn list(watcher: &Watcher) -> Snapshot {
    Snapshot::clone(&watcher.view().snapshot.unwrap())
}

#[tokio::test(start_paused = true)]
async fn addresses_are_asked_for_again_when_their_time_is_over() {
    let servers = Arc::new(Servers::default());
    servers.address("shop.svc", &["10.0.0.8", "10.0.0.7", "::1"], 30);
    let mut watcher = watch(&Dns::addresses("{service}.svc", 80, Arc::clone(&servers) as _));
    assert!(watcher.changed().await);
    let expected = ["10.0.0.7:80", "10.0.0.8:80", "[::1]:80"].map(Instance::new);
    assert_eq!(list(&watcher).instances(), expected);
    servers.address("shop.svc", &["10.0.0.9"], 30);
    let begin = Instant::now();
    assert!(watcher.changed().await);
    assert_eq!(list(&watcher).instances(), [Instance::new("10.0.0.9:80")]);
    let waited = begin.elapsed().as_secs_f64();
    assert!((30.0..33.1).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_time_to_live_of_nothing_and_one_of_a_year_are_taken_with_salt() {
    for (seconds, least, most) in [(0, 80, 101), (31_536_000, 1, 3)] {
        let servers = Arc::new(Servers::default());
        servers.address("shop", &["10.0.0.7"], seconds);
        let _watcher = watch(&Dns::addresses("{service}", 80, Arc::clone(&servers) as _));
        sleep(Duration::from_secs(100)).await;
        let asked = servers.asked.load(Ordering::Relaxed);
        assert!((least..=most).contains(&asked), "{seconds}: {asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn services_bring_their_ports_priorities_and_weights() {
    let servers = Arc::new(Servers::default());
    servers.service("_shop._tcp.org", &[(1, 60, 80, "a.org."), (2, 0, 81, "b.org.")]);
    servers.address("a.org.", &["10.0.0.7", "10.0.0.8"], 30);
    servers.address("b.org.", &["10.0.0.9"], 30);
    let mut watcher = watch(&Dns::services("_{service}._tcp.org", Arc::clone(&servers) as _));
    assert!(watcher.changed().await);
    let of = |address: &str, priority, weight, host: &str| {
        Instance::new(address).priority(priority).weight(weight).with("host", host)
    };
    let expected = [
        of("10.0.0.7:80", 1, 60, "a.org"),
        of("10.0.0.8:80", 1, 60, "a.org"),
        of("10.0.0.9:81", 2, 1, "b.org"),
    ];
    assert_eq!(list(&watcher).instances(), expected);
}

#[tokio::test(start_paused = true)]
async fn one_target_that_cannot_be_found_is_reported_and_takes_no_other_along() {
    let servers = Arc::new(Servers::default());
    servers.service("shop", &[(1, 1, 80, "a.org."), (1, 1, 80, "b.org."), (1, 1, 80, "c.org.")]);
    servers.address("a.org.", &["10.0.0.7"], 30);
    servers.away("b.org.");
    let mut watcher = watch(&Dns::services("{service}", Arc::clone(&servers) as _));
    assert!(watcher.changed().await);
    let list = list(&watcher);
    let ignored: Vec<_> = list.ignored().iter().map(|it| &*it.entry).collect();
    assert_eq!((list.len(), ignored), (1, vec!["b.org.", "c.org."]));
}

#[tokio::test(start_paused = true)]
async fn no_such_name_is_nobody_and_no_answer_is_an_error() {
    let servers = Arc::new(Servers::default());
    let dns = Dns::addresses("{service}", 80, Arc::clone(&servers) as _);
    let mut watcher = watch(&dns);
    assert!(watcher.changed().await);
    assert!(list(&watcher).is_empty());
    servers.away("shop");
    assert!(watcher.changed().await);
    let view = watcher.view();
    assert!(view.failing.unwrap().1.to_string().contains("asking for shop: no answer"));
    assert!(view.snapshot.is_some());
}

#[test]
fn a_name_that_is_none_is_refused() {
    let dns = Dns::addresses("{service}", 80, Arc::new(Servers::default()));
    for name in ["", "a b", "a/b"] {
        let refused = dns.watch(name, &Platform::system());
        assert!(matches!(refused, Err(RegistryError::Name { .. })), "{name}");
    }
}
