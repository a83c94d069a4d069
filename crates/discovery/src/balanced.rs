//! A channel to all replicas of a service.

mod endpoint;
mod ground;
mod line;
mod set;
mod streaming;
#[cfg(test)]
mod tests;
mod view;

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use kitfox_core::error::{Reason, refusal};
use kitfox_core::live::{Group, Live};
use kitfox_core::message::Codec;
use kitfox_core::{BoxEndpoint, Channel, Context, Error, LayerName, Method, Platform, Recovery};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use xxhash_rust::xxh64::xxh64;

pub use endpoint::BalancedEndpoint;
pub(crate) use ground::Ground;
pub use line::{Connect, Line, SteadyLine};
pub use view::ReplicaView;

use crate::picker::Query;
use crate::watcher::Watcher;
use crate::{BalanceSettings, Discovery, Policy, RegistryError, View};
use endpoint::{Flight, Kind};
use set::{Set, Slot, Update};

/// The name of this layer in errors.
pub const PICK: &str = "pick";

/// How long a call waits for the first of several connections, never past its deadline: as long as an
/// attempt to connect takes.
const CONNECTING: Duration = Duration::from_secs(5);

/// How often the age of a list is counted while its registry fails.
const AGING: Duration = Duration::from_secs(1);

/// A channel to all replicas of a service: each call goes to one of them, and what becomes of it is
/// remembered. Cloning shares it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use kitfox_core::message::Codec;
/// use kitfox_core::{Error, Platform};
/// use kitfox_discovery::{Balanced, BalanceSettings, Connect, Instance, Line, StaticList};
///
/// struct Http;
///
/// impl Connect for Http {
///     fn connect(&self, instance: &Instance) -> Result<Box<dyn Line>, Error> {
///         // HttpChannel::new(&format!("http://{}", instance.address))
/// #       Err(Error::new(kitfox_core::Code::Unimplemented, "here"))
///     }
///
///     fn codec(&self) -> Codec {
///         Codec::Protobuf
///     }
/// }
///
/// let list = StaticList::new().service("shop", ["10.0.0.7:8080", "10.0.0.8:8080"]);
/// let settings = BalanceSettings::default();
/// let shop = Balanced::new("shop", &list, Http, settings, &Platform::system()).unwrap();
/// # let _ = shop;
/// # });
/// ```
#[derive(Clone)]
pub struct Balanced(Arc<Inner>);

struct Inner {
    ground: Arc<Ground>,
    set: Live<Set>,
    update: Mutex<Update>,
    watcher: Watcher,
    /// Told with each list that there is.
    listed: watch::Sender<bool>,
    connect: Box<dyn Connect>,
    /// Ends the task that follows the watcher.
    _following: DropGuard,
}

impl Balanced {
    /// A channel to the replicas of `service` that `discovery` tells of, each reached by `connect`.
    /// What runs in the background runs on `platform`.
    ///
    /// # Errors
    /// Where the registry can have no such service.
    pub fn new(
        service: &str,
        discovery: &dyn Discovery,
        connect: impl Connect,
        settings: BalanceSettings,
        platform: &Platform,
    ) -> Result<Self, RegistryError> {
        let watcher = Watcher::start(discovery, service, platform)?;
        let ground = Arc::new(Ground::new(service, discovery.describe(), settings, platform));
        let stop = CancellationToken::new();
        let inner = Arc::new(Inner {
            set: ground.group.live(Set::default()),
            update: Mutex::new(Update::new(&ground)),
            ground,
            watcher: watcher.clone(),
            listed: watch::Sender::new(false),
            connect: Box::new(connect),
            _following: stop.clone().drop_guard(),
        });
        let following = follow(Arc::downgrade(&inner), watcher);
        drop(platform.tasks().spawn(async move { stop.run_until_cancelled(following).await }));
        Ok(Balanced(inner))
    }

    /// The endpoint of a method, as [`Channel::endpoint`], without the box: for whoever puts layers
    /// around it.
    #[must_use]
    pub fn bound(&self, method: &'static Method) -> BalancedEndpoint {
        let column = self.0.add(method);
        BalancedEndpoint::new(Arc::clone(&self.0), column)
    }

