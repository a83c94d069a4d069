//! One run: ten replicas, their callers, and the time that passes.

use std::sync::Arc;
use std::time::Duration;

use kitfox_core::Platform;
use kitfox_core::platform::{Random, Tcp};
use tokio::time::{Instant, sleep, sleep_until};

use crate::clients::{Balancer, Client};
use crate::fleet::{Fleet, Trouble};
use crate::outcome::Outcomes;

/// The replicas.
pub(crate) const REPLICAS: usize = 10;
/// How many calls a replica works on at the same time.
pub(crate) const WORKERS: usize = 4;
/// How many more may wait at a replica; it refuses the rest.
pub(crate) const QUEUE: usize = 100;
/// How long a replica works on a call, in the mean; times are distributed exponentially.
pub(crate) const WORK: Duration = Duration::from_millis(20);
/// How much of what the replicas could do is asked of them.
const UTILISATION: f64 = 0.7;
/// How long callers wait.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long everything goes well before calls are counted, and trouble begins.
const WARM_UP: Duration = Duration::from_secs(10);
/// For how long calls are counted.
const COUNTED: Duration = Duration::from_secs(30);

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) trouble: Trouble,
    pub(crate) clients: usize,
    pub(crate) balancer: Balancer,
}

/// What becomes of the calls that begin in the time that counts.
pub(crate) async fn simulate(case: Case, seed: u64) -> Outcomes {
    let platform = Platform::new(Tcp, Random::seeded(seed));
    let random = Random::seeded(seed.wrapping_mul(0x9e37_79b9));
    let begin = Instant::now();
    let counted_from = begin + WARM_UP;
    let fleet = Arc::new(Fleet::new(case.trouble, counted_from, seed));
    let clients = (0..case.clients).map(|_| Client::new(case.balancer, &fleet, &platform));
    let clients: Vec<Arc<Client>> = clients.map(Arc::new).collect();
    // Whatever starts with the clients has done so.
    sleep(Duration::from_millis(10)).await;
    let outcomes = Outcomes::shared();
    let rate = UTILISATION * (REPLICAS * WORKERS) as f64 / WORK.as_secs_f64();
    let mut next = Instant::now();
    while next < counted_from + COUNTED {
        next += Duration::from_secs_f64(-(1.0 - random.next_f64()).ln() / rate);
        sleep_until(next).await;
        let client = Arc::clone(&clients[one_of(clients.len(), &random)]);
        let outcomes = (Instant::now() >= counted_from).then(|| Arc::clone(&outcomes));
        drop(platform.tasks().spawn(async move {
            let begun = Instant::now();
            let answer = tokio::time::timeout(PATIENCE, client.call(PATIENCE)).await;
            if let Some(outcomes) = outcomes {
                Outcomes::add(&outcomes, answer.unwrap_or(false), begun.elapsed());
            }
        }));
    }
    sleep(2 * PATIENCE).await;
    Outcomes::take(&outcomes)
}

fn one_of(number: usize, random: &Random) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below `number`")]
    let one = (random.next_f64() * number as f64) as usize;
    one
}
