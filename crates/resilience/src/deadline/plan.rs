//! Until when a call or an attempt may take, and who looks where nobody ends it.

use std::time::Duration;

use kitfox_core::Context;
use kitfox_core::meter::Tally;
use tokio::time::Instant;

use super::{DEADLINE, Deadlines};
use crate::Mode;

/// Until when something may take.
#[derive(Default)]
pub(crate) struct Plan {
    /// When it ends; nothing where somebody else ends it before.
    pub(crate) deadline: Option<Instant>,
    pub(crate) limit: Duration,
    /// When it would end.
    dark: Option<Instant>,
}

impl Plan {
    pub(super) fn new(context: &Context, now: Instant, limit: Duration, mode: Mode) -> Self {
        let own = now.checked_add(limit);
        let own = own.filter(|own| context.deadline().is_none_or(|theirs| *own < theirs));
        match mode {
            Mode::On => Plan { deadline: own, limit, dark: None },
            _ => Plan { deadline: None, limit, dark: own },
        }
    }

    /// The same as the deadline of what goes out, so that nobody below works for longer.
    pub(crate) fn tighten(&self, context: &mut Context) {
        if let Some(deadline) = self.deadline {
            *context = context.with_deadline(deadline);
        }
    }

    /// Counts and notes a call that would have been ended, however it ends.
    pub(crate) fn watch(&self, deadlines: &Deadlines, context: &Context) -> Option<Watch> {
        let deadline = self.dark?;
        let (dark, context) = (deadlines.0.dark.clone(), context.clone());
        Some(Watch(Box::new(Watched { deadline, limit: self.limit, dark, context })))
    }
}

/// Counts and notes a call that would have been ended. In a box, which only a dark layer pays for:
/// every call is as large as its future.
pub(crate) struct Watch(Box<Watched>);

struct Watched {
    deadline: Instant,
    limit: Duration,
    dark: Tally,
    context: Context,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Watched { deadline, limit, dark, context } = &*self.0;
        if *deadline <= Instant::now() {
            dark.increment();
            context.record(DEADLINE, format!("would have been ended after {limit:?}"));
        }
    }
}
