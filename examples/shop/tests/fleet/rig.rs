//! A shop of processes for a test, with the means to wait for what is to happen.

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use kitfox::Platform;
use shop::customers::{Crowd, Customers, Rate};
use shop::registry::Registry;
use shop::replica::{Replica, Spec};
use shop::role::Role;
use shop::tally::Second;
use shop_store::rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{sleep, timeout};

/// How long anything may take, on a machine that does much else: what is measured is whether it is
/// done, not when.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Shop {
    /// One at a time, for each is many processes.
    _alone: MutexGuard<'static, ()>,
    folder: TempDir,
    pub(crate) replicas: Vec<(Spec, Replica)>,
}

impl Shop {
    /// Two replicas of each service.
    pub(crate) async fn open() -> Self {
        static ALONE: Mutex<()> = Mutex::const_new(());
        let _alone = ALONE.lock().await;
        let folder = tempfile::tempdir().unwrap();
        let mut replicas = Vec::new();
        for role in Role::ALL {
            let specs = [1, 2].map(|number| spec(folder.path(), role, number));
            replicas.extend(Replica::start_all(specs).await.unwrap());
        }
        Shop { _alone, folder, replicas }
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::new(self.folder.path())
    }

    /// Customers come from now on.
    pub(crate) fn customers(&self, rate: u32) -> Visitors {
        let customers = Customers::new(&self.registry()).unwrap().patient(PATIENCE / 2);
        Visitors { crowd: customers.come(Rate(rate)), sum: Second::default() }
    }

    pub(crate) fn find(&self, role: Role, number: u16) -> usize {
        let found = |(spec, _): &(Spec, _)| (spec.role, spec.number) == (role, number);
        self.replicas.iter().position(found).unwrap()
    }

    /// Sends a signal to the replica at `index`.
    pub(crate) fn signal(&self, index: usize, signal: &str) {
        let pid = self.replicas[index].1.pid().expect("it runs").to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success(), "{signal}");
    }

    pub(crate) async fn ended(&mut self, index: usize) -> ExitStatus {
        let (spec, replica) = &mut self.replicas[index];
        let ended = timeout(PATIENCE, replica.ended()).await;
        ended.unwrap_or_else(|_| panic!("{} does not end", spec.name())).expect("a status")
    }

    pub(crate) async fn start_again(&mut self, index: usize) {
        let (spec, replica) = &mut self.replicas[index];
        *replica = Replica::start(spec).await.unwrap();
    }

    /// Lets all of them end, and looks whether their books agree.
    pub(crate) async fn close(self) -> Books {
        let tasks = Platform::system();
        let stop = |(_, replica): (_, Replica)| tasks.tasks().spawn(replica.stop());
        let stopping: Vec<_> = self.replicas.into_iter().map(stop).collect();
        for replica in stopping {
            replica.await.unwrap();
        }
        Books::read(self.folder.path())
    }
}

/// A replica of the shop in `folder`.
pub(crate) fn spec(folder: &Path, role: Role, number: u16) -> Spec {
    let program = env!("CARGO_BIN_EXE_shop").into();
    Spec { program, role, number, port: 0, data: folder.to_owned() }
}

/// Customers, and what they have seen so far.
pub(crate) struct Visitors {
    crowd: Arc<Crowd>,
    pub(crate) sum: Second,
}

impl Visitors {
    /// Waits until so many more have been there.
    pub(crate) async fn visit(&mut self, more: usize) {
        let enough = self.sum.took.len() + more;
        let wait = async {
            loop {
                self.sum.absorb(self.crowd.seen());
                if self.sum.took.len() >= enough {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, wait).await.expect("customers come and go");
    }

    /// Waits until forty in a row got their answers.
    pub(crate) async fn until_well(&mut self) {
        let wait = async {
            let mut well = 0;
            while well < 40 {
                sleep(Duration::from_millis(20)).await;
                let seen = self.crowd.seen();
                well = if seen.failures() > 0 { 0 } else { well + seen.took.len() };
                self.sum.absorb(seen);
            }
        };
        timeout(PATIENCE, wait).await.expect("it is well again");
    }

    /// No more customers come; those who are there leave.
    pub(crate) async fn leave(mut self) -> Second {
        let last = timeout(PATIENCE, self.crowd.leave()).await;
        self.sum.absorb(last.expect("customers have a deadline"));
        self.sum
    }
}

/// What the services have written down.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) confirmed: u32,
    pub(crate) pending: u32,
    /// Of orders that are confirmed.
    pub(crate) charged: u32,
    /// Of orders that are not.
    pub(crate) overcharged: u32,
    /// Of orders that are confirmed.
    pub(crate) reserved: u32,
    /// In stock, and set aside.
    pub(crate) meteorites: u32,
}

impl Books {
    fn read(folder: &Path) -> Self {
        let open = |name: &str| {
            let path = folder.join(name).with_extension("db");
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap()
        };
        let orders = open("orders");
        for name in ["payments", "catalog"] {
            let path = folder.join(name).with_extension("db");
            let attach = format!("ATTACH '{}' AS {name}", path.display());
            orders.execute(&attach, ()).unwrap();
        }
        let count = |query: &str| orders.query_row(query, (), |row| row.get::<_, u32>(0)).unwrap();
        let confirmed = "(SELECT id FROM orders WHERE state = 'confirmed')";
        Books {
            confirmed: count("SELECT count(*) FROM orders WHERE state = 'confirmed'"),
            pending: count("SELECT count(*) FROM orders WHERE state = 'pending'"),
            charged: count(&format!(
                r#"SELECT count(*) FROM charges WHERE "order" IN {confirmed}"#
            )),
            overcharged: count(&format!(
                r#"SELECT count(*) FROM charges WHERE "order" NOT IN {confirmed}"#
            )),
            reserved: count(&format!(
                r#"SELECT count(DISTINCT "order") FROM reserved WHERE "order" IN {confirmed}"#
            )),
            meteorites: count(
                "SELECT stock + (SELECT coalesce(sum(quantity), 0) FROM reserved \
                                 WHERE reserved.sku = products.sku) \
                 FROM products WHERE sku = 'meteorite'",
            ),
        }
    }

    /// Whether nobody has paid for nothing, and nobody has anything for nothing.
    pub(crate) fn agree(&self) {
        assert_eq!(self.confirmed, self.charged, "{self:?}");
        assert_eq!(self.confirmed, self.reserved, "{self:?}");
    }
}
