//! Logs: lines that are encoded by the call and written by one background task.
//!
//! [`Logs::line`] encodes a line into memory of its thread and copies it into a bounded buffer;
//! the task of [`Logs::write_to`] writes many at once. A sink that is slow, stalled or gone costs
//! lines, which are counted and told of, and never keeps a call waiting.

mod access;
mod attributes;
mod buffer;
mod call;
mod escape;
mod filter;
mod fixed;
mod json;
mod layer;
mod line;
mod logfmt;
mod out;
mod pretty;
mod record;
mod redaction;
mod settings;
mod stdout;
mod time;
mod value;
mod writer;

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use kitfox_core::platform::WallClock;
use tokio::time::Instant;
use tracing::Level;

pub use access::{Access, AccessPolicy};
pub use buffer::Lines;
pub use call::CallLines;
pub use filter::{Filter, FilterError};
pub use layer::{LogLayer, layer};
pub use line::Line;
pub use record::{AttributeValue, LogRecord};
pub use redaction::Redaction;
pub use settings::{Format, LogSettings, UnknownFormat};
pub use stdout::Stdout;
pub use writer::Flushed;

pub(crate) use out::with_ip;
pub(crate) use redaction::HIDDEN;

use attributes::Attributes;
use buffer::Buffer;
use line::Form;
use out::Out;

/// Where what logs say of themselves comes from.
const TARGET: &str = "kitfox::logs";

/// Where the lines of calls come from, for the filter: `kitfox::call=warn` leaves out those of calls
/// that went well.
pub const CALL: &str = "kitfox::call";

/// The logs of a host; a cheap clone of the same.
///
/// ```
/// use kitfox_telemetry::logs::{Format, LogSettings, Logs};
/// use tracing::Level;
///
/// let logs = Logs::new(LogSettings { format: Format::Logfmt, ..LogSettings::default() });
/// if logs.enabled(Level::INFO, "shop") {
///     logs.line(Level::INFO, logs.now(), "shop", |line| {
///         line.message("the shop is open");
///         line.number("shelves", 7);
///     });
/// }
/// // let task = platform.tasks().spawn(logs.write_to(Stdout::open()));
/// ```
#[derive(Clone)]
pub struct Logs(Arc<Inner>);

struct Inner {
    form: Form,
    line_bytes: usize,
    redaction: Redaction,
    /// The members of the baggage that lines have, and their names there.
    baggage: Vec<(String, String)>,
    filter: RwLock<Filter>,
    /// The finest level of lines about calls: how many levels are written.
    calls: AtomicU8,
    buffer: Buffer,
    clock: OnceLock<WallClock>,
    export: OnceLock<Export>,
}

