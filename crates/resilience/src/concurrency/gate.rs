//! The gate: lets in, makes wait, refuses.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kitfox_core::{Context, Error, Recovery};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::count::{Count, Counted};
use super::counts::Counts;
use super::permit::{Measured, Permit};
use super::queue::{Queue, Spared, Told, Waiter};
use super::sampler::Sampler;
use super::{CONCURRENCY, ConcurrencyKind, ConcurrencySettings};
use crate::shedding::{Change, SHEDDING, SheddingSettings, Standing};
use crate::{Live, Mode, Reason, refusal};

/// Of the calls that come while there is plenty of room, so many are not measured for one that is.
const UNMEASURED: usize = 15;

/// What all clones of a limit share.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) settings: Live<ConcurrencySettings>,
    pub(super) shedding: Live<SheddingSettings>,
    pub(super) counts: Counts,
    count: Count,
    queue: Mutex<Queue>,
    sampler: Sampler,
    /// The classes below this one are shed, as of when that was looked at last.
    level: AtomicUsize,
}

/// What becomes of a call that comes.
pub(super) enum Arrival<'a> {
    /// Nobody asks.
    Off,
    In(Permit<&'a Gate>),
    Wait,
}

/// Who could not be given a place in the queue, or lost it.
type Shed = Vec<(Waiter, &'static str)>;

const STANDS: &str = "the queue stands, and this call matters least";
const DISPLACED: &str = "the queue is full, and a call came that matters more";

impl Gate {
    pub(super) fn new(
        settings: Live<ConcurrencySettings>,
        shedding: Live<SheddingSettings>,
    ) -> Self {
        Gate {
            settings,
            shedding,
            counts: Counts::default(),
            count: Count::default(),
            queue: Mutex::default(),
            sampler: Sampler::new(),
            level: AtomicUsize::new(0),
        }
    }

    /// How many calls run and how many wait.
    pub(super) fn now(&self) -> Counted {
        self.count.now()
    }

    /// The classes below this one are shed.
    pub(super) fn level(&self) -> usize {
        let mut gone = Shed::new();
        self.look(&mut lock(&self.queue), &self.shedding.load(), Instant::now(), &mut gone);
        tell_shed(gone);
        self.level.load(Ordering::Relaxed)
    }

    pub(super) fn limit(&self, settings: &ConcurrencySettings) -> usize {
        match settings.kind {
            ConcurrencyKind::Fixed => settings.limit,
            ConcurrencyKind::Adaptive => self.sampler.limit(settings.bounds()),
        }
    }

    pub(super) fn arrive(&self, context: &Context) -> Arrival<'_> {
        let settings = self.settings.load();
        if settings.mode == Mode::Off {
            return Arrival::Off;
        }
        self.counts.measures.tell(context);
        let limit = self.limit(&settings);
        let before = match settings.mode {
            Mode::Dark => self.count.enter_anyway(),
            _ => {
                let quiet = self.level.load(Ordering::Relaxed) == 0;
                let sheds = if quiet { Mode::Off } else { self.bars(context) };
                let entered = if sheds == Mode::On { None } else { self.count.enter(limit) };
                let Some(before) = entered else { return Arrival::Wait };
                if sheds == Mode::Dark {
                    self.shed_in_the_dark(context);
                }
                before
            }
        };
        if before.running() >= limit {
            self.counts.dark.increment();
            context.record(CONCURRENCY, "would have waited or been refused");
        }
        Arrival::In(Permit::new(self, measured(&settings, limit, before)))
    }

    /// What is done with a call that is not to come in even where there is room, since a class above its
    /// own is shed and has the first claim to it; off for all others.
    #[cold]
    fn bars(&self, context: &Context) -> Mode {
        // Also where nobody has to wait any more, so that what is shed comes back.
        let barred = (context.criticality() as usize) + 1 < self.level();
        if barred { self.shedding.load().mode } else { Mode::Off }
    }

    /// Decides about a call as if it stood in line, and says so.
    #[cold]
    fn shed_in_the_dark(&self, context: &Context) {
        let (shedding, mut gone) = (self.shedding.load(), Shed::new());
        let mut queue = lock(&self.queue);
        self.look(&mut queue, &shedding, Instant::now(), &mut gone);
        let class = context.criticality() as usize;
        if shedding.mode == Mode::Dark && class < queue.standing.level() {
            self.counts.shed_dark.increment();
            note(context, Spared::Shed);
        }
        drop(queue);
        tell_shed(gone);
    }

    /// Waits for a place: not for longer than the settings say, nor past the deadline. Dropping it
    /// leaves the queue.
    pub(super) async fn wait(&self, context: &Context) -> Result<Permit<&Gate>, Error> {
        let settings = self.settings.whole();
        let now = Instant::now();
        let mut place = self.stand_in_line(context, now, &settings)?;
        let patience = now + settings.wait;
        let end = context.deadline().map_or(patience, |deadline| deadline.min(patience));
        let told = timeout_at(end, &mut place.told).await;
        let waited = now.elapsed();
        match told {
            Ok(Ok(Told::Enter { spared })) => {
                place.used = true;
                note(context, spared);
                context.record("concurrency.waited", format!("{waited:?}"));
                let counted = self.count.now();
                let measured = measured(&settings, self.limit(&settings), counted);
                Ok(Permit::new(self, measured))
            }
            Ok(Ok(Told::Shed(why))) => Err(shed(why, &self.shedding)),
            // Whoever is in line is told before anything is dropped.
            Ok(Err(_)) => Err(shed(DISPLACED, &self.shedding)),
            Err(_) => {
                self.counts.late.increment();
                Err(late(waited, end < patience))
            }
        }
    }

    fn stand_in_line<'a>(
        &'a self,
        context: &'a Context,
        now: Instant,
        settings: &ConcurrencySettings,
    ) -> Result<Place<'a>, Error> {
        let (tell, told) = oneshot::channel();
        let mut shed = Shed::new();
        let number = self.push(context, now, settings, tell, &mut shed);
        tell_shed(shed);
        let (number, class) = (number?, context.criticality() as usize);
        // A place may have become free before anybody could know that somebody waits for it.
        self.pump();
        Ok(Place { gate: self, context, class, number, told, used: false })
    }

    fn push(
        &self,
        context: &Context,
        now: Instant,
        settings: &ConcurrencySettings,
        tell: oneshot::Sender<Told>,
        gone: &mut Shed,
    ) -> Result<u64, Error> {
        let (shedding, class) = (self.shedding.load(), context.criticality() as usize);
        let mut queue = lock(&self.queue);
        self.look(&mut queue, &shedding, now, gone);
        let mut spared = Spared::No;
        if class < queue.standing.level() {
            match shedding.mode {
                Mode::On => {
                    self.counts.shed[class].increment();
                    return Err(shed(STANDS, &self.shedding));
                }
                Mode::Dark => {
                    self.counts.shed_dark.increment();
                    spared = Spared::Shed;
                }
                Mode::Off => {}
            }
        }
        if queue.len() >= settings.queue {
            let displaced = match shedding.mode {
                Mode::On => queue.displace(class),
                Mode::Dark if spared == Spared::No && queue.spare_displaced(class) => {
                    self.counts.shed_dark.increment();
                    None
                }
                _ => None,
            };
            let Some((lowest, waiter)) = displaced else {
                self.counts.full.increment();
                note(context, spared);
                return Err(full(self.count.now()));
            };
            self.give_up(lowest, waiter, DISPLACED, gone);
        }
        let number = queue.push(class, now, tell, spared);
        self.count.wait();
        self.counts.queued.increment();
        self.counts.waiting.add(1);
        Ok(number)
    }

    /// Sees whether the queue stands, and takes out whom that concerns.
    fn look(&self, queue: &mut Queue, settings: &SheddingSettings, now: Instant, gone: &mut Shed) {
        let change = if settings.mode == Mode::Off {
            queue.standing = Standing::default();
            Change::Lowered
        } else {
            queue.look(settings, now)
        };
        if change != Change::None {
            let level = queue.standing.level();
            self.counts.level.set(i64::try_from(level).unwrap_or(0));
            self.level.store(level, Ordering::Relaxed);
        }
        if change != Change::Raised {
            return;
        }
        if settings.mode == Mode::Dark {
            self.counts.shed_dark.add(queue.spare_shed(settings.target, now) as u64);
            return;
        }
        while let Some((class, waiter)) = queue.shed(settings.target, now) {
            self.give_up(class, waiter, STANDS, gone);
        }
    }

    fn give_up(&self, class: usize, waiter: Waiter, why: &'static str, gone: &mut Shed) {
        self.count.give_up();
        self.counts.waiting.add(-1);
        self.counts.shed[class].increment();
        gone.push((waiter, why));
    }

    /// Lets in who waits, as far as there is room.
    fn pump(&self) {
        let settings = self.settings.load();
        let shedding = self.shedding.load();
        let (limit, now) = (self.limit(&settings), Instant::now());
        let mut gone = Shed::new();
        self.look(&mut lock(&self.queue), &shedding, now, &mut gone);
        tell_shed(gone);
        while let Some(waiter) = self.next(limit, now) {
            if waiter.tell.send(Told::Enter { spared: waiter.spared }).is_err() {
                // It has just left.
                self.count.leave();
            }
        }
    }

    fn next(&self, limit: usize, now: Instant) -> Option<Waiter> {
        let mut queue = lock(&self.queue);
        if self.count.now().running() >= limit {
            return None;
        }
        let waiter = queue.pop(now)?;
        self.count.enter_from_queue();
        self.counts.waiting.add(-1);
        Some(waiter)
    }

    /// A call is over.
    pub(super) fn leave(&self) {
        if self.count.leave().waiting() > 0 {
            self.pump();
        }
    }

    pub(super) fn answered(&self, Measured { started, in_flight }: Measured) {
        let bounds = self.settings.load().bounds();
        self.moved(self.sampler.answered(bounds, started, in_flight));
    }

    pub(super) fn given_up(&self, Measured { started, in_flight }: Measured) {
        let bounds = self.settings.load().bounds();
        self.moved(self.sampler.given_up(bounds, started, in_flight));
    }

    fn moved(&self, limit: Option<usize>) {
        if let Some(limit) = limit {
            self.counts.limit.set(i64::try_from(limit).unwrap_or(i64::MAX));
        }
    }
}

