use std::sync::Arc;
use std::time::Duration;

use kitfox_resilience::{Mode, RateLimitSettings};

use super::*;
use crate::health::HealthClient;
use crate::stack::ServerSettings;

const METHOD: &str = "grpc.health.v1.Health/Check";

struct Rig {
    control: Control<ServerSettings>,
    /// What the layers were told last: of all methods, and of the first.
    told: Arc<Mutex<Vec<ServerSettings>>>,
}

impl Rig {
    fn new() -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        let apply = move |resolved: &Resolved<ServerSettings>| {
            *tell.lock().unwrap() = vec![resolved.base.clone(), resolved.methods[0].clone()];
        };
        let methods = HealthClient::CONTRACT.methods.iter().collect();
        let describe = |place: &str, _: Option<usize>| place.to_owned();
        let settings = ServerSettings::default();
        let control = Control::new(methods, settings, Box::new(apply), Box::new(describe));
        control.begin(Vec::new()).unwrap();
        Rig { control, told }
    }

    /// What a host says; gives what cannot be.
    fn configure(&self, host: HostId, sources: Vec<Source>) -> Wrong {
        match self.control.judge(host, sources) {
            Ok(put_in_force) => {
                put_in_force();
                Vec::new()
            }
            Err(wrong) => wrong,
        }
    }

    fn rates(&self) -> [f64; 2] {
        let told = self.told.lock().unwrap();
        [told[0].rate_limit.rate, told[1].rate_limit.rate]
    }
}

fn say(change: Change) -> Source {
    Source { change, origin: Origin::Code }
}

fn rate(rate: u32) -> Source {
    say(Change::new("rate_limit.rate", rate))
}

#[test]
fn a_method_has_settings_of_its_own_besides_those_of_all() {
    let rig = Rig::new();
    let own = say(Change::new("rate_limit.rate", 7).of_method(format!("/{METHOD}")));
    assert!(rig.configure(HostId::new(), vec![rate(50), own]).is_empty());
    assert_eq!(rig.rates(), [50.0, 7.0]);
}

#[test]
fn what_cannot_be_is_told_with_its_reason_and_nothing_is_changed() {
    let rig = Rig::new();
    let wrong = [
        ("rate_limits.rate", "5", "no layer `rate_limits`"),
        ("rate_limit", "5", "names no key of a layer"),
        ("rate_limit.rat", "5", "no key `rat`"),
        ("rate_limit.rate", "fast", "cannot be `fast`: give a number"),
    ];
    let said = wrong.iter().map(|(key, value, _)| say(Change::new(*key, value)));
    let told = rig.configure(HostId::new(), said.chain([rate(9)]).collect());
    assert_eq!(told.len(), wrong.len());
    for ((_, error), (_, _, part)) in told.iter().zip(wrong) {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(rig.rates()[0], RateLimitSettings::default().rate);
    let nowhere = say(Change::new("rate_limit.rate", 5).of_method("no.Such/Method"));
    let told = rig.configure(HostId::new(), vec![nowhere]);
    assert!(told[0].1.to_string().contains(METHOD), "{}", told[0].1);
}

#[test]
fn each_fault_is_told_of_the_key_whose_it_is() {
    let rig = Rig::new();
    let set = |key: &str, value: &str| say(Change::new(key, value));
    let said = vec![
        set("rate_limit.rate", "0"),
        set("concurrency.min", "300"),
        set("concurrency.max", "250"),
        set("concurrency.mode", "on"),
        set("concurrency.wait", "2s"),
        rate(5),
        set("shedding.interval", "0s"),
        say(Change::new("rate_limit.burst", 0).of_method(METHOD)),
        set("idempotency.mode", "off"),
    ];
    let told = rig.configure(HostId::new(), said);
    let told: Vec<_> =
        told.iter().map(|(source, why)| format!("{}: {why}", source.change.key)).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("concurrency.min: concurrency: `min` 300"), "{told:?}");
    assert!(told[1].starts_with("shedding.interval: shedding: "), "{told:?}");
    assert!(told[2].starts_with("rate_limit.burst: grpc.health.v1.Health/Check: rate_limit: "));
}