/// What else is handed each line.
type Export = Box<dyn Fn(&LogRecord<'_>) + Send + Sync>;

impl Logs {
    /// Logs of these settings. Nothing is written before [`Logs::write_to`].
    #[must_use]
    pub fn new(settings: LogSettings) -> Self {
        let form = settings.format.form();
        Logs::in_form(form, settings)
    }

    fn in_form(form: Form, settings: LogSettings) -> Self {
        let LogSettings { filter, buffer_bytes, line_bytes, redaction, baggage, .. } = settings;
        Logs(Arc::new(Inner {
            form,
            line_bytes: line_bytes.max(1024),
            redaction,
            baggage: named(baggage),
            calls: AtomicU8::new(finest_of_calls(&filter)),
            filter: RwLock::new(filter),
            buffer: Buffer::new(buffer_bytes),
            clock: OnceLock::new(),
            export: OnceLock::new(),
        }))
    }

    /// With another clock than the system's, for lines that belong to no call; says whether nobody
    /// looked at that before.
    pub fn set_clock(&self, clock: WallClock) -> bool {
        self.0.clock.set(clock).is_ok()
    }

    /// Hands `export` each line as well, from the thread that logs it; says whether it is the first
    /// and therefore the only one.
    pub fn export(&self, export: impl Fn(&LogRecord<'_>) + Send + Sync + 'static) -> bool {
        self.0.export.set(Box::new(export)).is_ok()
    }

    /// Writes a line, whatever the filter says, about what happened so many nanoseconds after the
    /// beginning of 1970. Never waits.
    pub fn line(
        &self,
        level: Level,
        unix_nanos: u64,
        target: &'static str,
        write: impl FnOnce(&mut Line<'_>),
    ) {
        self.encode(level, unix_nanos, target, |line| {
            line.head();
            write(line);
        });
    }

    /// [`Logs::line`] without a head.
    fn encode(
        &self,
        level: Level,
        unix_nanos: u64,
        target: &'static str,
        write: impl FnOnce(&mut Line<'_>),
    ) {
        let inner = &*self.0;
        // A field's formatter may log a line of its own: it takes another scratch.
        let mut scratch = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
        let Scratch { bytes, attributes } = &mut *scratch;
        let export = inner.export.get();
        if export.is_some() {
            attributes.clear(inner.line_bytes);
        }
        let out = Out::new(bytes, inner.line_bytes);
        let kept = export.is_some().then_some(&mut *attributes);
        let mut line =
            Line::begin(inner.form, level, unix_nanos, target, out, &inner.redaction, kept);
        write(&mut line);
        line.end();
        inner.buffer.push(level, bytes);
        if let Some(export) = export {
            export(&attributes.record(level, unix_nanos, target));
        }
        let _thread_ends = SCRATCH.try_with(|slot| slot.set(Some(scratch)));
    }

    /// Whether the filter lets a line through.
    #[must_use]
    pub fn enabled(&self, level: Level, target: &str) -> bool {
        self.0.filter.read().unwrap_or_else(PoisonError::into_inner).enables(level, target)
    }

    /// [`Logs::enabled`] for the line of a call, for the price of one look at memory.
    #[must_use]
    pub fn enabled_for_calls(&self, level: Level) -> bool {
        rank(level) <= self.0.calls.load(Ordering::Relaxed)
    }

    /// Which lines are written.
    #[must_use]
    pub fn filter(&self) -> Filter {
        self.0.filter.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets which lines are written from now on.
    pub fn set_filter(&self, filter: Filter) {
        self.0.calls.store(finest_of_calls(&filter), Ordering::Relaxed);
        *self.0.filter.write().unwrap_or_else(PoisonError::into_inner) = filter;
        tracing::callsite::rebuild_interest_cache();
    }

    /// The time of day, in nanoseconds since the beginning of 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.clock.get_or_init(WallClock::system).unix_nanos(Instant::now())
    }

    /// The lines that were dropped so far, or lost by their sink.
    #[must_use]
    pub fn dropped(&self) -> Lines {
        self.0.buffer.dropped()
    }

    /// The memory that lines take up which wait to be written, in bytes.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.0.buffer.held()
    }

    /// What is hidden.
    #[must_use]
    pub fn redaction(&self) -> &Redaction {
        &self.0.redaction
    }

    fn buffer(&self) -> &Buffer {
        &self.0.buffer
    }
}

/// Memory of a thread, for the line that it writes.
#[derive(Default)]
struct Scratch {
    bytes: Vec<u8>,
    attributes: Attributes,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

fn named(baggage: Vec<String>) -> Vec<(String, String)> {
    let named = |member: String| {
        let name = format!("baggage.{member}");
        (member, name)
    };
    baggage.into_iter().map(named).collect()
}

fn finest_of_calls(filter: &Filter) -> u8 {
    let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
    let finest = levels.into_iter().rev().find(|level| filter.enables(*level, CALL));
    finest.map_or(0, rank)
}

/// 1 for errors, 5 for traces.
fn rank(level: Level) -> u8 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs").field("filter", &self.filter()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod looks;
#[cfg(test)]
mod tests;
