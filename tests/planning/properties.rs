use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{
    claude, domain_tool, grammar, newer_claude, nova, pixtral, plain_claude, sent, text_only,
};
use bedrock_sidecar::bedrock;
use bedrock_sidecar::bedrock::plan::{Plan, UnsupportedFeatures, plan};
use bedrock_sidecar::catalog::{Model, ThinkingSupport};
use bedrock_sidecar::config::Defaults;
use bedrock_sidecar::conversation::{
    AnswerFormat, AnswerSchema, CacheTtl, Document, DocumentFormat, Effort, Image, ImageFormat,
    Part, Request, Role, Sampling, Thinking, ThinkingBlock, ToolCall, ToolChoice, ToolResult, Turn,
};

const NAMES: [&str; 4] = ["f", "g h", "", "ü"];

fn models() -> Vec<Model> {
    let mut reader = claude();
    reader.abilities.documents = true;
    reader.abilities.json_schema = true;
    let mut small = claude();
    small.limits.input = Some(1_500);
    small.limits.output = Some(1_400);
    vec![
        claude(),
        plain_claude(),
        newer_claude(ThinkingSupport::BudgetOrAdaptive),
        newer_claude(ThinkingSupport::Adaptive { always_on: true }),
        nova(ThinkingSupport::ReasoningConfig),
        pixtral(),
        text_only(),
        reader,
        small,
    ]
}

fn text() -> impl Strategy<Value = Part> {
    select(vec!["", " ", "\n\t", "a", "b \n", "\u{a0}"]).prop_map(|text| Part::Text(text.into()))
}

fn image() -> impl Strategy<Value = Part> {
    Just(Part::Image(Image {
        format: ImageFormat::Png,
        bytes: Bytes::from_static(b"png"),
    }))
}

fn document() -> impl Strategy<Value = Part> {
    let formats = vec![
        DocumentFormat::Pdf,
        DocumentFormat::Txt,
        DocumentFormat::Docx,
    ];
    let names = vec!["", "a.pdf", "a  b\t_c.txt", "報告", "a (2)"];
    (
        select(formats),
        select(names),
        select(vec!["", "text", "\u{0}"]),
    )
        .prop_map(|(format, name, bytes)| {
            Part::Document(Document {
                format,
                name: name.into(),
                bytes: Bytes::from_static(bytes.as_bytes()),
                citations: false,
            })
        })
}

fn format() -> impl Strategy<Value = AnswerFormat> {
    let schema = |schema: Value| {
        AnswerFormat::Schema(AnswerSchema {
            name: String::new(),
            description: String::new(),
            schema: std::sync::Arc::new(schema),
        })
    };
    select(vec![
        AnswerFormat::Text,
        AnswerFormat::Json,
        schema(json!({"type": "object", "properties": {"a": {"minimum": 1}}})),
        schema(json!({"type": "object", "properties": {}})),
        schema(json!({"type": "array"})),
        schema(json!({"anyOf": [{"properties": {"a": {"$ref": "#"}}}]})),
    ])
}

fn id() -> impl Strategy<Value = String> {
    select(vec!["a", "a_2", "b", "", "ü", "x:1"]).prop_map(str::to_owned)
}

fn ttl() -> impl Strategy<Value = CacheTtl> {
    select(vec![CacheTtl::FiveMinutes, CacheTtl::OneHour])
}

fn thinking_block() -> impl Strategy<Value = Part> {
    select(vec![
        Part::Thinking(ThinkingBlock::Signed {
            text: String::new(),
            signature: "s".into(),
        }),
        Part::Thinking(ThinkingBlock::Redacted(Bytes::from_static(b"r"))),
    ])
}

fn tool_call() -> impl Strategy<Value = Part> {
    (id(), select(NAMES.to_vec()), 0..2).prop_map(|(id, name, n)| {
        Part::ToolCall(ToolCall {
            id,
            name: name.into(),
            input: json!({ "n": n }),
            native: None,
        })
    })
}