/// A place in the queue. Dropping it leaves the queue, and gives back what was just given.
struct Place<'a> {
    gate: &'a Gate,
    context: &'a Context,
    class: usize,
    number: u64,
    told: oneshot::Receiver<Told>,
    used: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.used {
            return;
        }
        let left = lock(&self.gate.queue).leave(self.class, self.number);
        if let Some(waiter) = left {
            self.gate.count.give_up();
            self.gate.counts.waiting.add(-1);
            note(self.context, waiter.spared);
            return;
        }
        self.told.close();
        if let Ok(Told::Enter { spared }) = self.told.try_recv() {
            note(self.context, spared);
            self.gate.leave();
        }
    }
}

/// Calls are measured where their number may have to do with how long they take, and now and then
/// where it has not, which is the baseline.
fn measured(settings: &ConcurrencySettings, limit: usize, before: Counted) -> Option<Measured> {
    if settings.kind == ConcurrencyKind::Fixed {
        return None;
    }
    let in_flight = before.running() + 1;
    let busy = in_flight * 2 >= limit;
    let sampled = busy || before.turn().is_multiple_of(UNMEASURED + 1);
    sampled.then(|| Measured { started: Instant::now(), in_flight })
}

/// In the dark it is said of a call what would have become of it.
fn note(context: &Context, spared: Spared) {
    if spared != Spared::No {
        context.record(SHEDDING, "would have been shed");
    }
}

