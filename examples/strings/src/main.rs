//! Serves [`strings`] and says how to call it.

#![expect(clippy::print_stdout, reason = "it tells its user how to call it")]

use std::net::SocketAddr;

use kitfox::Host;
use strings::{Service, StringsServer};

#[tokio::main]
async fn main() -> Result<(), kitfox::HostError> {
    let host = Host::new("strings").version(env!("CARGO_PKG_VERSION"));
    let host = host.serve(StringsServer::new(Service)).start().await?;
    println!("{}", usage(host.address()));
    host.run().await
}

fn usage(address: SocketAddr) -> String {
    let json = r#"-H 'content-type: application/json' -d '{"text":"hello"}'"#;
    let method = "strings.v1.Strings/Uppercase";
    format!(
        r#"
REST     curl http://{address}/v1/uppercase {json}
         curl http://{address}/v1/count/hello
         curl -N http://{address}/v1/words/hello%20fox    # a stream: a line of JSON for each word
Connect  curl http://{address}/{method} {json}
gRPC     printf '\0\0\0\0\7\12\5hello' | curl -s --http2-prior-knowledge http://{address}/{method} \
             -H 'content-type: application/grpc' -H 'te: trailers' --data-binary @- | tail -c +8
         grpcurl -plaintext -d '{{"text":"hello"}}' {address} {method}
"#
    )
}
