//! DNS as dnsmasq speaks it. Skipped where that is not installed, unless `KITFOX_FOREIGN=required`.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kitfox_core::Platform;
use kitfox_discovery::{Dns, Instance, Snapshot, SystemResolver, Watcher};
use tokio::time::{sleep, timeout};

const LIMIT: Duration = Duration::from_secs(20);

/// A dnsmasq of its own, with nothing but these lines of configuration.
struct Server {
    process: Child,
    address: SocketAddr,
    records: PathBuf,
}

impl Server {
    /// None where there is no dnsmasq and none is required.
    #[expect(clippy::print_stdout, reason = "whoever reads the tests' output must know")]
    fn start(test: &str, lines: &str, hosts: &str) -> Option<Self> {
        let here = std::env::temp_dir().join(format!("kitfox-dns-{test}-{}", std::process::id()));
        fs::create_dir_all(&here).expect("a directory for the test");
        let free = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let address = free.expect("a free port");
        let records = here.join("hosts");
        fs::write(&records, hosts).expect("records");
        let configuration = format!(
            "port={}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\n\
             no-daemon\nlocal=/test/\nlocal-ttl=2\naddn-hosts={}\n{lines}\n",
            address.port(),
            records.display()
        );
        let file = here.join("dnsmasq.conf");
        fs::write(&file, configuration).expect("a configuration");
        let spawned = Command::new("dnsmasq")
            .arg(format!("--conf-file={}", file.display()))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match spawned {
            Ok(process) => Some(Server { process, address, records }),
            Err(_) if std::env::var("KITFOX_FOREIGN").as_deref() != Ok("required") => {
                println!("skipped: there is no dnsmasq");
                None
            }
            Err(error) => panic!("dnsmasq is required and cannot be started: {error}"),
        }
    }

    fn resolver(&self) -> Arc<SystemResolver> {
        Arc::new(SystemResolver::at(self.address).expect("a resolver"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(here) = self.records.parent() {
            let _ = fs::remove_dir_all(here);
        }
    }
}

/// Waits until the list is as it shall be.
async fn listed(watcher: &mut Watcher, expected: &[Instance]) {
    let seen = async {
        while watcher.view().snapshot.is_none_or(|list| list.instances() != expected) {
            assert!(watcher.changed().await, "the watcher has ended");
        }
    };
    assert!(timeout(LIMIT, seen).await.is_ok(), "{expected:?}: {:?}", watcher.view());
}

#[tokio::test]
async fn addresses_of_both_kinds_come_and_follow_changes() {
    let hosts = "127.0.0.7 shop.test\n::7 shop.test\n";
    let Some(server) = Server::start("addresses", "", hosts) else { return };
    let dns = Dns::addresses("{service}.test.", 80, server.resolver());
    let mut watcher = Watcher::start(&dns, "shop", &Platform::system()).expect("a sane name");
    listed(&mut watcher, &["127.0.0.7:80", "[::7]:80"].map(Instance::new)).await;
    fs::write(&server.records, "127.0.0.8 shop.test\n").expect("other records");
    let reload = Command::new("kill").args(["-HUP", &server.process.id().to_string()]).status();
    assert!(reload.is_ok_and(|it| it.success()), "dnsmasq reads its records again");
    listed(&mut watcher, &[Instance::new("127.0.0.8:80")]).await;
}

#[tokio::test]
async fn services_come_with_port_priority_and_weight() {
    let lines = "srv-host=_shop._tcp.test,a.test,80,1,60\nsrv-host=_shop._tcp.test,b.test,81,2,0";
    let hosts = "127.0.0.7 a.test\n127.0.0.8 b.test\n";
    let Some(server) = Server::start("services", lines, hosts) else { return };
    let dns = Dns::services("_{service}._tcp.test.", server.resolver());
    let mut watcher = Watcher::start(&dns, "shop", &Platform::system()).expect("a sane name");
    let of = |address: &str, host: &str| Instance::new(address).with("host", host);
    let expected = [
        of("127.0.0.7:80", "a.test").priority(1).weight(60),
        of("127.0.0.8:81", "b.test").priority(2).weight(1),
    ];
    listed(&mut watcher, &expected).await;
}

#[tokio::test]
async fn nobody_of_that_name_is_an_empty_list_and_a_server_that_is_gone_an_error() {
    let Some(mut server) = Server::start("nobody", "", "") else { return };
    let dns = Dns::addresses("{service}.test.", 80, server.resolver());
    let mut watcher = Watcher::start(&dns, "shop", &Platform::system()).expect("a sane name");
    listed(&mut watcher, &[]).await;
    server.process.kill().expect("it runs");
    server.process.wait().expect("it ends");
    let told = async {
        while watcher.view().failing.is_none() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), told).await.expect("the error is told");
    let view = watcher.view();
    assert_eq!(view.snapshot.as_deref(), Some(&Snapshot::default()), "the last list is kept");
    let (_, why) = view.failing.expect("it fails");
    assert!(why.to_string().contains("A of shop.test."), "{why}");
}