    /// The settings as they are now.
    #[must_use]
    pub fn settings(&self) -> Arc<BalanceSettings> {
        Arc::clone(&self.0.ground.settings.load())
    }

    /// From now on these; whoever has settings in its [`group`](Self::group) as well replaces them all.
    /// Calls that are under way notice nothing.
    pub fn replace(&self, settings: BalanceSettings) {
        drop(self.group().replace(|| self.prepare(settings)));
    }

    /// Whoever has settings in this group as well replaces them with those of the balancer.
    #[must_use]
    pub fn group(&self) -> &Group {
        &self.0.ground.group
    }

    /// The settings that [`Group::replace`] puts in force. What this gives has to live until then:
    /// nobody else changes the replicas meanwhile.
    pub fn prepare(&self, settings: BalanceSettings) -> Prepared<'_> {
        let Inner { ground, set, watcher, connect, .. } = &*self.0;
        let mut update = self.0.update();
        match watcher.view().snapshot {
            Some(list) if *ground.settings.whole() != settings => {
                set.prepare(update.take(&list, settings.clone(), &**connect));
            }
            _ => set.keep(),
        }
        ground.settings.prepare(settings);
        Prepared { ground, set, _update: update }
    }

    /// Says what tells this process from its peers and stays the same when it is started anew, such as
    /// its address: so does the [subset](BalanceSettings::subset) of a process that has no
    /// [number](BalanceSettings::client).
    pub fn identify(&self, who: &str) {
        self.0.update().seed = xxh64(who.as_bytes(), 0);
        self.0.take();
    }

    /// What is known of the service: the last list of its registry, and how old that is.
    #[must_use]
    pub fn view(&self) -> View {
        self.0.watcher.view()
    }

    /// Every replica, with its load and health.
    #[must_use]
    pub fn replicas(&self) -> Vec<ReplicaView> {
        view::of(&self.0.set.load().candidates, &self.0.ground)
    }
}

/// Settings that [`Group::replace`] is about to put in force.
#[must_use = "nobody else may change the replicas until they are in force"]
pub struct Prepared<'a> {
    ground: &'a Ground,
    set: &'a Live<Set>,
    _update: MutexGuard<'a, Update>,
}

/// They are in force: nothing holds the replicas of before but their calls, and who waits for a connection
/// looks again.
impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        self.set.keep();
        self.ground.connected.notify_waiters();
    }
}

impl fmt::Debug for Prepared<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("service", &self.ground.service).finish_non_exhaustive()
    }
}

impl Channel for Balanced {
    fn endpoint(&self, method: &'static Method) -> BoxEndpoint {
        BoxEndpoint::new(self.bound(method))
    }

    fn codec(&self) -> Codec {
        self.0.connect.codec()
    }
}

/// Takes each list that the watcher has, and counts how old it gets while there is no other.
async fn follow(inner: Weak<Inner>, mut watcher: Watcher) {
    loop {
        let ages = watcher.view().failing.is_some();
        let news = tokio::select! {
            told = watcher.changed() => if told { true } else { return },
            () = sleep(AGING), if ages => false,
        };
        let Some(inner) = inner.upgrade() else { return };
        if news {
            inner.take();
        }
        inner.ground.counts.aged(watcher.view().age());
    }
}

/// What became of a pick.
enum Picked {
    Flight(Flight),
    /// Nobody has a connection yet; this one may be the first to have one.
    Early(Arc<Slot>, Kind),
    Nobody,
}

impl Inner {
    /// From now on the replicas are those of the last list, if there is one.
    fn take(&self) {
        let mut update = self.update();
        // Read while nobody else takes one, so that none is followed by an older one.
        let Some(snapshot) = self.watcher.view().snapshot else { return };
        let settings = BalanceSettings::clone(&self.ground.settings.load());
        self.set.replace(update.take(&snapshot, settings, &*self.connect));
        drop(update);
        self.ground.connected.notify_waiters();
        self.listed.send_if_modified(|listed| !std::mem::replace(listed, true));
    }

    /// One more method, and where it is found.
    fn add(&self, method: &'static Method) -> usize {
        let mut update = self.update();
        let (column, set) = update.add(method, &self.set.load());
        self.set.replace(set);
        column
    }

