//! Trouble on demand: a replica that is slow, or fails, as often as it was told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kitfox::{Code, Context, Error, Recovery};
use shop_payments::{Ailment, ShowTroubleRequest, Trouble};

/// The longest that a slow charge takes longer.
const SLOWEST_MILLIS: u32 = 60_000;

/// What this replica suffers from. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Troubles(Arc<Mutex<Ailment>>);

impl Troubles {
    /// What befalls a charge: nothing, time, or a failure before anything is done.
    pub(crate) async fn befall(&self, cx: &Context) -> Result<(), Error> {
        let Ailment { slow_percent, slow_millis, fail_percent } = *self.now();
        if happens(cx, slow_percent) {
            tokio::time::sleep(Duration::from_millis(slow_millis.into())).await;
        }
        if happens(cx, fail_percent) {
            // As a broken dependency would say it: no answer of the business, and worth another try.
            let error = Error::new(Code::Unavailable, "this replica was told to fail");
            return Err(error.with_recovery(Recovery::Retry));
        }
        Ok(())
    }

    fn now(&self) -> MutexGuard<'_, Ailment> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trouble for Troubles {
    async fn show_trouble(&self, _: &Context, _: ShowTroubleRequest) -> Result<Ailment, Error> {
        Ok(*self.now())
    }

    async fn make_trouble(&self, _: &Context, ailment: Ailment) -> Result<Ailment, Error> {
        let percent = ailment.slow_percent.max(ailment.fail_percent);
        if percent > 100 || ailment.slow_millis > SLOWEST_MILLIS {
            let why = "a percentage is at most 100, and `slowMillis` at most 60000";
            return Err(Error::new(Code::InvalidArgument, why));
        }
        *self.now() = ailment;
        Ok(ailment)
    }
}

fn happens(cx: &Context, percent: u32) -> bool {
    percent > 0 && cx.random().next_f64() * 100.0 < f64::from(percent)
}
