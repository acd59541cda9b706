//! The faults, as scripts of the simulated Bedrock.

use std::pin::Pin;
use std::time::Duration;

use bedrock_sidecar::catalog::Dialect;
use bedrock_sidecar::simulator::{FaultKind, Step};
use serde_json::json;

use crate::support::{BACKUP, LAST, PRIMARY, TestApp, validation_error};

use super::judge::{Score, Seen, ask};

/// What every target answers.
const ANSWER: &str = "one two three four five six seven eight nine";
/// How many events of it go out before it breaks: the beginning and six words.
const TWO_THIRDS: usize = 7;
/// What is left then.
const REST: &str = " seven eight nine";

/// What a card is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    pub recovery: Recovery,
    /// In which format the Claudes of the chain are asked.
    pub dialect: Dialect,
}

/// `stream_recovery`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    Error,
    Continue,
}

impl Setting {
    pub fn title(self) -> String {
        let recovery = match self.recovery {
            Recovery::Error => "error (the default)",
            Recovery::Continue => "continue",
        };
        format!("{}, stream_recovery: {recovery}", self.dialect.as_str())
    }
}

type Run = fn(Setting, bool) -> Pin<Box<dyn Future<Output = Score>>>;

/// One fault.
pub struct Scenario {
    pub id: &'static str,
    pub fault: &'static str,
    pub run: Run,
}

macro_rules! scenarios {
    ($($id:literal $fault:literal $run:ident;)*) => {
        /// All of them, in order.
        pub const ALL: &[Scenario] = &[$(Scenario {
            id: $id,
            fault: $fault,
            run: |setting, stream| Box::pin($run(setting, stream)),
        }),*];
    };
}

scenarios! {
    "S01" "429 with Retry-After: 2, once" throttled_once;
    "S02" "429 for ever" throttled_for_ever;
    "S03" "500 once" failed_once;
    "S04" "503 for ever" down_for_ever;
    "S05" "connection reset before any byte" reset_once;
    "S06" "accepts and never answers" silent;
    "S07" "headers at once, first event after 20 s" slow_first_event;
    "S08" "stream dies after two thirds" dies;
    "S09" "stream goes silent, then closes" goes_silent;
    "S10" "unknown event; frame with a wrong checksum" garbled;
    "S11" "no closing metadata event" no_metadata;
    "S12" "400 input is too long" too_long;
    "S13" "400 content filtered" filtered;
    "S14" "dies, and the fallback refuses a prefill" refuses_prefill;
    "S15" "down for 60 s, then healthy" down_for_a_minute;
    "S16" "503 for ever: who answered is told" told;
    "S17" "busy, said in the stream's first event" busy_at_first;
    "S18" "overloaded, said after two thirds" overloaded;
}

/// A chain of three, with LiteLLM's defaults and pauses, and these settings.
async fn app(setting: Setting, settings: &str) -> TestApp {
    let recovery = match setting.recovery {
        Recovery::Error => "",
        Recovery::Continue => "  stream_recovery: continue\n",
    };
    let dialect = setting.dialect.as_str();
    let app = TestApp::builder()
        .config(&format!(
            "
model_list:
  - model_name: primary
    litellm_params: {{model: bedrock/{PRIMARY}, aws_region_name: us-east-1, dialect: {dialect}}}
  - model_name: backup
    litellm_params: {{model: bedrock/{BACKUP}, aws_region_name: us-east-1, dialect: {dialect}}}
  - model_name: last
    litellm_params: {{model: bedrock/{LAST}, aws_region_name: us-east-1}}
router_settings:
  fallbacks: [{{primary: [backup, last]}}]
{recovery}{settings}"
        ))
        .real_pauses()
        .start()
        .await;
    for model in [PRIMARY, BACKUP, LAST] {
        app.bedrock.always(model, Step::text(ANSWER));
    }
    app
}

/// Long after the limit that is set for a fault, long before the fault would end by itself: a busy machine is slow.
const IN_TIME: Duration = Duration::from_secs(15);

/// The times at which a model was asked.
fn asked(app: &TestApp, model: &str) -> Vec<std::time::SystemTime> {
    let seen = app.bedrock.requests_for(model);
    seen.iter().map(|seen| seen.at).collect()
}

fn gaps(app: &TestApp, model: &str) -> Vec<Duration> {
    let times = asked(app, model);
    let pairs = times.windows(2);
    pairs
        .map(|pair| pair[1].duration_since(pair[0]).unwrap())
        .collect()
}

