//! Both ends speak at the same time, and each ends when it has said what it has to say.

use kitfox::contract::Shape;
use kitfox::{Context, Streaming};

use super::rig::{Outcome, Rig};
use super::service::Item;

pub(super) async fn messages_go_to_and_fro(rig: &Rig) {
    rig.puppet.behave(async |_, mut items| {
        Ok(Streaming::produce(async move |answers| {
            while let Some(item) = items.try_next().await? {
                answers.send(Item::numbered(item.number + 1)).await?;
            }
            Ok(())
        }))
    });
    let (sender, items) = Streaming::channel(1);
    sender.send(Item::numbered(0)).await.unwrap();
    let mut answers = rig.call(Shape::BothStream, &Context::background(), items).await.unwrap();
    for round in 0..100 {
        let answer = answers.try_next().await.unwrap();
        assert_eq!(answer, Some(Item::numbered(2 * round + 1)));
        // The next question waits for this answer.
        sender.send(Item::numbered(2 * round + 2)).await.unwrap();
    }
    assert!(answers.try_next().await.unwrap().is_some());
    drop(sender);
    assert_eq!(answers.try_next().await.unwrap(), None);
    rig.over().await;
}

pub(super) async fn the_service_goes_on_after_its_caller_has_ended(rig: &Rig) {
    rig.puppet.behave(async |_, mut items| {
        Ok(Streaming::produce(async move |answers| {
            let mut count = 0;
            while items.try_next().await?.is_some() {
                count += 1;
            }
            for number in 0..count {
                tokio::task::yield_now().await;
                answers.send(Item::numbered(number)).await?;
            }
            Ok(())
        }))
    });
    let questions = (0..5).map(Item::numbered);
    let items = rig.ask(Shape::BothStream, &Context::background(), questions.clone()).await.good();
    assert!(items.into_iter().eq(questions));
}

pub(super) async fn the_service_may_end_first(rig: &Rig) {
    rig.puppet.behave(async |_, mut items| {
        let first = items.try_next().await?.expect("a question");
        Ok(Streaming::of([first]))
    });
    for shape in rig.asking() {
        let mut outcome = answer_to_an_endless_request(rig, shape).await;
        // Over HTTP/1.1 nobody listens for ever to what he does not want, and who is too busy to look
        // at his answer meanwhile has lost it.
        for _ in 0..3 {
            if outcome.error.is_some() && rig.way.is_http1() {
                outcome = answer_to_an_endless_request(rig, shape).await;
            }
        }
        assert_eq!(outcome.good(), [Item::numbered(7)], "{shape:?}");
    }
}

/// What comes of a request that goes on for ever, if it is let.
async fn answer_to_an_endless_request(rig: &Rig, shape: Shape) -> Outcome {
    let endless = std::iter::repeat_with(|| Item::numbered(7));
    let called = rig.call(shape, &Context::background(), Streaming::of(endless)).await;
    let outcome = Outcome::of(called).await;
    rig.over().await;
    outcome
}
