//! The service of `examples/strings`, served by Kitfox with its default settings: every wire on one
//! port, with its error path, deadline and limits. Only the ports are the bench's own.

use kitfox::Host;
use strings::{Service, StringsServer};

use crate::failure::{Failure, While};

pub(super) async fn run() -> Result<(), Failure> {
    let host = Host::new("strings").listen("127.0.0.1:0").admin("127.0.0.1:0").announce(false);
    let running = host.serve(StringsServer::new(Service)).start().await;
    let running = running.failed_while("starting Kitfox")?;
    println!("http://{}", running.address());
    running.run().await.failed_while("serving with Kitfox")
}