async fn is_healthy(app: &TestApp, stream: bool) -> bool {
    app.bedrock.always(PRIMARY, Step::text(ANSWER));
    ask(app, stream, "backup").await.score(ANSWER) == Score::Pass
}

async fn throttled_once(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    app.bedrock
        .script(PRIMARY, [Step::throttle().retry_after("2")]);
    let seen = ask(&app, stream, "primary").await;
    let waited = gaps(&app, PRIMARY)
        .iter()
        .all(|gap| *gap >= Duration::from_millis(1800));
    seen.score(ANSWER).if_clean(waited)
}

async fn throttled_for_ever(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    app.bedrock.always(PRIMARY, Step::throttle());
    let seen = ask(&app, stream, "primary").await;
    let gaps = gaps(&app, PRIMARY);
    let backed_off = gaps.iter().all(|gap| *gap >= Duration::from_millis(300));
    seen.score(ANSWER)
        .if_clean(backed_off && gaps.len() < 4 && seen.model == "backup")
}

async fn failed_once(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    app.bedrock.script(PRIMARY, [Step::internal_error()]);
    let seen = ask(&app, stream, "primary").await;
    let same = seen.model == "primary" && asked(&app, PRIMARY).len() == 2;
    seen.score(ANSWER).if_clean(same)
}

async fn down_for_ever(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    app.bedrock.always(PRIMARY, Step::unavailable());
    let seen = ask(&app, stream, "primary").await;
    let few = asked(&app, PRIMARY).len() <= 6;
    seen.score(ANSWER).if_clean(few && seen.model == "backup")
}

async fn reset_once(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    app.bedrock.script(PRIMARY, [Step::reset()]);
    let seen = ask(&app, stream, "primary").await;
    seen.score(ANSWER).if_clean(asked(&app, PRIMARY).len() == 2)
}

async fn silent(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "  request_timeout: 1\n").await;
    app.bedrock.always(PRIMARY, Step::hang());
    let seen = ask(&app, stream, "primary").await;
    let once = asked(&app, PRIMARY).len() == 1 && seen.took < IN_TIME;
    seen.score(ANSWER).if_clean(once)
}

async fn slow_first_event(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "  stream_timeout: 1\n").await;
    let slow = Step::text(ANSWER).slow_first_event(Duration::from_secs(20));
    app.bedrock.always(PRIMARY, slow);
    let seen = ask(&app, stream, "primary").await;
    let in_time = seen.took < IN_TIME && seen.model == "backup";
    seen.score(ANSWER).if_clean(in_time)
}

async fn dies(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    app.bedrock
        .script(PRIMARY, [Step::text(ANSWER).cut_after(TWO_THIRDS)]);
    rest_for_a_prefill(&app, stream);
    ask(&app, stream, "primary").await.score(ANSWER)
}

/// A target that is shown the beginning of an answer says the rest.
fn rest_for_a_prefill(app: &TestApp, stream: bool) {
    if stream {
        app.bedrock.script(BACKUP, [Step::text(REST)]);
    }
}

async fn goes_silent(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "  idle_timeout: 0.5\n").await;
    let stall = FaultKind::StallThenCut(Duration::from_secs(30));
    app.bedrock
        .script(PRIMARY, [Step::text(ANSWER).fault(TWO_THIRDS, stall)]);
    rest_for_a_prefill(&app, stream);
    let seen = ask(&app, stream, "primary").await;
    let healthy = is_healthy(&app, stream).await;
    seen.score(ANSWER).if_clean(healthy && seen.took < IN_TIME)
}

/// The worse of two: the unknown event is skipped; the broken frame is like a stream that dies.
async fn garbled(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    let unknown = Step::text(ANSWER).fault(3, FaultKind::UnknownEvent);
    app.bedrock.script(PRIMARY, [unknown]);
    let skipped = ask(&app, stream, "primary").await;
    let skipped = skipped
        .score(ANSWER)
        .if_clean(asked(&app, PRIMARY).len() == 1);

    let broken = Step::text(ANSWER).fault(TWO_THIRDS, FaultKind::BrokenFrame);
    app.bedrock.script(PRIMARY, [broken]);
    rest_for_a_prefill(&app, stream);
    let broken = ask(&app, stream, "primary").await.score(ANSWER);
    skipped.min(broken).if_clean(is_healthy(&app, stream).await)
}

async fn no_metadata(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    app.bedrock
        .script(PRIMARY, [Step::text(ANSWER).without_metadata()]);
    let seen = ask(&app, stream, "primary").await;
    let record = app.record(&seen.id).await;
    let marked = record["metadata"]["usage_estimated"] == true && seen.usage.is_some();
    seen.score(ANSWER).if_clean(marked && seen.took < IN_TIME)
}

