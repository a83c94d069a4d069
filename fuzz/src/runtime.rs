//! Runs futures in a time of their own: nothing waits for real, and what hangs is found at once.

use std::cell::RefCell;
use std::time::Duration;

use tokio::runtime::Runtime;

/// Longer than any limit of ours.
const HANGS: Duration = Duration::from_secs(3600);

thread_local! {
    static RUNTIME: RefCell<Runtime> = RefCell::new(
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime needs nothing of the system but memory"),
    );
}

/// What `future` comes to.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with_borrow_mut(|runtime| {
        let within = async { tokio::time::timeout(HANGS, future).await };
        runtime.block_on(within).expect("it hangs")
    })
}
