//! What layers refuse is told apart on every wire: a breaker that is open is not a limit that is reached.

use std::time::Duration;

use kitfox::contract::Shape;
use kitfox::resilience::{
    Breaker, BreakerForce, BreakerSettings, Live, Mode, RateLimit, RateLimitSettings,
};
use kitfox::types::rpc::ErrorInfo;
use kitfox::{Code, Context, Detail, Error, Host, Origin, Recovery};

use crate::suite::rig::{Rig, over};
use crate::suite::service::Item;
use crate::suite::ways::Way;
use crate::support::http;
use crate::support::memory::Memory;

fn with_breaker(host: Host) -> Host {
    let force = Some(BreakerForce::Open);
    host.layer(Breaker::new(Live::new(BreakerSettings { force, ..BreakerSettings::default() })))
}

fn with_limit(host: Host) -> Host {
    let rate = 1.0 / 3_600.0;
    let limit = RateLimitSettings { mode: Mode::On, rate, burst: 1, ..Default::default() };
    host.layer(RateLimit::new(Live::new(limit)))
}

/// Calls until a layer refuses, on every way that has a wire; the answer is `expected`.
async fn refuses(name: &str, host: fn(Host) -> Host, expected: impl Fn(&Error)) {
    let case = async |rig: &Rig| {
        if rig.way == Way::Local {
            return;
        }
        rig.puppet.behave(async |_, items| Ok(items));
        for shape in rig.shapes() {
            let outcome = rig.ask(shape, &Context::background(), [Item::default()]).await;
            if outcome.error.is_some() {
                let error = outcome.failure();
                assert_eq!(error.origin(), Origin::Peer, "{shape:?}");
                expected(&error);
            } else {
                assert_eq!(shape, Shape::Unary, "only the first call passes");
            }
        }
    };
    let memory = || Memory::default().platform();
    over(name, case, async |way| Rig::witnessed(way, &memory(), host).await).await;
}

fn reason(error: &Error) -> String {
    let info = error.details().iter().find_map(Detail::decode::<ErrorInfo>);
    info.map(|info| format!("{} of {}", info.reason, info.domain)).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_is_unavailable_and_says_that_it_is_one() {
    refuses("open breaker", with_breaker, |error| {
        assert_eq!(
            (error.code(), error.message()),
            (Code::Unavailable, "breaker held open by hand")
        );
        assert_eq!(reason(error), "BREAKER_OPEN of kitfox");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_resource_exhausted_and_says_when_to_come_back() {
    refuses("limit", with_limit, |error| {
        assert_eq!(error.code(), Code::ResourceExhausted);
        assert_eq!(reason(error), "RATE_LIMITED of kitfox");
        if !matches!(error.recovery(), Recovery::After(pause) if pause > Duration::from_secs(3_000))
        {
            // The REST client of the suite is not ours, and reads no `retry-after`.
            let headers = &error.metadata().expect("it has headers").headers;
            assert!(headers.text("retry-after").is_some(), "{error:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn over_http_one_is_503_and_the_other_429() {
    for (host, passes, status) in
        [(with_breaker as fn(Host) -> Host, 0, "503"), (with_limit, 1, "429")]
    {
        let memory = Memory::default();
        let way = Way::all().into_iter().find(|way| *way != Way::Local).expect("there are wires");
        let rig = Rig::witnessed(way, &memory.platform(), host).await;
        rig.puppet.behave(async |_, items| Ok(items));
        for (call, path) in ["/v1/one", "/suite.v1.Suite/One"].into_iter().enumerate() {
            let mut connection = memory.dial(rig.address()).await.unwrap();
            http::begin_call(&mut connection, path, "{}").await;
            let answer = http::read(&mut connection).await;
            let expected = if call < passes { "200" } else { status };
            assert_eq!(answer.status.to_string(), expected, "{path}: {}", answer.body);
        }
    }
}