async fn too_long(setting: Setting, stream: bool) -> Score {
    let too_long = || {
        let message = "Input is too long for requested model.";
        validation_error(message)
    };
    let app = app(setting, "").await;
    app.bedrock.always(PRIMARY, too_long());
    // `backup` has the same window, `last` a larger one.
    let rescued = ask(&app, stream, "primary").await;
    let once = asked(&app, PRIMARY).len() == 1 && asked(&app, BACKUP).is_empty();
    let rescued = rescued
        .score(ANSWER)
        .if_clean(once && rescued.model == "last");

    app.bedrock.always(LAST, too_long());
    let told = ask(&app, stream, "primary").await;
    let right = told.status == 400 && told.says("context_length_exceeded", "prompt is too long");
    rescued.if_clean(right)
}

async fn filtered(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    let message = "Output blocked by content filtering policy";
    app.bedrock.always(PRIMARY, validation_error(message));
    let seen = ask(&app, stream, "primary").await;
    let right = seen.status == 400 && seen.says("content_policy_violation", message);
    // There is no answer to be had: to say so, once, is all that is right.
    right_error(&seen, right && app.bedrock.requests().len() == 1)
}

fn right_error(seen: &Seen, right: bool) -> Score {
    match seen.score(ANSWER) {
        Score::Safe if right => Score::Pass,
        other => other,
    }
}

async fn refuses_prefill(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    let refusal = "This model does not support assistant message prefill. The conversation must end with a user message.";
    let dies = Step::text(ANSWER).cut_after(TWO_THIRDS);
    app.bedrock.script(PRIMARY, [dies]);
    if stream {
        app.bedrock.script(PRIMARY, [Step::text(REST)]);
        app.bedrock.script(BACKUP, [validation_error(refusal)]);
    }
    let seen = ask(&app, stream, "primary").await;
    let unseen = !json!(seen.error).to_string().contains("prefill");
    let score = seen.score(ANSWER);
    if unseen { score } else { Score::Fail }
}

async fn down_for_a_minute(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    app.bedrock.always(PRIMARY, Step::unavailable());
    let mut score = Score::Pass;
    for _ in 0..15 {
        let seen = ask(&app, stream, "primary").await;
        score = score.min(seen.score(ANSWER));
        app.clock.advance(Duration::from_secs(4));
    }
    let probes = asked(&app, PRIMARY).len();
    app.bedrock.always(PRIMARY, Step::text(ANSWER));
    let mut back = false;
    for _ in 0..7 {
        let seen = ask(&app, stream, "primary").await;
        score = score.min(seen.score(ANSWER));
        back |= seen.model == "primary";
        app.clock.advance(Duration::from_secs(4));
    }
    score.if_clean(probes <= 10 && back)
}

async fn told(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    app.bedrock.always(PRIMARY, Step::unavailable());
    let seen = ask(&app, stream, "primary").await;
    let record = app.record(&seen.id).await;
    let attempts = record["metadata"]["attempts"].as_array().unwrap();
    let listed = attempts.iter().filter(|attempt| {
        attempt["group"] == "primary"
            && attempt["outcome"] == "unavailable"
            && attempt.get("cost").is_none()
    });
    let clean = seen.model == "backup"
        && record["model_group"] == "backup"
        && record["spend"].as_f64().unwrap() > 0.0
        && seen.usage.is_some()
        && listed.count() == asked(&app, PRIMARY).len();
    seen.score(ANSWER).if_clean(clean)
}

/// Of the newest models a limit comes with the status of a success. By Converse it is an exception in the same place.
async fn busy_at_first(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    let busy = Step::text(ANSWER).error_event_after(0, "rate_limit_error", "Rate limited");
    app.bedrock.always(PRIMARY, busy);
    let seen = ask(&app, stream, "primary").await;
    let few = asked(&app, PRIMARY).len() < 5;
    seen.score(ANSWER).if_clean(few && seen.model == "backup")
}

async fn overloaded(setting: Setting, stream: bool) -> Score {
    let app = app(setting, "").await;
    let overloaded =
        Step::text(ANSWER).error_event_after(TWO_THIRDS, "overloaded_error", "Overloaded");
    app.bedrock.script(PRIMARY, [overloaded]);
    rest_for_a_prefill(&app, stream);
    let seen = ask(&app, stream, "primary").await;
    let healthy = is_healthy(&app, stream).await;
    seen.score(ANSWER).if_clean(healthy)
}
