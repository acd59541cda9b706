//! An agent at work: thirty steps with tools and thinking, from clients that lose thinking, along a chain of three
//! targets of different abilities, with a fallback every few steps.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::{Chunks, TestApp, remember};

/// Thinks with a budget, at the beginning of a tool loop and then not until the user speaks; a loop must begin with
/// signed thinking.
const ENABLED: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
/// Thinks as it sees fit; takes no temperature, and its shortest cached prefix is longer.
const ADAPTIVE: &str = "us.anthropic.claude-opus-4-7";
/// Does not think, and takes no cache point among its tools.
const PLAIN: &str = "us.amazon.nova-pro-v1:0";

const STEPS: usize = 30;
/// The user speaks anew at every so many steps.
const TASK: usize = 6;

fn config(prompt_caching: bool) -> String {
    let entry = |name: &str, model: &str| {
        format!(
            "  - {{model_name: {name}, litellm_params: {{model: \"bedrock/converse/{model}\"}}}}\n"
        )
    };
    format!(
        "model_list:\n{}{}{}litellm_settings:\n  fallbacks: [{{enabled: [adaptive, plain]}}]\n  num_retries: 0\n  disable_cooldowns: true\n  prompt_caching: {prompt_caching}\n",
        entry("enabled", ENABLED),
        entry("adaptive", ADAPTIVE),
        entry("plain", PLAIN),
    )
}

/// How a client writes its requests.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Client {
    /// Current Cline: no mark anywhere.
    Cline,
    /// opencode: marks beside the system prompt and the last two messages, and inside the last call.
    Opencode,
}

/// The conversation as the client keeps it.
struct Agent {
    client: Client,
    messages: Vec<Value>,
}

impl Agent {
    fn new(client: Client) -> Self {
        let system = "You are a careful coding agent. Use the tools, one at a time. ".repeat(150);
        Self {
            client,
            messages: vec![json!({"role": "system", "content": system})],
        }
    }

    fn user_says(&mut self, text: &str) {
        self.messages.push(json!({"role": "user", "content": text}));
    }

    fn request(&self) -> Value {
        let description = "Reads and changes files of the project. ".repeat(60);
        let tools = ["read_file", "editor", "run_commands"].map(|name| {
            json!({"type": "function", "function": {"name": name, "description": description,
                "parameters": {"type": "object", "properties": {"path": {"type": "string"}}}}})
        });
        let mut messages = self.messages.clone();
        if self.client == Client::Opencode {
            let mark = json!({"type": "ephemeral"});
            let from = messages.len().saturating_sub(2);
            messages[0]["cache_control"] = mark.clone();
            for message in &mut messages[from..] {
                match message["tool_calls"]
                    .as_array_mut()
                    .and_then(|calls| calls.last_mut())
                {
                    Some(call) => call["cache_control"] = mark.clone(),
                    None => message["cache_control"] = mark.clone(),
                }
            }
        }
        json!({"model": "enabled", "max_tokens": 32_000, "reasoning_effort": "medium", "messages": messages,
            "tools": tools, "tool_choice": "auto", "stream_options": {"include_usage": true}})
    }

    fn remember(&mut self, answer: &Chunks, step: usize) {
        let lines = "a line of the file; ".repeat(100);
        let result = format!("{{\"step\":{step},\"text\":\"{lines}\"}}");
        remember(&mut self.messages, answer, &result);
    }
}

fn thinks(body: &Value) -> bool {
    let kind = body["additionalModelRequestFields"]["thinking"]["type"].as_str();
    matches!(kind, Some("enabled" | "adaptive"))
}

/// What a loop came to.
#[derive(Debug, Default)]
struct Outcome {
    prompt: u64,
    read: u64,
    fallbacks: usize,
    thinking: usize,
    /// Steps on a model that cannot think, or in a loop that began without.
    unable: usize,
}

impl Outcome {
    fn share(&self) -> f64 {
        100.0 * self.read as f64 / self.prompt as f64
    }
}

/// Who answers this step: a fallback every few, and now and then the last one.
fn answering(step: usize) -> &'static str {
    match step {
        // In the middle of a loop, and at the beginning of another, which then has no thinking to begin with.
        9 | 18 => PLAIN,
        _ if step % 4 == 2 => ADAPTIVE,
        _ => ENABLED,
    }
}

async fn work(client: Client, prompt_caching: bool) -> Outcome {
    let app = TestApp::builder()
        .config(&config(prompt_caching))
        .start()
        .await;
    let mut agent = Agent::new(client);
    let mut outcome = Outcome::default();
    // Whether the loop since the user's last words began with thinking.
    let mut begun = true;
    for step in 0..STEPS {
        if step % TASK == 0 {
            agent.user_says(&format!("<task>number {step}</task>"));
            begun = true;
        }
        let target = answering(step);
        for failing in [ENABLED, ADAPTIVE] {
            if failing == target {
                break;
            }
            app.bedrock.script(failing, [Step::throttle()]);
            outcome.fallbacks += 1;
        }
        let can_think = target == ADAPTIVE || (target == ENABLED && begun);
        let last = step % TASK == TASK - 1;
        let mut reply = if last {
            ScriptedReply::text("The task is done.")
        } else {
            ScriptedReply::tool("editor", &json!({"path": format!("/src/{step}.rs")}))
        };
        if can_think && (target == ADAPTIVE || step % TASK == 0) {
            reply = reply.with_thinking(format!("Step {step}: \"look\" first,\nthen write."));
        }
        outcome.thinking += usize::from(can_think);
        outcome.unable += usize::from(!can_think);
        app.bedrock.script(target, [Step::reply(reply)]);

        let answer = app.chat_stream(&agent.request()).await;
        assert_eq!(answer.error(), None, "step {step}");
        assert_eq!(answer.finish_reasons().len(), 1, "step {step}");
        let seen = app.bedrock.requests().pop().unwrap();
        assert_eq!(seen.model, target, "step {step}");
        assert_eq!(thinks(&seen.body), can_think, "step {step}: {}", seen.body);
        let usage = answer.usage().unwrap();
        outcome.prompt += usage["prompt_tokens"].as_u64().unwrap();
        outcome.read += usage["cache_read_input_tokens"].as_u64().unwrap();
        agent.remember(&answer, step);
        begun &= can_think || step % TASK != 0;
    }
    for seen in app.bedrock.requests() {
        assert!(
            matches!(seen.status, 200 | 429),
            "{}: {}",
            seen.model,
            seen.refusal
        );
    }
    outcome
}

