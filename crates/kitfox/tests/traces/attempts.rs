//! The spans of a call that is tried several times, or not at all.

use std::time::Duration;

use kitfox::telemetry::Background;
use kitfox::{Context, Platform};
use tokio::time::Instant;

use super::collector::Collected;
use super::model::{Span, value};
use super::{telemetry, work};
use crate::stacks::service::{Fleet, Mood, Payments, PaymentsClient, amount};

/// A client that records its calls, of a fleet whose replicas do not.
struct Client {
    fleet: Fleet,
    collected: Collected,
    platform: Platform,
    background: Background,
}

impl Client {
    async fn of(moods: &[Mood]) -> Self {
        let (fleet, collected) = (Fleet::of(moods).await, Collected::default());
        let platform = fleet.net.platform();
        let telemetry = telemetry("client", 1.0, &platform, &collected);
        let background = telemetry.start(&platform, Box::new(tokio::io::sink()));
        Client { fleet, collected, platform, background }
    }

    fn cx(&self) -> Context {
        work(&self.platform)
    }

    /// The spans of its calls, and those of attempts at them.
    async fn end(self) -> (Vec<Span>, Vec<Span>) {
        let _left = self.background.flush(Instant::now() + Duration::from_secs(2)).await;
        let spans = self.collected.spans().into_iter().map(|(_, span)| span);
        spans.partition(|span| span.parent_span_id.is_empty())
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_a_part_of_its_call_and_says_which_it_is() {
    let client = Client::of(&[Mood::Unavailable, Mood::Unavailable]).await;
    let payments = PaymentsClient::new(&client.fleet.channel().build().unwrap());
    payments.quote(&client.cx(), amount()).await.unwrap_err();
    let (calls, attempts) = client.end().await;
    assert_eq!((calls.len(), attempts.len()), (1, 3));
    for (nth, attempt) in attempts.iter().enumerate() {
        assert_eq!(attempt.parent_span_id, calls[0].span_id);
        assert_eq!(attempt.trace_id, calls[0].trace_id);
        assert_eq!(value(&attempt.attributes, "kitfox.attempt").unwrap(), (nth + 1).to_string());
        assert_eq!(value(&attempt.attributes, "error.type").unwrap(), "unavailable");
        assert!(attempt.start >= calls[0].start && attempt.end <= calls[0].end);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_breaker_refuses_says_so_and_has_no_attempt() {
    let client = Client::of(&[Mood::Unavailable]).await;
    let channel = client.fleet.channel().set("retry.mode", "off").build().unwrap();
    let payments = PaymentsClient::new(&channel);
    for _ in 0..30 {
        payments.charge(&client.cx(), amount()).await.unwrap_err();
    }
    let (calls, attempts) = client.end().await;
    let is_refused = |call: &&Span| value(&call.attributes, "kitfox.layer").is_some();
    let refused: Vec<_> = calls.iter().filter(is_refused).collect();
    assert!(!refused.is_empty() && calls.len() == 30);
    assert_eq!(attempts.len(), 30 - refused.len());
    for call in refused {
        assert_eq!(value(&call.attributes, "kitfox.layer").unwrap(), "breaker");
        assert_eq!(value(&call.attributes, "kitfox.ending").unwrap(), "refused");
        let decision = value(&call.attributes, "kitfox.decision").unwrap();
        assert!(decision.contains("open"), "{decision}");
    }
}
