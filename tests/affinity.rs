//! A session stays with the deployment that has its prompt cache, on every instance, and comes home when nothing is lost.

use std::time::Duration;

use bedrock_sidecar::simulator::{ANY_MODEL, Step};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::support::{TestApp, header, trail_of};

/// One model in three regions: each has a cache of its own.
const REGIONS: [&str; 3] = [
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "jp.anthropic.claude-sonnet-4-5-20250929-v1:0",
];

fn config(settings: &str) -> String {
    let [us, eu, jp] = REGIONS;
    format!(
        "model_list:\n\
         - {{model_name: sonnet, litellm_params: {{model: \"bedrock/{us}\", aws_region_name: us-east-1, weight: 2}}}}\n\
         - {{model_name: sonnet, litellm_params: {{model: \"bedrock/{eu}\", aws_region_name: eu-west-1, weight: 1}}}}\n\
         - {{model_name: sonnet, litellm_params: {{model: \"bedrock/{jp}\", aws_region_name: ap-northeast-1, weight: 1}}}}\n\
         router_settings:\n  num_retries: 0\n{settings}"
    )
}

/// A session of an agent as its client keeps it.
struct Agent {
    messages: Vec<Value>,
    /// Tokens that the last turn left in a cache.
    stored: u64,
}

impl Agent {
    fn new(number: usize) -> Self {
        let system = format!("You are agent {number}. Use the tools, one at a time. ").repeat(150);
        Self {
            messages: vec![
                json!({"role": "system", "content": system}),
                json!({"role": "user", "content": format!("task {number}")}),
            ],
            stored: 0,
        }
    }

    /// One turn: what could be read from the cache, and what was. A deployment that refuses has nothing to be read. `None`:
    /// all of them are throttled, and the client is to ask again later.
    async fn turn(&mut self, app: &TestApp) -> Option<(u64, u64)> {
        let body = json!({"model": "sonnet", "max_tokens": 100, "messages": self.messages});
        let response = app.chat(&body).await;
        if response.status() == 429 {
            return None;
        }
        assert_eq!(response.status(), 200);
        let is_refused = trail_of(&response).contains(", ");
        let reply: Value = response.json().await.unwrap();
        let usage = |field: &str| reply["usage"][field].as_u64().unwrap();
        let (read, written) = (
            usage("cache_read_input_tokens"),
            usage("cache_creation_input_tokens"),
        );
        let could = std::mem::replace(&mut self.stored, read + written);
        self.messages
            .push(json!({"role": "assistant", "content": "done; ".repeat(50)}));
        self.messages
            .push(json!({"role": "user", "content": "and the next file? ".repeat(20)}));
        Some(if is_refused {
            (0, 0)
        } else {
            (could, read.min(could))
        })
    }
}

/// The percentage of the tokens that could be read from a cache that was read: sessions of agents at work, twenty at a time,
/// each turn at an instance that chance chooses, every twentieth call throttled.
async fn share_read(settings: &str, sessions: usize, turns: usize, instances: usize) -> f64 {
    let first = TestApp::builder().config(&config(settings)).start().await;
    first
        .bedrock
        .sometimes(ANY_MODEL, 0.05, vec![Step::throttle()]);
    let mut apps = vec![first];
    let mut ages = vec![Duration::ZERO];
    let mut random = Rng::with_seed(3);
    let (mut could, mut was) = (0, 0);
    let mut now = Duration::ZERO;
    for batch in 0..sessions.div_ceil(20) {
        let numbers = batch * 20..sessions.min(batch * 20 + 20);
        let mut agents: Vec<Agent> = numbers.map(Agent::new).collect();
        for _ in 0..turns {
            for agent in &mut agents {
                let (more, read) = loop {
                    // Longer than a deployment rests, so that a session leaves for its own refusals alone.
                    now += Duration::from_secs(6);
                    let at = random.usize(..instances);
                    if at >= apps.len() {
                        let another = apps[0].another_instance().await;
                        apps.push(another);
                        ages.push(Duration::ZERO);
                    }
                    let at = at.min(apps.len() - 1);
                    let app = &apps[at];
                    app.clock
                        .advance(now - std::mem::replace(&mut ages[at], now));
                    if let Some(tokens) = agent.turn(app).await {
                        break tokens;
                    }
                };
                could += more;
                was += read;
            }
        }
    }
    100.0 * was as f64 / could as f64
}

