//! `PUT /stack/..`: the layers around calls, set while calls run, for good or for a while.

use std::time::Duration;

use http::StatusCode;
use http::request::Parts;
use kitfox_core::Platform;
use kitfox_core::platform::Tasks;
use kitfox_telemetry::Telemetry;
use kitfox_telemetry::logs::Logs;
use tokio::time::{Instant, sleep_until};
use tracing::Level;

use super::fields::Fields;
use super::log::Who;
use super::page::Page;
use crate::config::{Origin, Stack, Stacks, parse_duration};
use crate::stack::{Change, Source};

/// Where the lines of this page come from.
const TARGET: &str = "kitfox::admin";

/// How short and how long a change may hold that reverts.
const TIMES: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(7 * 24 * 3600);

/// The most values in one change.
const MOST: usize = 100;

/// Changes what stacks are set to.
pub(in crate::host) struct Dial {
    pub(super) stacks: Stacks,
    logs: Option<Logs>,
    /// Of its own: a shutdown does not wait for a change to revert.
    tasks: Tasks,
}

impl Dial {
    pub(in crate::host) fn new(
        stacks: Stacks,
        telemetry: Option<&Telemetry>,
        platform: &Platform,
    ) -> Self {
        let logs = telemetry.map(|telemetry| telemetry.logs().clone());
        Dial { stacks, logs, tasks: platform.apart().tasks().clone() }
    }

    /// `PUT /stack/server?rate_limit.rate=5&for=10m`, and the same for a client or for one method;
    /// `DELETE` takes back all that was changed so.
    pub(super) fn change(&self, head: &Parts, body: &str, who: &Who<'_>) -> Result<(), Page> {
        let path = head.uri.path().trim_start_matches("/stack/");
        let (name, method) = match path.split_once('/') {
            Some((name, method)) => (name, Some(method).filter(|method| !method.is_empty())),
            None => (path, None),
        };
        let Some(stack) = self.stacks.find(name) else {
            let known: Vec<_> = self.stacks.iter().map(|stack| stack.name.as_str()).collect();
            let why = format!("there is no stack `{name}` here, but {}", known.join(", "));
            return Err(Page::refusal(StatusCode::NOT_FOUND, why));
        };
        if head.method == http::Method::DELETE {
            self.reset(stack, who);
            return Ok(());
        }
        self.set(stack, method, &Fields::of(head.uri.query(), body), who)
    }

    fn set(
        &self,
        stack: &Stack,
        method: Option<&str>,
        fields: &Fields,
        who: &Who<'_>,
    ) -> Result<(), Page> {
        let refused = |why: String| {
            Page::refusal(StatusCode::BAD_REQUEST, format!("nothing is changed: {why}"))
        };
        let time = match fields.value("for").filter(|time| !time.is_empty()) {
            None => None,
            Some(text) => {
                let time = parse_duration(text).filter(|time| TIMES.contains(time));
                let why = || {
                    refused(format!(
                        "`for={text}` is no time from 1s to 168h, such as `90s`, `10m` or `1h`"
                    ))
                };
                Some(time.ok_or_else(why)?)
            }
        };
        let origin = Origin::Admin(who.to_string());
        let sources = fields.iter().filter(|(name, _)| !["for", "format"].contains(name));
        let sources: Vec<_> = sources
            .map(|(key, value)| {
                let (method, key) = (method.map(str::to_owned), key.to_owned());
                let change = Change { method, key, value: value.to_owned() };
                Source { change, origin: origin.clone() }
            })
            .collect();
        if sources.is_empty() || sources.len() > MOST {
            let why = "give keys with their values, at most 100, and a time `for` which they shall \
                       hold if they shall revert: `rate_limit.rate=50&for=10m`, in the query or the \
                       body; `GET /stack` lists the keys";
            return Err(refused(why.to_owned()));
        }
        let until = time.map(|time| Instant::now() + time);
        stack.tunable.dial(sources.clone(), until).map_err(|error| refused(error.to_string()))?;
        for Source { change, .. } in &sources {
            self.log(stack, "what a layer is set to was changed", change, Some(who), time);
        }
        if let Some(until) = until {
            self.revert_at(stack, until);
        }
        Ok(())
    }

    fn reset(&self, stack: &Stack, who: &Who<'_>) {
        for Source { change, .. } in stack.tunable.expire(None) {
            self.log(stack, "a layer is again set to what it was", &change, Some(who), None);
        }
    }

    fn revert_at(&self, stack: &Stack, until: Instant) {
        let (stack, logs) = (stack.clone(), self.logs.clone());
        drop(self.tasks.spawn(async move {
            sleep_until(until).await;
            for Source { change, .. } in stack.tunable.expire(Some(until)) {
                let message = "a layer is again set to what it was";
                log(logs.as_ref(), &stack, message, &change, None, None);
            }
        }));
    }

    fn log(
        &self,
        stack: &Stack,
        message: &str,
        change: &Change,
        who: Option<&Who<'_>>,
        time: Option<Duration>,
    ) {
        log(self.logs.as_ref(), stack, message, change, who, time);
    }
}

fn log(
    logs: Option<&Logs>,
    stack: &Stack,
    message: &str,
    change: &Change,
    who: Option<&Who<'_>>,
    time: Option<Duration>,
) {
    let Some(logs) = logs else {
        let (stack, change) = (&stack.name, change.to_string());
        tracing::warn!(stack, change, "{message}");
        return;
    };
    logs.line(Level::WARN, logs.now(), TARGET, |line| {
        line.message(message);
        line.text("stack", &stack.name);
        line.display("change", change);
        if let Some(who) = who {
            line.display("peer", &who.peer);
            line.text("as", who.name.unwrap_or("nobody in particular"));
        }
        if let Some(time) = time {
            line.duration("for", time);
        }
    });
}

impl Drop for Dial {
    fn drop(&mut self) {
        self.tasks.end();
    }
}
