//! Several replicas of each service, kept alive.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kitfox::Platform;
use kitfox::platform::Task;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::replica::{Replica, ReplicaError, Spec};
use crate::role::Role;

/// How long a replica that ended stays away.
const PAUSE: Duration = Duration::from_secs(2);

/// How many sentences wait to be read; more are dropped.
const NEWS: usize = 100;

/// What a fleet is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many replicas of each service.
    pub replicas: u16,
    /// Where the first storefront listens, and the others at the numbers after it; free ones for 0.
    pub port: u16,
    /// The shop's folder.
    pub data: PathBuf,
}

/// Replicas that run. One that ends is started again.
#[derive(Debug)]
pub struct Fleet {
    places: Vec<Place>,
    closing: watch::Sender<bool>,
    keepers: Vec<Task<()>>,
}

/// Why there is no fleet.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// Nobody knows which program to start.
    #[error("could not find out which program this is, to start it again: {0}")]
    Program(io::Error),
    /// One of them is missing.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

/// Where a replica was at the start.
#[derive(Debug)]
struct Place {
    spec: Spec,
    pid: Option<u32>,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Fleet {
    /// Starts all of them, and gives what happens to them later, in sentences.
    ///
    /// # Errors
    /// When one does not come to serve; the others are ended then.
    pub async fn start(plan: &Plan) -> Result<(Self, mpsc::Receiver<String>), FleetError> {
        let program = std::env::current_exe().map_err(FleetError::Program)?;
        let (tell, news) = mpsc::channel(NEWS);
        let (closing, closed) = watch::channel(false);
        let mut fleet = Fleet { places: Vec::new(), closing, keepers: Vec::new() };
        for role in Role::ALL {
            // One service after the other, so that each finds those that it calls.
            let started = match Replica::start_all(plan.specs(role, &program)).await {
                Ok(started) => started,
                Err(error) => {
                    fleet.stop().await;
                    return Err(error.into());
                }
            };
            for (spec, replica) in started {
                let (address, admin, pid) = (replica.address, replica.admin, replica.pid());
                fleet.places.push(Place { spec: spec.clone(), pid, address, admin });
                let keeper = keep(spec, replica, closed.clone(), tell.clone());
                fleet.keepers.push(Platform::system().tasks().spawn(keeper));
            }
        }
        Ok((fleet, news))
    }

    /// Lets all of them finish their calls and end.
    pub async fn stop(self) {
        self.closing.send_replace(true);
        for keeper in self.keepers {
            let _ = keeper.await;
        }
    }
}

impl Plan {
    fn specs(&self, role: Role, program: &Path) -> impl Iterator<Item = Spec> {
        (0..self.replicas).map(move |index| {
            let port = match role {
                Role::Storefront if self.port > 0 => self.port.saturating_add(index),
                _ => 0,
            };
            let (program, number, data) = (program.to_owned(), index + 1, self.data.clone());
            Spec { program, role, number, port, data }
        })
    }
}

/// Starts a replica again whenever it has ended, until the fleet is closing.
async fn keep(
    spec: Spec,
    first: Replica,
    mut closing: watch::Receiver<bool>,
    tell: mpsc::Sender<String>,
) {
    let mut current = Some(first);
    loop {
        let why = match &mut current {
            Some(replica) => tokio::select! {
                biased;
                _ = closing.wait_for(|closing| *closing) => break,
                status = replica.ended() => status.map_or("somehow".to_owned(), |it| it.to_string()),
            },
            None => "before it served".to_owned(),
        };
        let name = spec.name();
        let _ = tell.try_send(format!("{name} ended ({why}), and is started again in {PAUSE:?}"));
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => return,
            () = sleep(PAUSE) => {}
        }
        current = Replica::start(&spec).await.ok();
        if let Some(replica) = &current {
            let (pid, address) = (shown(replica.pid()), replica.address);
            let _ = tell.try_send(format!("{name} is back: pid {pid}, http://{address}"));
        }
    }
    if let Some(replica) = current {
        replica.stop().await;
    }
}

fn shown(pid: Option<u32>) -> String {
    pid.map_or("?".to_owned(), |pid| pid.to_string())
}

/// The replicas, and what one can do with them.
impl fmt::Display for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Place { spec, pid, address, admin } in &self.places {
            let (name, pid) = (spec.name(), shown(*pid));
            writeln!(f, "{name:13} pid {pid:8} http://{address:<16} admin http://{admin}")?;
        }
        let first = |role| self.places.iter().find(|place| place.spec.role == role);
        let (Some(storefront), Some(payments)) = (first(Role::Storefront), first(Role::Payments))
        else {
            return Ok(());
        };
        let (shop, pay) = (storefront.address, payments.address);
        write!(
            f,
            r#"
curl http://{shop}/v1/products
curl http://{shop}/v1/orders -H 'idempotency-key: my first' \
     --json '{{"card":"4242","lines":[{{"sku":"mug","quantity":1}}]}}'
curl -X PUT http://{pay}/v1/trouble --json '{{"slowPercent":30,"slowMillis":400,"failPercent":20}}'
kill -9 {}     # or without the -9
"#,
            shown(payments.pid)
        )?;
        if let Some(logs) = storefront.spec.log().parent() {
            writeln!(f, "less {}/*", logs.display())?;
        }
        Ok(())
    }
}
