//! The program that is a client under test.

mod case;
mod channels;
mod requests;
mod shapes;

use std::sync::Arc;

use kitfox::Platform;
use tokio::io::{Stdout, stdin, stdout};
use tokio::sync::{Mutex, Semaphore};

use crate::messages::{
    self, ClientCompatRequest, ClientCompatResponse, ClientErrorResult, ClientResult,
};
use crate::stdio::{self, RunnerError};
use channels::Channels;

/// How many cases run at the same time. Most of them wait for time to pass.
const AT_ONCE: usize = 32;

/// Makes the calls that the runner asks for, and tells what became of each.
///
/// # Errors
/// When the runner cannot be understood, or does not listen.
pub async fn call() -> Result<(), RunnerError> {
    messages::register();
    let caller = Arc::new(Caller { channels: Channels::default(), output: Mutex::new(stdout()) });
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let platform = Platform::system();
    let mut input = stdin();
    while let Some(request) = stdio::read(&mut input).await? {
        let place = Arc::clone(&places).acquire_owned().await;
        let caller = Arc::clone(&caller);
        drop(platform.tasks().spawn(async move {
            // A runner that does not listen ends this program.
            let _ = caller.answer(request).await;
            drop(place);
        }));
    }
    platform.tasks().idle().await;
    Ok(())
}

struct Caller {
    channels: Channels,
    output: Mutex<Stdout>,
}

impl Caller {
    async fn answer(&self, request: ClientCompatRequest) -> Result<(), RunnerError> {
        let test_name = request.test_name.clone();
        let result = match case::run(&self.channels, request).await {
            Ok(response) => ClientResult::Response(response),
            Err(why) => ClientResult::Error(ClientErrorResult { message: why.to_string() }),
        };
        let answer = ClientCompatResponse { test_name, result: Some(result) };
        stdio::write(&answer, &mut *self.output.lock().await).await
    }
}
