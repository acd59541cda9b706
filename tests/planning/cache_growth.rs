//! What must hold of the points whatever a conversation is and however it grows.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::cache::points_of;
use super::{claude, domain_tool, nova, plain_claude, sent};
use bedrock_sidecar::bedrock::plan::{Plan, UnsupportedFeatures, plan};
use bedrock_sidecar::catalog::{Model, ThinkingSupport};
use bedrock_sidecar::config::{CachePolicy, Defaults, InjectionLocation, InjectionPoint};
use bedrock_sidecar::conversation::{
    CacheTtl, Part, Request, Role, Thinking, ThinkingBlock, Tool, ToolCall, ToolResult, Turn,
};

fn models() -> Vec<Model> {
    vec![claude(), plain_claude(), nova(ThinkingSupport::None)]
}

fn policies() -> Vec<CachePolicy> {
    let at = |location| InjectionPoint {
        location,
        one_hour: true,
    };
    vec![
        CachePolicy::Planned,
        CachePolicy::ClientOnly,
        CachePolicy::At(vec![
            at(InjectionLocation::Tools),
            at(InjectionLocation::Role("user".into())),
            at(InjectionLocation::Message(-2)),
        ]),
    ]
}

fn text() -> impl Strategy<Value = Part> {
    (select(vec!["short", "of some length "]), 1..400_usize)
        .prop_map(|(words, times)| Part::Text(words.repeat(times)))
}

fn mark() -> impl Strategy<Value = Option<Part>> {
    let ttl = select(vec![CacheTtl::FiveMinutes, CacheTtl::OneHour]);
    prop::option::weighted(0.2, ttl.prop_map(Part::CacheMark))
}

/// A step of an agent: it thinks or not, says something, calls tools; then their results, and perhaps the user.
fn step() -> impl Strategy<Value = [Turn; 2]> {
    let calls = prop::collection::vec((text(), mark(), mark()), 0..4);
    (any::<bool>(), text(), calls, prop::option::of(text())).prop_map(
        |(thinks, says, calls, user)| {
            let thought = thinks.then(|| {
                Part::Thinking(ThinkingBlock::Signed {
                    text: "t".into(),
                    signature: "s".into(),
                })
            });
            let mut asked: Vec<Part> = thought.into_iter().chain([says]).collect();
            let mut answered = Vec::new();
            for (n, (result, call_mark, result_mark)) in calls.into_iter().enumerate() {
                let id = n.to_string();
                asked.push(Part::ToolCall(ToolCall {
                    id: id.clone(),
                    name: "f".into(),
                    input: json!({}),
                    native: None,
                }));
                asked.extend(call_mark);
                answered.push(Part::ToolResult(ToolResult {
                    id,
                    content: vec![result],
                    is_error: false,
                    native: None,
                }));
                answered.extend(result_mark);
            }
            if answered.is_empty() || user.is_some() {
                answered.push(user.unwrap_or_else(|| Part::Text("go on".into())));
            }
            [
                Turn::new(Role::Assistant, asked),
                Turn::new(Role::User, answered),
            ]
        },
    )
}

fn opening() -> impl Strategy<Value = Request> {
    let tools = prop::collection::vec((text(), prop::option::weighted(0.2, Just(()))), 0..3);
    (text(), mark(), tools, text()).prop_map(|(system, mark, tools, question)| Request {
        system: [system].into_iter().chain(mark).collect(),
        turns: vec![Turn::new(Role::User, vec![question])],
        tools: tools
            .into_iter()
            .enumerate()
            .map(|(n, (description, marked))| Tool {
                description: format!("{description:?}"),
                cache: marked.map(|()| CacheTtl::FiveMinutes),
                ..domain_tool(&format!("f{n}"))
            })
            .collect(),
        thinking: Some(Thinking::Budget(2_000)),
        ..Request::default()
    })
}

fn planned(request: &Request, model: &Model, caching: &CachePolicy) -> Plan {
    let defaults = Defaults {
        caching: caching.clone(),
        ..Defaults::default()
    };
    plan(request, model, &defaults, UnsupportedFeatures::default())
}

/// Every block in the order in which Bedrock reads them, and behind how many of them a point stands.
fn blocks(plan: &Plan) -> (Vec<String>, Vec<usize>) {
    let body = sent(plan);
    let messages = body["messages"].as_array().unwrap();
    let lists = [&body["toolConfig"]["tools"], &body["system"]]
        .into_iter()
        .chain(messages.iter().map(|message| &message["content"]));
    let (mut blocks, mut points) = (Vec::new(), Vec::new());
    for block in lists.filter_map(Value::as_array).flatten() {
        if block.get("cachePoint").is_some() {
            points.push(blocks.len());
        } else {
            blocks.push(block.to_string());
        }
    }
    (blocks, points)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn at_most_four_points_where_the_model_takes_them_the_long_lived_first(
        opening in opening(),
        steps in prop::collection::vec(step(), 0..5),
        model in select(models()),
        policy in select(policies()),
    ) {
        let mut request = opening;
        request.turns.extend(steps.into_iter().flatten());
        let plan = planned(&request, &model, &policy);
        super::grammar::check(&sent(&plan), &model);
        let points = points_of(&plan);
        prop_assert!(points.len() <= 4, "{points:?}");
        let caching = model.abilities.caching;
        prop_assert!(caching.is_some() || points.is_empty());
        prop_assert!(caching.is_some_and(|can| can.tools) || !points.iter().any(|point| point.starts_with("tools")));
        prop_assert!(caching.is_some_and(|can| can.one_hour) || !points.iter().any(|point| point.ends_with("1h")));
        let lives: Vec<bool> = points.iter().map(|point| point.ends_with("1h")).collect();
        prop_assert!(lives.is_sorted_by(|earlier, later| earlier >= later), "{points:?}");
    }

    #[test]
    fn marks_move_and_what_they_mark_stays(
        opening in opening(),
        steps in prop::collection::vec(step(), 1..6),
        model in select(models()),
        policy in select(policies()),
    ) {
        let mut request = opening;
        let (mut before, _) = blocks(&planned(&request, &model, &policy));
        for step in steps {
            request.turns.extend(step);
            let (now, _) = blocks(&planned(&request, &model, &policy));
            prop_assert!(now.starts_with(&before), "{before:#?}\nbecame\n{now:#?}");
            before = now;
        }
    }

    #[test]
    fn what_the_turn_before_stored_is_there_to_be_read(
        opening in opening(),
        steps in prop::collection::vec(step(), 1..6),
        model in select(vec![claude(), nova(ThinkingSupport::None)]),
    ) {
        // A client without marks of its own: with them, at most four in all, none may be left for the planner.
        let mut request = opening;
        request.system.retain(|part| !matches!(part, Part::CacheMark(_)));
        request.tools.iter_mut().for_each(|tool| tool.cache = None);
        let (mut before, mut stored) = blocks(&planned(&request, &model, &CachePolicy::Planned));
        for mut step in steps {
            for turn in &mut step {
                turn.parts.retain(|part| !matches!(part, Part::CacheMark(_)));
            }
            request.turns.extend(step);
            let (now, points) = blocks(&planned(&request, &model, &CachePolicy::Planned));
            prop_assert!(now.starts_with(&before), "{before:#?}\nbecame\n{now:#?}");
            if let Some(last) = stored.last() {
                prop_assert!(points.contains(last), "{stored:?} then {points:?}");
            }
            (before, stored) = (now, points);
        }
    }
}