fn tell_shed(shed: Shed) {
    for (waiter, why) in shed {
        let _ = waiter.tell.send(Told::Shed(why));
    }
}

/// Nothing was done for it, so that another replica may be asked whatever the method is.
#[cold]
fn full(counted: Counted) -> Error {
    let (running, waiting) = (counted.running(), counted.waiting());
    let why = format!("{running} calls run, and the queue is full with {waiting}");
    refusal(CONCURRENCY, Reason::QueueFull, Recovery::NeverProcessed, why)
}

#[cold]
fn late(waited: Duration, by_deadline: bool) -> Error {
    if by_deadline {
        let why = format!("the deadline came while the call waited for a place, for {waited:?}");
        return refusal(CONCURRENCY, Reason::NoTimeLeft, Recovery::No, why);
    }
    let why = format!("there was no place within {waited:?}, the longest that a call may wait");
    refusal(CONCURRENCY, Reason::QueueFull, Recovery::NeverProcessed, why)
}

/// Not before the next decision: till then it would be shed again.
#[cold]
fn shed(why: &'static str, settings: &Live<SheddingSettings>) -> Error {
    let pause = settings.load().interval;
    refusal(SHEDDING, Reason::Shed, Recovery::After(pause), why)
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    // Nothing that holds it can panic halfway.
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}
