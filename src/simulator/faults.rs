//! Every fault, as the real client of the AWS SDK sees it.

use std::time::{Duration, Instant};

use aws_sdk_bedrockruntime::{
    config::retry::RetryConfig, error::ProvideErrorMetadata,
    operation::converse_stream::ConverseStreamError,
};
use aws_smithy_runtime_api::client::result::SdkError;
use tokio::time::timeout;

use super::{
    fixtures::{NOVA, client, start},
    tests::{Heard, hear, user},
    *,
};

async fn ask(
    simulated: &Simulated,
) -> Result<Heard, SdkError<ConverseStreamError, aws_smithy_runtime_api::http::Response>> {
    let client = client(simulated);
    let output = client.converse_stream().model_id(NOVA).messages(user("hi"));
    Ok(hear(output.send().await?).await)
}

#[tokio::test]
async fn statuses_come_with_and_without_their_type() {
    let simulated = start().await;
    let cases = [
        (Step::throttle(), 429, Some("ThrottlingException")),
        (
            Step::throttle_for_the_day(),
            429,
            Some("ThrottlingException"),
        ),
        (
            Step::unavailable(),
            503,
            Some("ServiceUnavailableException"),
        ),
        (Step::internal_error(), 500, Some("InternalServerException")),
        (
            Step::fail(403, "AccessDeniedException", "no access"),
            403,
            Some("AccessDeniedException"),
        ),
        (Step::bare_status(529, "overloaded"), 529, None),
        (Step::html(502), 502, None),
    ];
    for (step, status, code) in cases {
        simulated.script(NOVA, [step]);
        let error = ask(&simulated).await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), status);
        assert_eq!(error.code(), code);
    }
    simulated.script(NOVA, [Step::throttle().retry_after("2")]);
    let error = ask(&simulated).await.unwrap_err();
    assert_eq!(
        error.raw_response().unwrap().headers().get("retry-after"),
        Some("2")
    );
    assert_eq!(simulated.billed(), 0);
}

#[tokio::test]
async fn a_reset_comes_before_any_byte_and_a_hang_brings_none() {
    let simulated = start().await;
    simulated.script(NOVA, [Step::reset()]);
    let error = ask(&simulated).await.unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    simulated.script(NOVA, [Step::hang()]);
    let short = Duration::from_millis(100);
    assert!(timeout(short, ask(&simulated)).await.is_err());
    let statuses: Vec<u16> = simulated
        .requests()
        .iter()
        .map(|seen| seen.status)
        .collect();
    assert_eq!(statuses, [0, 0]);
    assert_eq!(ask(&simulated).await.unwrap().error, None);
}

#[tokio::test]
async fn the_clients_own_retries_see_a_reset_as_worth_one() {
    let simulated = start().await;
    simulated.script(NOVA, [Step::reset(), Step::text("second try")]);
    let config = client(&simulated).config().to_builder();
    let retry = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let client = aws_sdk_bedrockruntime::Client::from_conf(config.retry_config(retry).build());
    let output = client
        .converse_stream()
        .model_id(NOVA)
        .messages(user("hi"))
        .send();
    assert_eq!(hear(output.await.unwrap()).await.text, "second try");
}

#[tokio::test]
async fn heads_and_first_events_can_be_late() {
    let simulated = start().await;
    let late = Duration::from_millis(120);
    let client = client(&simulated);
    let send = || {
        client
            .converse_stream()
            .model_id(NOVA)
            .messages(user("hi"))
            .send()
    };

    simulated.script(
        NOVA,
        [
            Step::echo().slow_head(late),
            Step::echo().slow_first_event(late),
        ],
    );
    let from = Instant::now();
    let output = send().await.unwrap();
    assert!(from.elapsed() >= late);
    hear(output).await;

    let from = Instant::now();
    let mut output = send().await.unwrap();
    assert!(from.elapsed() < late, "the head came late");
    output.stream.recv().await.unwrap().unwrap();
    assert!(from.elapsed() >= late);
}

/// A stream of "one two three four five" with this fault after the start and two words.
async fn struck(kind: FaultKind) -> (Heard, Duration) {
    let simulated = start().await;
    simulated.script(NOVA, [Step::text("one two three four five").fault(3, kind)]);
    let from = Instant::now();
    let heard = ask(&simulated).await.unwrap();
    (heard, from.elapsed())
}

