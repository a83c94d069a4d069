//! The line of a call.

use std::sync::OnceLock;
use std::time::Duration;

use kitfox_core::record::{Edge, Ending, Record, Side, Volume, Wire};
use kitfox_core::{Code, Context, Method, RecordField};
use tracing::Level;

use super::fixed::Fixed;
use super::value::{Text, Value};
use super::{Access, CALL, Line, Logs, pretty};

/// Writes the lines of one method's calls: [`Logs::calls`] gives it, before the first of them.
pub struct CallLines {
    logs: Logs,
    side: Side,
    /// `strings.v1.Strings/Uppercase`.
    method: &'static str,
    /// For people: `Strings/Uppercase`, with an arrow where the call is made.
    short: String,
    /// What the lines of all calls have in common that were answered, for each wire.
    answered: [OnceLock<Option<Fixed>>; 5],
}

impl Logs {
    /// What writes the lines of the calls of `method`, seen from `side`.
    #[must_use]
    pub fn calls(&self, side: Side, method: &'static Method) -> CallLines {
        let method = method.path.trim_start_matches('/');
        let arrow = if side == Side::Server { "" } else { "→ " };
        let short = format!("{arrow}{}", pretty::method(method));
        CallLines { logs: self.clone(), side, method, short, answered: Default::default() }
    }

    /// The line of a request that reached no method and was over so many nanoseconds after the
    /// beginning of 1970, whatever filter and policy say. `took` is how long it took, where a clock
    /// was read when it came.
    pub(crate) fn edge(&self, edge: &Edge<'_>, took: Option<Duration>, at: u64) {
        let Edge { wire, peer, verb, status, error, .. } = *edge;
        let code = error.map_or(Code::Canceled, kitfox_core::Error::code);
        let ending = error.map_or(Ending::Dropped, |_| Ending::Refused);
        self.encode(Level::INFO, at, CALL, |line| {
            line.head();
            let outcome = error.map_or("dropped", |_| code.name());
            let read = line.call_ended(&asked(verb, status), took, outcome);
            if !read {
                line.message(happened(ending));
                line.text("method", NO_METHOD);
                line.text("side", Side::Server.name());
                if let Some(wire) = wire {
                    line.text("wire", wire.name());
                }
                line.text("code", code.name());
                if let Some(took) = took {
                    line.duration("duration", took);
                }
                line.text("verb", verb);
                if let Some(status) = status {
                    line.number("status", status.into());
                }
            }
            if let Some(error) = error {
                line.text("error", error.message());
            }
            if let Some(wire) = wire.filter(|_| read) {
                line.text("wire", wire.name());
            }
            if let Some(peer) = peer {
                line.put("peer", Value::Address(peer.address()));
            }
        });
    }

    /// The members of the baggage that lines shall have.
    pub(super) fn baggage(&self, cx: &Context, line: &mut Line<'_>) {
        for (member, name) in &self.0.baggage {
            let value = cx.baggage().and_then(|baggage| baggage.value(member));
            if let Some(value) = value {
                line.put_any(name, Value::Text(Text::Plain(value)));
            }
        }
    }
}

impl CallLines {
    /// Writes the line of a call that ended so many nanoseconds after the beginning of 1970,
    /// whatever filter and policy say. `fields` are those that user code added
    /// ([`Context::take_fields`]).
    pub fn write(&self, access: &Access, record: &Record<'_>, fields: &[RecordField], at: u64) {
        self.logs.encode(access.level(), at, CALL, |line| {
            let cx = record.context;
            match self.fixed(access.ending, cx.wire()) {
                Some(fixed) => {
                    line.fixed(fixed);
                    line.duration("duration", access.duration);
                }
                None => self.begin(line, access, cx.wire()),
            }
            if let Some(layer) = record.layer() {
                line.text("layer", layer);
            }
            if let Some(error) = record.error() {
                line.text("error", error.message());
                // What the caller is not told: a callee's words, a library's.
                if let Some(causes) = error.causes() {
                    line.text("cause", &causes);
                }
            }
            for field in fields {
                line.field(field.name, &field.value);
            }
            self.logs.baggage(cx, line);
            if let Some(principal) = cx.principal() {
                line.text("principal", principal.name());
            }
            if cx.attempt() > 1 {
                line.number("attempt", u64::from(cx.attempt()));
            }
            if line.is_pretty() {
                line.text("wire", cx.wire().name());
            }
            if let Some(peer) = cx.peer() {
                line.put("peer", Value::Address(peer.address()));
            }
            if record.received.messages != 1 {
                line.number("received", record.received.messages);
            }
            line.number("received_bytes", record.received.bytes);
            // People see that nothing was sent by how it ended.
            if record.sent != Volume::default() || !line.is_pretty() {
                if record.sent.messages != 1 {
                    line.number("sent", record.sent.messages);
                }
                line.number("sent_bytes", record.sent.bytes);
            }
            if let Some(trace) = cx.trace() {
                line.trace(&trace);
            }
        });
    }

    /// What a line begins with that machines read and that was encoded before.
    fn fixed(&self, ending: Ending, wire: Wire) -> Option<&Fixed> {
        if ending != Ending::Answered {
            return None;
        }
        let slot = &self.answered[wire as usize];
        slot.get_or_init(|| self.encode(wire)).as_ref()
    }

    fn encode(&self, wire: Wire) -> Option<Fixed> {
        let fields = self.common(None, wire);
        Fixed::new(self.logs.0.form, Level::INFO, CALL, ANSWERED, fields)
    }

    /// What a line begins with.
    fn begin(&self, line: &mut Line<'_>, access: &Access, wire: Wire) {
        let happened = happened(access.ending);
        line.head();
        if line.call_ended(&self.short, Some(access.duration), outcome(access)) {
            return;
        }
        line.message(happened);
        for (name, value) in self.common(access.code, wire) {
            line.text(name, value);
        }
        line.duration("duration", access.duration);
    }

    fn common(&self, code: Option<Code>, wire: Wire) -> Vec<(&'static str, &'static str)> {
        vec![
            ("method", self.method),
            ("side", self.side.name()),
            ("wire", wire.name()),
            ("code", code.map_or("ok", Code::name)),
        ]
    }
}

/// What was asked for, and the status of the answer where that tells something: `GET 404`.
fn asked(verb: &str, status: Option<u16>) -> String {
    let verb = if verb == NO_METHOD { "no request" } else { verb };
    match status {
        Some(status) if status != 200 => format!("{verb} {status}"),
        _ => verb.to_owned(),
    }
}

/// In a word or two, for people.
fn outcome(access: &Access) -> &'static str {
    match (access.ending, access.code) {
        (Ending::Failed | Ending::Refused, Some(code)) => code.name(),
        (Ending::Answered, _) => "ok",
        (Ending::Dropped, _) => "dropped",
        (ending, _) => ending.name(),
    }
}

const ANSWERED: &str = "answered";

/// What stands for a method where there is none, as the semantic conventions have it.
pub(crate) const NO_METHOD: &str = "_OTHER";

fn happened(ending: Ending) -> &'static str {
    match ending {
        Ending::Answered => ANSWERED,
        Ending::Failed => "failed",
        Ending::Refused => "refused",
        Ending::Expired => "expired",
        Ending::Panicked => "panicked",
        Ending::Dropped => "dropped by its caller",
    }
}

impl std::fmt::Debug for CallLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallLines")
            .field("side", &self.side)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}