#[tokio::test]
async fn what_could_be_read_from_a_cache_is_read_on_every_instance() {
    let number = |name: &str, default: usize| {
        let text = std::env::var(name).ok();
        text.map_or(default, |text| text.parse().unwrap())
    };
    let (sessions, turns) = (number("SESSIONS", 20), number("TURNS", 12));
    let instances = number("INSTANCES", 8);
    let share = async |settings| share_read(settings, sessions, turns, instances).await;
    let both = share("").await;
    // What went elsewhere is forgotten at once.
    let home_alone = share("  deployment_affinity_ttl_seconds: 1\n").await;
    let neither = share("  session_affinity: false\n").await;
    println!(
        "{sessions} sessions of {turns} turns, 3 regions, {instances} instances, 5 % throttles: {both:.1} % of the tokens \
         that could be read from a cache were read, {home_alone:.1} % where it is forgotten who went elsewhere, \
         {neither:.1} % by chance"
    );
    assert!(both >= 95.0, "{both}");
    // What had to be paid for again is a third at most of what chance has paid again.
    assert!(both > home_alone && 3.0 * (100.0 - home_alone) < 100.0 - neither);
}

fn conversation(turns: usize) -> Value {
    let mut messages = vec![
        json!({"role": "system", "content": "You are an agent. ".repeat(500)}),
        json!({"role": "user", "content": "hello"}),
    ];
    for turn in 0..turns {
        messages.push(json!({"role": "assistant", "content": format!("answer {turn}")}));
        messages.push(json!({"role": "user", "content": format!("question {turn}")}));
    }
    json!({"model": "sonnet", "max_tokens": 100, "messages": messages})
}

/// Which region answers.
async fn answering(app: &TestApp, body: &Value) -> String {
    let response = app.chat(body).await;
    assert_eq!(response.status(), 200);
    header(&response, "x-litellm-model-id").to_owned()
}

#[tokio::test]
async fn a_session_that_had_to_leave_stays_away_while_its_cache_is_warm_and_then_comes_home() {
    let app = TestApp::builder().config(&config("")).start().await;
    let home = answering(&app, &conversation(0)).await;
    assert_eq!(answering(&app, &conversation(1)).await, home);
    let of_home = app.bedrock.requests().pop().unwrap().model;
    app.bedrock.script(&of_home, [Step::throttle()]);
    let away = answering(&app, &conversation(2)).await;
    assert_ne!(away, home);

    // On every instance, and long after the home is well again; each turn renews the time.
    for turn in 3..6 {
        let other = app.another_instance().await;
        other.clock.advance(Duration::from_secs(200 * (turn - 2)));
        assert_eq!(answering(&other, &conversation(turn as usize)).await, away);
    }
    let late = app.another_instance().await;
    late.clock.advance(Duration::from_secs(600 + 301));
    assert_eq!(answering(&late, &conversation(6)).await, home);
}

#[tokio::test]
async fn a_session_is_told_by_its_client_or_by_how_it_begins() {
    let app = TestApp::builder().config(&config("")).start().await;
    let as_session = async |session: &str, words: &str| {
        let body = json!({"model": "sonnet", "max_tokens": 10, "messages": [{"role": "user", "content": words}]});
        let request = app.post("/v1/chat/completions", &body);
        let response = request.header("x-session-id", session).send().await;
        header(&response.unwrap(), "x-litellm-model-id").to_owned()
    };
    let mut seen = Vec::new();
    for session in 0..12 {
        let session = format!("s{session}");
        let first = as_session(&session, "one").await;
        assert_eq!(as_session(&session, "another beginning").await, first);
        seen.push(first);
    }
    seen.sort();
    seen.dedup();
    assert!(seen.len() > 1, "sessions are spread over the deployments");

    let with_key = async |key: &str, words: &str| {
        let body = json!({"model": "sonnet", "max_tokens": 10, "prompt_cache_key": key,
            "messages": [{"role": "user", "content": words}]});
        answering(&app, &body).await
    };
    for key in 0..6 {
        let key = key.to_string();
        let first = with_key(&key, "one").await;
        assert_eq!(with_key(&key, "another").await, first);
    }
}

#[tokio::test]
async fn litellm_s_deployment_affinity_keeps_a_key_that_names_no_session_together() {
    let settings = "  optional_pre_call_checks: [deployment_affinity]\n";
    let app = TestApp::builder().config(&config(settings)).start().await;
    let mut seen = Vec::new();
    for words in 0..12 {
        let body = json!({"model": "sonnet", "max_tokens": 10,
            "messages": [{"role": "user", "content": words.to_string()}]});
        seen.push(answering(&app, &body).await);
    }
    seen.dedup();
    assert_eq!(seen.len(), 1);
}