#[tokio::test]
async fn an_agent_that_loses_thinking_works_on_through_every_fallback() {
    for client in [Client::Cline, Client::Opencode] {
        let planned = work(client, true).await;
        let unplanned = work(client, false).await;
        println!(
            "{client:?}: {STEPS} steps, {} failed targets, thinking in {} and impossible in {}; \
             {:.1} % of {} input tokens read from the cache, {:.1} % without the planner",
            planned.fallbacks,
            planned.thinking,
            planned.unable,
            planned.share(),
            planned.prompt,
            unplanned.share(),
        );
        assert!(planned.share() > 80.0, "{planned:?}");
        assert!(planned.share() >= unplanned.share(), "{unplanned:?}");
        assert!(planned.thinking >= 24, "{planned:?}");
    }
}

/// Binds its thinking to all that stands before it.
const BOUND: &str = "us.anthropic.claude-opus-5-5";

/// Thirty steps of a client that speaks Anthropic's wire and keeps all blocks; at every third Claude fails, and another
/// family answers in its place.
async fn work_on_anthropic_s_wire(model: &str, dialect: &str) -> Outcome {
    let yaml = format!(
        "model_list:\n\
         - {{model_name: claude, litellm_params: {{model: bedrock/{model}, dialect: {dialect}}}}}\n\
         - {{model_name: plain, litellm_params: {{model: bedrock/{PLAIN}}}}}\n\
         litellm_settings: {{fallbacks: [{{claude: [plain]}}], num_retries: 0, disable_cooldowns: true}}\n"
    );
    let app = TestApp::builder().config(&yaml).start().await;
    let description = "Reads and changes files of the project. ".repeat(60);
    let tools = ["read_file", "editor", "run_commands"].map(|name| {
        json!({"name": name, "description": description,
            "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}})
    });
    let thinking = if model == BOUND {
        json!({"type": "adaptive"})
    } else {
        json!({"type": "enabled", "budget_tokens": 4000})
    };
    let system = "You are a careful coding agent. Use the tools, one at a time. ".repeat(150);
    let mut body = json!({"model": "claude", "max_tokens": 32_000, "thinking": thinking, "system": system, "tools": tools,
        "messages": [{"role": "user", "content": "<task>all of it</task>"}]});
    let mut outcome = Outcome::default();
    for step in 0..STEPS {
        let path = json!({"path": format!("/src/{step}.rs")});
        let reply = ScriptedReply::tool("editor", &path);
        let target = if step % 3 == 2 {
            app.bedrock.script(model, [Step::throttle()]);
            outcome.fallbacks += 1;
            app.bedrock.script(PLAIN, [Step::reply(reply)]);
            PLAIN
        } else {
            let reply = reply.with_thinking(format!("Step {step}: \"look\" first,\nthen write."));
            app.bedrock.script(model, [Step::reply(reply)]);
            model
        };
        let message = app.message_events(&body).await.message();
        assert_eq!(message["stop_reason"], "tool_use", "step {step}");
        let seen = app.bedrock.requests().pop().unwrap();
        assert_eq!(seen.model, target, "step {step}");
        let own = seen.operation == "invoke-with-response-stream";
        assert_eq!(own, target != PLAIN && dialect == "messages", "step {step}");
        let usage = |field: &str| message["usage"][field].as_u64().unwrap();
        outcome.read += usage("cache_read_input_tokens");
        outcome.prompt += usage("input_tokens")
            + usage("cache_read_input_tokens")
            + usage("cache_creation_input_tokens");
        crate::support::anthropic::remember(&mut body, &message);
    }
    for seen in app.bedrock.requests() {
        assert!(
            matches!(seen.status, 200 | 429),
            "{}: {}",
            seen.model,
            seen.refusal
        );
    }
    outcome
}

#[tokio::test]
async fn a_loop_in_claude_s_own_format_goes_over_ten_failures_and_reads_as_much_from_the_cache() {
    for model in [ENABLED, BOUND] {
        let native = work_on_anthropic_s_wire(model, "messages").await;
        let converse = work_on_anthropic_s_wire(model, "converse").await;
        println!(
            "{model}: {STEPS} steps, {} failed targets; {:.1} % of {} input tokens read from the cache, {:.1} % by Converse",
            native.fallbacks,
            native.share(),
            native.prompt,
            converse.share(),
        );
        assert_eq!(native.fallbacks, 10);
        assert!(native.share() > 80.0, "{native:?}");
        assert!(native.share() >= converse.share() - 0.5, "{converse:?}");
    }
}