    fn update(&self) -> MutexGuard<'_, Update> {
        self.update.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Picks a replica for a call of the method in `column`.
    #[inline(always)]
    fn pick(&self, column: usize, context: &Context) -> Option<Flight> {
        let ground = &*self.ground;
        let set = self.set.load();
        let (now, random) = (ground.now(), ground.platform.random());
        // The way of nearly all calls.
        if context.replicas_tried() == 0
            && now < ground.next_comparison()
            && let Some(index) = set.candidates.usual(now, &set.rules, random)
        {
            let slot = Arc::clone(&set.columns[column][index]);
            return Some(Flight::usual(slot, context, now));
        }
        match self.pick_otherwise(&set, column, context, now) {
            Picked::Flight(flight) => Some(flight),
            Picked::Nobody | Picked::Early(..) => None,
        }
    }

    #[inline(never)]
    fn pick_otherwise(&self, set: &Set, column: usize, context: &Context, now: u64) -> Picked {
        let ground = &*self.ground;
        let rules = &*set.rules;
        let (random, keyed) = (ground.platform.random(), ground.keyed());
        let query = Query { now, rules, random, context, keyed };
        let Some(pick) = set.candidates.pick(&query) else { return Picked::Nobody };
        if let Some(cold) = pick.cold {
            set.candidates.members[cold].replica.heat();
        }
        if now >= ground.next_comparison() {
            ground.compare(&set.candidates, now);
        }
        let slot = Arc::clone(&set.columns[column][pick.index]);
        let kind = Kind { probe: pick.probe, keyed: rules.settings.policy == Policy::Hash };
        if pick.early {
            set.candidates.members.iter().for_each(|member| member.replica.heat());
            return Picked::Early(slot, kind);
        }
        Picked::Flight(Flight::begin(slot, context, now, kind))
    }

    /// Waits for the first list, and picks.
    #[cold]
    async fn wait_and_pick(&self, column: usize, context: &Context) -> Result<Flight, Error> {
        context.enter_layer(LayerName::of(PICK));
        let limit = self.ground.settings.load().first_list;
        let mut listed = self.listed.subscribe();
        let _ = timeout(limit, listed.wait_for(|listed| *listed)).await;
        self.pick_first(column, context).await.ok_or_else(|| self.nobody())
    }

    /// Picks, where several are only being connected to as soon as the first of them is there.
    async fn pick_first(&self, column: usize, context: &Context) -> Option<Flight> {
        let until = Instant::now() + CONNECTING;
        loop {
            // What happens from here on is not missed.
            let mut news = pin!(self.ground.connected.notified());
            news.as_mut().enable();
            let now = self.ground.now();
            let picked = self.pick_otherwise(&self.set.load(), column, context, now);
            let (slot, kind) = match picked {
                Picked::Flight(flight) => return Some(flight),
                Picked::Nobody => return None,
                Picked::Early(slot, kind) => (slot, kind),
            };
            if timeout_at(until, news).await.is_err() {
                return Some(Flight::begin(slot, context, self.ground.now(), kind));
            }
        }
    }

    fn nobody(&self) -> Error {
        let Ground { service, registry, counts, .. } = &*self.ground;
        counts.nobody.increment();
        let view = self.watcher.view();
        let mut why = match &view.snapshot {
            None => format!("the {registry} has told nothing of `{service}` yet"),
            Some(list) if list.is_empty() => {
                format!("there is no replica of `{service}` in the {registry}")
            }
            Some(list) => {
                format!("none of the {} replicas of `{service}` can be used", list.len())
            }
        };
        if let Some((since, error)) = &view.failing {
            let age = since.elapsed().as_secs_f64();
            why.push_str(&format!("; it has not answered for {age:.1} s: {error}"));
        }
        refusal(PICK, Reason::NoReplica, Recovery::NeverProcessed, why)
    }
}

impl fmt::Debug for Balanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let replicas = self.0.set.load().candidates.members.len();
        let mut debug = f.debug_struct("Balanced");
        let debug = debug.field("service", &self.0.ground.service);
        debug.field("replicas", &replicas).finish_non_exhaustive()
    }
}