fn part() -> impl Strategy<Value = Part> {
    let content = prop::collection::vec(prop_oneof![text(), image(), document()], 0..3);
    let result = (id(), content, any::<bool>()).prop_map(|(id, content, is_error)| {
        Part::ToolResult(ToolResult {
            id,
            content,
            is_error,
            native: None,
        })
    });
    prop_oneof![
        3 => text(),
        1 => image(),
        1 => document(),
        2 => tool_call(),
        2 => result,
        1 => thinking_block(),
        2 => ttl().prop_map(Part::CacheMark),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    let role = select(vec![Role::User, Role::Assistant, Role::System]);
    (role, prop::collection::vec(part(), 0..4)).prop_map(|(role, parts)| Turn::new(role, parts))
}

fn request() -> impl Strategy<Value = Request> {
    let system = prop::collection::vec(prop_oneof![text(), ttl().prop_map(Part::CacheMark)], 0..4);
    let tools = prop::collection::vec((select(NAMES.to_vec()), prop::option::of(ttl())), 0..4);
    let choice = select(vec![
        ToolChoice::Auto,
        ToolChoice::None,
        ToolChoice::Required,
        ToolChoice::Named("f".into()),
    ]);
    let thinking = prop::option::of(select(vec![
        Thinking::Off,
        Thinking::Budget(0),
        Thinking::Budget(70_000),
        Thinking::Adaptive(None),
        Thinking::Effort(Effort::Max),
    ]));
    let max_tokens = prop::option::of(1..100_000_u32);
    let turns = prop::collection::vec(turn(), 0..8);
    (system, turns, tools, choice, thinking, max_tokens, format()).prop_map(
        |(system, turns, tools, tool_choice, thinking, max_tokens, format)| Request {
            format,
            effort: Some(Effort::High),
            system,
            turns,
            tools: tools
                .into_iter()
                .map(|(name, cache)| bedrock_sidecar::conversation::Tool {
                    cache,
                    ..domain_tool(name)
                })
                .collect(),
            tool_choice,
            thinking,
            sampling: Sampling {
                max_tokens,
                temperature: Some(1.5),
                top_p: Some(0.5),
                top_k: Some(5),
                stop: vec![String::new(), " ".into()],
            },
            ..Request::default()
        },
    )
}

fn without() -> impl Strategy<Value = UnsupportedFeatures> {
    any::<([bool; 17], Option<u32>)>().prop_map(
        |(
            [
                thinking_blocks,
                thinking,
                caching,
                tools_while_streaming,
                prefill,
                temperature,
                top_p,
                top_k,
                stop_sequences,
                required_tool_choice,
                named_tool_choice,
                json_schema,
                strict_tools,
                betas,
                eager_tool_input,
                effort_none,
                cached_in_input,
            ],
            max_tokens,
        )| UnsupportedFeatures {
            thinking_blocks,
            thinking,
            caching,
            tools_while_streaming,
            prefill,
            temperature,
            top_p,
            top_k,
            stop_sequences,
            required_tool_choice,
            named_tool_choice,
            json_schema,
            strict_tools,
            betas,
            eager_tool_input,
            encrypted_thinking: max_tokens.map_or(0, |number| number as usize % 3),
            effort_none,
            cached_in_input,
            max_tokens: max_tokens.filter(|limit| *limit > 0),
            messages_dialect: max_tokens.is_some(),
            native_extras: effort_none,
            bound_thinking: cached_in_input,
        },
    )
}

fn planned(request: &Request, model: &Model, without: UnsupportedFeatures) -> Plan {
    plan(request, model, &Defaults::default(), without)
}

/// What follows a user's turn: an answer, and what the user says to it.
fn exchange() -> impl Strategy<Value = Vec<Turn>> {
    let says = (prop::option::of(thinking_block()), text());
    let calls = prop::collection::vec((tool_call(), prop::option::of(text())), 0..3);
    let late = prop::option::of(text());
    (says, calls, late, text()).prop_map(|((thought, said), calls, late, reply)| {
        let mut asked: Vec<Part> = thought.into_iter().chain([said]).collect();
        let mut answered = Vec::new();
        for (call, result) in calls {
            if let (Part::ToolCall(call), Some(result)) = (&call, result) {
                answered.push(Part::ToolResult(ToolResult {
                    id: call.id.clone(),
                    content: vec![result],
                    is_error: false,
                    native: None,
                }));
            }
            asked.push(call);
        }
        let user = |role, parts| Turn::new(role, parts);
        let mut turns = vec![user(Role::Assistant, asked)];
        turns.extend(late.map(|late| user(Role::System, vec![late])));
        turns.push(user(Role::User, answered));
        turns.push(user(Role::User, vec![reply]));
        turns
    })
}

/// Every block of the messages with its role, in order.
fn blocks(plan: &Plan) -> Vec<(Value, String)> {
    let body = sent(plan);
    let messages = body["messages"].as_array().unwrap().clone();
    messages
        .iter()
        .flat_map(|message| {
            let blocks = message["content"].as_array().unwrap().iter();
            blocks.map(|block| (message["role"].clone(), block.to_string()))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: ProptestConfig::default().cases.max(2_000), ..ProptestConfig::default() })]

    #[test]
    fn any_conversation_becomes_what_bedrock_takes(request in request(), model in select(models()), without in without()) {
        let plan = planned(&request, &model, without);
        let mut lacking = model.clone();
        lacking.abilities.prefill &= !without.prefill;
        if without.caching {
            lacking.abilities.caching = None;
        }
        grammar::check(&sent(&plan), &lacking);
    }

    #[test]
    fn the_same_request_becomes_the_same_bytes(request in request(), model in select(models())) {
        let once = planned(&request, &model, UnsupportedFeatures::default());
        let again = planned(&request.clone(), &model, UnsupportedFeatures::default());
        prop_assert_eq!(bedrock::body(&once).unwrap(), bedrock::body(&again).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_conversation_that_grows_keeps_what_was_sent_before(exchanges in prop::collection::vec(exchange(), 1..6), model in select(models())) {
        let mut request = Request {
            turns: vec![Turn::new(Role::User, vec![Part::Text("q".into())])],
            tools: vec![domain_tool("f")],
            ..Request::default()
        };
        let mut before = blocks(&planned(&request, &model, UnsupportedFeatures::default()));
        for exchange in exchanges {
            request.turns.extend(exchange);
            let now = blocks(&planned(&request, &model, UnsupportedFeatures::default()));
            prop_assert!(now.starts_with(&before), "{before:#?}\nbecame\n{now:#?}");
            before = now;
        }
    }
}
