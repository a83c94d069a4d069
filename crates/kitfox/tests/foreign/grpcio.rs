//! Python's grpcio, with what its own protoc makes of `/contract.proto`.

use std::path::Path;

use kitfox::Ending;
use tokio::runtime::Runtime;

use super::script::{contract, directory, talking};
use super::{missing, run, text};

#[test]
fn pythons_grpcio_calls_every_shape() {
    let python = std::env::var_os("KITFOX_PYTHON").unwrap_or_else(|| "python3".into());
    let Some(found) = run(&python, &["-c", "import grpc, grpc_tools"]) else { return };
    if !found.status.success() {
        missing::<()>(&python, "grpcio and grpcio-tools are not installed");
        return;
    }
    let runtime = Runtime::new().expect("a runtime");
    let running = talking(&runtime);
    let directory = directory("grpcio");
    contract(&runtime, &running, &directory);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/grpcio_client.py");
    let arguments = [script, directory].map(|path| path.display().to_string());
    let address = running.address().to_string();
    let said = run(&python, &[&arguments[0], &address, &arguments[1]]).expect("it is there");
    assert!(said.status.success(), "{}{}", text(&said.stdout), text(&said.stderr));
    assert_eq!(text(&said.stdout).lines().count(), 11, "{}", text(&said.stdout));
    // What was cancelled has no deadline, and has ended all the same.
    running.shutdown();
    assert_eq!(runtime.block_on(running.wait()), Ending::Clean);
}