#[test]
fn a_change_that_makes_no_sense_changes_nothing() {
    let rig = Rig::new();
    let zero = say(Change::new("rate_limit.burst", 0));
    let error = rig.control.dial(vec![rate(9), zero], None).unwrap_err();
    assert!(error.to_string().starts_with("rate_limit: a `burst` of 0"), "{error}");
    assert_eq!(rig.rates()[0], RateLimitSettings::default().rate);
    rig.control.dial(vec![rate(9)], None).unwrap();
    assert_eq!(rig.rates()[0], 9.0, "and what was wrong is forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_change_for_a_while_gives_way_to_what_was_there_before() {
    let rig = Rig::new();
    let now = Instant::now();
    let at = |seconds| Some(now + Duration::from_secs(seconds));
    rig.control.dial(vec![rate(1)], None).unwrap();
    rig.control.dial(vec![rate(2)], at(10)).unwrap();
    rig.control.dial(vec![rate(3)], at(20)).unwrap();
    assert_eq!(rig.rates()[0], 3.0);
    assert!(rig.control.expire(at(10)).is_empty(), "the second while took the first one's place");
    assert_eq!(rig.control.expire(at(20)).len(), 1);
    assert_eq!(rig.rates()[0], 1.0);
    for (number, until) in [(4, 40), (5, 30), (6, 25), (7, 27)] {
        rig.control.dial(vec![rate(number)], at(until)).unwrap();
    }
    assert_eq!(rig.control.expire(at(27)).len(), 1, "of two that are over sooner, the later one");
    assert_eq!(rig.rates()[0], 4.0, "which was to last for longer than all others");
    rig.control.dial(vec![rate(4)], at(30)).unwrap();
    rig.control.dial(vec![rate(5)], None).unwrap();
    assert!(rig.control.expire(at(30)).is_empty(), "for good is for good");
    assert_eq!(rig.control.expire(None).len(), 1);
    assert_eq!(rig.rates()[0], RateLimitSettings::default().rate);
}

#[test]
fn a_host_replaces_what_it_said_and_nothing_that_another_one_said() {
    let rig = Rig::new();
    let (one, other) = (HostId::new(), HostId::new());
    let burst = say(Change::new("rate_limit.burst", 3));
    assert!(rig.configure(one, vec![rate(50), burst]).is_empty());
    assert!(rig.configure(other, vec![say(Change::new("rate_limit.mode", "dark"))]).is_empty());
    assert!(rig.configure(one, vec![rate(60)]).is_empty());
    let told = rig.told.lock().unwrap()[0].rate_limit.clone();
    let expected = RateLimitSettings { rate: 60.0, mode: Mode::Dark, ..Default::default() };
    assert_eq!((told.rate, told.mode, told.burst), (60.0, Mode::Dark, expected.burst));
}

#[test]
fn code_is_stronger_than_the_file_and_the_admin_port_is_stronger_than_code() {
    let rig = Rig::new();
    let host = HostId::new();
    rig.control.change(vec![Change::new("rate_limit.rate", 2)]).unwrap();
    assert!(rig.configure(host, vec![rate(1)]).is_empty());
    assert_eq!(rig.rates()[0], 2.0);
    rig.control.dial(vec![rate(3)], None).unwrap();
    rig.control.change(vec![Change::new("rate_limit.rate", 4)]).unwrap();
    assert_eq!(rig.rates()[0], 3.0);
    let gone = rig.control.expire(None);
    assert_eq!(gone, [rate(3)], "what code says is not the admin port's to take back");
    assert_eq!(rig.rates()[0], 4.0);
}

#[tokio::test(start_paused = true)]
async fn what_makes_sense_only_beside_what_will_be_over_is_refused() {
    let rig = Rig::new();
    let at = |seconds| Some(Instant::now() + Duration::from_secs(seconds));
    let set = |key: &str, value: &str| say(Change::new(format!("concurrency.{key}"), value));
    // An `initial` of 300 is above the default's most.
    rig.control.dial(vec![set("max", "500")], at(10)).unwrap();
    let error = rig.control.dial(vec![set("initial", "300")], at(20)).unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("when `concurrency.max = 500` is over: concurrency: "), "{said}");
    let error = rig.control.change(vec![Change::new("concurrency.initial", 300)]).unwrap_err();
    assert!(matches!(error, ChangeError::Later { .. }), "{error}");
    rig.control.dial(vec![set("initial", "300")], at(5)).unwrap();
}

#[test]
fn a_row_says_what_is_in_force_and_who_said_so() {
    let rig = Rig::new();
    let dark = say(Change::new("principal_rate_limit.mode", "dark").of_method(METHOD));
    rig.control.dial(vec![dark], None).unwrap();
    let rows = rig.control.rows(Some(METHOD)).unwrap();
    let row = rows.iter().find(|row| row.place == "principal_rate_limit").unwrap();
    let mode = row.keys.iter().find(|key| key.name == "mode").unwrap();
    assert_eq!((mode.value.as_str(), mode.origin.as_ref()), ("dark", Some(&Origin::Code)));
    let all = rig.control.rows(None).unwrap();
    assert!(all.iter().flat_map(|row| &row.keys).all(|key| key.origin.is_none()));
    assert_eq!(rig.told.lock().unwrap()[1].principal_rate_limit.mode, Mode::Dark);
}
