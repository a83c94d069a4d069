//! `/log`: which lines are logged, read and set, for good or for a while.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use kitfox_core::Platform;
use kitfox_core::platform::Tasks;
use kitfox_telemetry::logs::{Filter, Logs};
use serde_json::json;
use tokio::time::{Instant, sleep_until};
use tracing::Level;

use super::fields::Fields;
use super::index::span;
use super::page::{Block, Cell, Page};
use crate::config::parse_duration;

/// Where the lines of this page come from.
const TARGET: &str = "kitfox::admin";

/// The longest time after which a filter reverts.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// The filter of a host's log, and its way back.
pub(in crate::host) struct Switch {
    logs: Logs,
    /// Of its own: a shutdown does not wait for a filter to revert.
    tasks: Tasks,
    /// Until when another filter is in force.
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Counts the changes, so that a change knows whether it is still the last one.
    changes: u64,
    /// When the filter reverts, and to which.
    temporary: Option<(Instant, Filter)>,
}

/// Who changes something.
pub(super) struct Who<'a> {
    pub(super) peer: SocketAddr,
    /// As who, where a token said so.
    pub(super) name: Option<&'a str>,
}

/// As they stand in the origin of a value.
impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "{name} from {}", self.peer),
            None => write!(f, "{}", self.peer),
        }
    }
}

impl Switch {
    pub(in crate::host) fn new(logs: Logs, platform: &Platform) -> Self {
        Switch { logs, tasks: platform.apart().tasks().clone(), state: Arc::default() }
    }

    /// `GET /log`
    pub(super) fn page(&self, authority: &str) -> Page {
        let filter = self.logs.filter().to_string();
        let state = lock(&self.state);
        let temporary = state.temporary.as_ref();
        let left = temporary.map(|(at, _)| at.saturating_duration_since(Instant::now()));
        let before = temporary.map(|(_, before)| before.to_string());
        drop(state);
        let mut facts = vec![("filter", Cell::code(&filter))];
        if let (Some(left), Some(before)) = (left, &before) {
            facts.push(("for another", Cell::plain(span(left))));
            facts.push(("then", Cell::code(before)));
        }
        let dropped = self.logs.dropped().total();
        let tone = if dropped == 0 { Cell::plain } else { Cell::bad };
        facts.push(("lines lost", tone(dropped.to_string())));
        let json = json!({
            "filter": filter,
            "revertsInSeconds": left.map(|left| left.as_secs_f64()),
            "revertsTo": before,
            "linesLost": dropped,
        });
        let example = format!("curl -X PUT '{authority}/log?filter=info,my_crate=debug&for=10m'");
        Page::new("log", vec![Block::Facts(facts), Block::FilterForm { filter, example }], json)
    }

    /// `PUT /log`, `POST /log`
    pub(super) fn change(&self, fields: &Fields, who: &Who<'_>) -> Result<(), Page> {
        let refused = |why: String| Page::refusal(StatusCode::BAD_REQUEST, why);
        let Some(text) = fields.value("filter") else {
            let why = "give a `filter`, and a time `for` which it shall hold if it shall revert: \
                       `filter=debug&for=10m`, in the query or the body";
            return Err(refused(why.to_owned()));
        };
        let filter: Filter =
            text.parse().map_err(|error| refused(format!("the filter stays as it is: {error}")))?;
        let time = match fields.value("for").filter(|time| !time.is_empty()) {
            None => None,
            Some(text) => {
                let time = parse_duration(text).filter(|time| (SHORTEST..=LONGEST).contains(time));
                let why = || {
                    refused(format!(
                        "the filter stays as it is: `for={text}` is no time from 1s to 168h, such \
                         as `90s`, `10m` or `1h`"
                    ))
                };
                Some(time.ok_or_else(why)?)
            }
        };
        self.set(filter, time, who);
        Ok(())
    }

    fn set(&self, filter: Filter, time: Option<Duration>, who: &Who<'_>) {
        let mut state = lock(&self.state);
        let old = self.logs.filter();
        state.changes += 1;
        // A second change for a while reverts to what was there before the first.
        let before = state.temporary.take().map_or_else(|| old.clone(), |(_, before)| before);
        self.logs.line(Level::WARN, self.logs.now(), TARGET, |line| {
            line.message("the log filter was changed");
            line.display("peer", &who.peer);
            line.text("as", who.name.unwrap_or("nobody in particular"));
            line.display("old", &old);
            line.display("new", &filter);
            match time {
                Some(time) => line.duration("for", time),
                None => line.text("for", "good"),
            }
        });
        self.logs.set_filter(filter);
        let Some(time) = time else { return };
        let at = Instant::now() + time;
        state.temporary = Some((at, before));
        let change = state.changes;
        drop(state);
        let (logs, state) = (self.logs.clone(), Arc::clone(&self.state));
        drop(self.tasks.spawn(async move {
            sleep_until(at).await;
            revert(&logs, &state, change);
        }));
    }
}

/// The shortest time after which a filter reverts.
const SHORTEST: Duration = Duration::from_secs(1);

fn revert(logs: &Logs, state: &Mutex<State>, change: u64) {
    let mut state = lock(state);
    if state.changes != change {
        return;
    }
    let Some((_, before)) = state.temporary.take() else { return };
    logs.line(Level::WARN, logs.now(), TARGET, |line| {
        line.message("the log filter is again what it was");
        line.display("old", &logs.filter());
        line.display("new", &before);
    });
    logs.set_filter(before);
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing that holds it can panic halfway.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.tasks.end();
    }
}
