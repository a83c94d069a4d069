//! The program that is a server under test.

use std::time::Duration;

use kitfox::Host;
use kitfox::config::Drain;
use kitfox::tls::Identity;
use kitfox::transport::Limits;
use tokio::io::{stdin, stdout};

use crate::messages::{self, ServerCompatRequest, ServerCompatResponse};
use crate::stdio::{self, RunnerError};
use crate::{ConformanceServiceServer, Obedient};

/// Longer than any case. Callers that say nothing of their patience are held to it.
const UNASKED: Duration = Duration::from_secs(60 * 60);

/// Is the server that the runner asks for, until the runner ends it.
///
/// # Errors
/// When the runner asks for what there is not, does not ask, or the server cannot start.
pub async fn serve() -> Result<(), RunnerError> {
    messages::register();
    let asked: Option<ServerCompatRequest> = stdio::read(&mut stdin()).await?;
    let asked = asked.ok_or(RunnerError::Silence)?;
    let mut host = Host::new("conformance")
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
        .announce(false)
        .drain(Drain { calls: Duration::from_secs(1), ..Drain::default() })
        .limits(limits(asked.message_receive_limit))
        .serve(ConformanceServiceServer::new(Obedient { unasked: UNASKED }));
    let credentials = asked.server_creds.filter(|_| asked.use_tls).unwrap_or_default();
    if asked.use_tls {
        host = host.tls(Identity::pem(&credentials.cert, &credentials.key)?);
    }
    let host = host.start().await?;
    let address = host.address();
    let here = ServerCompatResponse {
        host: address.ip().to_string(),
        port: address.port().into(),
        pem_cert: credentials.cert,
    };
    stdio::write(&here, &mut stdout()).await?;
    Ok(host.run().await?)
}

fn limits(message_bytes: u32) -> Limits {
    let mut limits = Limits::default();
    limits.call_timeout = UNASKED;
    if message_bytes > 0 {
        limits.body_bytes = message_bytes as usize;
    }
    limits
}