#[tokio::test]
async fn streams_go_wrong_in_the_middle() {
    let ms = Duration::from_millis;
    let named = |name: &str| FaultKind::Exception {
        name: name.to_owned(),
        message: "slow down".to_owned(),
    };
    let error_frame = FaultKind::Error {
        code: "InternalError".to_owned(),
        message: "oh".to_owned(),
    };
    // What is heard, whether messageStop came, and a word of the client's error.
    let cases = [
        (FaultKind::Cut, "one two", false, Some("DispatchFailure")),
        (
            FaultKind::StallThenCut(ms(80)),
            "one two",
            false,
            Some("DispatchFailure"),
        ),
        (FaultKind::End, "one two", false, None),
        (
            FaultKind::Stall(ms(80)),
            "one two three four five",
            true,
            None,
        ),
        (
            FaultKind::UnknownEvent,
            "one two three four five",
            true,
            None,
        ),
        (
            named("throttlingException"),
            "one two",
            false,
            Some("ThrottlingException"),
        ),
        (
            named("modelStreamErrorException"),
            "one two",
            false,
            Some("ModelStreamErrorException"),
        ),
        (named("weirdException"), "one two", false, Some("Unhandled")),
        (error_frame, "one two", false, Some("ResponseError")),
        (
            FaultKind::BrokenFrame,
            "one two",
            false,
            Some("ResponseError"),
        ),
        (
            FaultKind::TruncatedFrame,
            "one two",
            false,
            Some("UnexpectedEndOfStream"),
        ),
    ];
    for (kind, text, stopped, error) in cases {
        let stalls = matches!(kind, FaultKind::Stall(_) | FaultKind::StallThenCut(_));
        let unknown = usize::from(kind == FaultKind::UnknownEvent);
        let (heard, time) = struck(kind.clone()).await;
        assert_eq!(heard.text, text, "{kind:?}");
        assert_eq!(heard.stop.is_some(), stopped, "{kind:?}");
        assert_eq!(heard.unknown, unknown, "{kind:?}");
        let found = heard.error.unwrap_or_default();
        assert_eq!(found.is_empty(), error.is_none(), "{kind:?}: {found}");
        assert!(
            found.contains(error.unwrap_or_default()),
            "{kind:?}: {found}"
        );
        assert!(!stalls || time >= ms(80), "{kind:?}");
    }
}

#[tokio::test]
async fn a_stream_can_fall_silent_and_an_exception_can_be_its_first_frame() {
    let simulated = start().await;
    simulated.script(NOVA, [Step::text("one two").fault(2, FaultKind::Silence)]);
    assert!(
        timeout(Duration::from_millis(100), ask(&simulated))
            .await
            .is_err()
    );
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(simulated.requests()[0].end, AnswerOutcome::Abandoned);
    assert_eq!(simulated.billed(), 1);

    let message = "Too many requests, please wait before trying again.";
    simulated.script(
        NOVA,
        [Step::echo().exception_after(0, "throttlingException", message)],
    );
    // The head was fine, so the client learns of it with the first event.
    let heard = ask(&simulated).await.unwrap();
    assert!(heard.error.unwrap().contains("ThrottlingException"));
    assert_eq!(simulated.billed(), 1);
}

#[tokio::test]
async fn metadata_can_be_missing_and_events_and_bytes_can_be_given() {
    let simulated = start().await;
    simulated.script(NOVA, [Step::text("whole").without_metadata()]);
    let heard = ask(&simulated).await.unwrap();
    assert_eq!(
        (heard.text.as_str(), heard.stop.as_deref()),
        ("whole", Some("end_turn"))
    );

    let events = ScriptedReply::text("by hand").events(&[None]);
    simulated.script(NOVA, [Step::events(events.clone())]);
    assert_eq!(ask(&simulated).await.unwrap().text, "by hand");

    let bytes: Vec<u8> = events.iter().flat_map(wire::event).collect();
    simulated.script(NOVA, [Step::bytes(bytes)]);
    assert_eq!(ask(&simulated).await.unwrap().text, "by hand");
}

#[tokio::test]
async fn a_model_can_be_down_for_a_while_or_now_and_then() {
    let simulated = start().await;
    simulated.always(NOVA, Step::unavailable());
    for _ in 0..3 {
        assert!(ask(&simulated).await.is_err());
    }
    simulated.unscript(NOVA);
    assert!(ask(&simulated).await.is_ok());
    simulated.sometimes(ANY_MODEL, 1.0, vec![Step::throttle()]);
    assert!(ask(&simulated).await.is_err());
    simulated.reset();
    assert!(ask(&simulated).await.is_ok());
    assert_eq!(simulated.requests().len(), 1);
}

#[tokio::test]
async fn answers_that_are_no_stream_can_be_cut_too() {
    let simulated = start().await;
    let client = client(&simulated);
    let ask = || client.converse().model_id(NOVA).messages(user("hi")).send();
    simulated.script(
        NOVA,
        [
            Step::text("one two").cut_after(1),
            Step::bytes(r#"{"stopReason": "as_given"}"#),
        ],
    );
    assert!(ask().await.is_err());
    assert_eq!(ask().await.unwrap().stop_reason.as_str(), "as_given");
    assert_eq!(simulated.billed(), 2);
}
