//! Schemas that are more than a model compiles: what is known to be too much is not asked for, and what is refused is
//! asked again without, remembered for these schemas and for nobody's others.

use std::time::Duration;

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use super::{answered, asking, tools_sent, wanting};
use crate::support::{PRIMARY, TestApp, validation_error};

fn closed(name: &str) -> Value {
    json!({"type": "object", "properties": {name: {"type": "string"}}, "required": [name], "additionalProperties": false})
}

fn strict(app: &TestApp) -> Vec<bool> {
    let tools = tools_sent(app, PRIMARY);
    tools.iter().map(|tool| tool["strict"] == true).collect()
}

#[tokio::test]
async fn as_many_tools_are_strict_as_there_is_room_for_and_the_first_ones_stay_it() {
    let app = TestApp::on_converse().await;
    let twenty_five = vec![closed("a"); 25];
    let optional = |n: usize| {
        let properties = (0..n).map(|n| (format!("p{n}"), json!({"type": "string"})));
        json!({"type": "object", "properties": properties.collect::<serde_json::Map<_, _>>()})
    };
    let unions = |n: usize| {
        let names: Vec<String> = (0..n).map(|n| format!("p{n}")).collect();
        let properties = names
            .iter()
            .map(|name| (name.clone(), json!({"type": ["string", "null"]})));
        json!({"type": "object", "properties": properties.collect::<serde_json::Map<_, _>>(), "required": names})
    };
    let cases = [
        (twenty_five, (0..25).map(|n| n < 20).collect::<Vec<bool>>()),
        (
            vec![optional(20), optional(5), optional(4)],
            vec![true, false, true],
        ),
        (
            vec![unions(9), unions(8), unions(7)],
            vec![true, false, true],
        ),
    ];
    for (schemas, expected) in cases {
        for (path, body) in asking("primary", &schemas, true) {
            app.bedrock.script(PRIMARY, [Step::text("well")]);
            answered(&app, path, &body).await;
            assert_eq!(strict(&app), expected, "{path}");
        }
        // One more tool at the end changes nothing of those before it.
        let more = [schemas.as_slice(), &[closed("z")]].concat();
        let (path, body) = asking("primary", &more, true).remove(0);
        app.bedrock.script(PRIMARY, [Step::text("well")]);
        answered(&app, path, &body).await;
        assert_eq!(strict(&app)[..expected.len()], expected);
    }
    // The schema of an answer counts too: it goes by the tool then.
    for (path, body) in wanting("primary", &unions(17)) {
        let given = (0..17).map(|n| (format!("p{n}"), Value::Null));
        let given = Value::Object(given.collect());
        app.bedrock.script(
            PRIMARY,
            [Step::reply(ScriptedReply::tool("give_answer", &given))],
        );
        assert_eq!(answered(&app, path, &body).await.answer(), given);
    }
}

/// Schemas that no grammar is made of, each with an object that it admits.
fn without_grammar() -> [(Value, Value); 6] {
    let of = |property: Value| json!({"type": "object", "properties": {"a": property}, "required": ["a"]});
    let tree = json!({"type": "object", "properties": {"leaf": {"type": "string"}, "next": {"$ref": "#/$defs/tree"}}});
    let with = |mut schema: Value, definition: &Value| {
        schema["$defs"] = json!({"tree": definition});
        schema
    };
    let deep = json!({"a": {"leaf": "x", "next": {"leaf": "y"}}});
    let named =
        json!({"$anchor": "tree", "type": "object", "properties": {"next": {"$ref": "#tree"}}});
    [
        (
            with(of(json!({"$ref": "#/$defs/tree"})), &tree),
            deep.clone(),
        ),
        (
            with(of(json!({"$ref": "#tree"})), &named),
            json!({"a": {"next": {}}}),
        ),
        (
            json!({"type": "object", "properties": {"a": {"$ref": "#"}}}),
            json!({"a": {"a": {}}}),
        ),
        (of(json!({})), json!({"a": [1]})),
        (of(json!({"description": "anything"})), deep),
        (
            of(json!({"type": "array", "items": true})),
            json!({"a": [1, "x"]}),
        ),
    ]
}

#[tokio::test]
async fn what_no_grammar_is_made_of_is_not_enforced() {
    let app = TestApp::on_converse().await;
    for (schema, value) in without_grammar() {
        for (path, body) in asking("primary", std::slice::from_ref(&schema), true) {
            app.bedrock
                .script(PRIMARY, [Step::reply(ScriptedReply::tool("f0", &value))]);
            let before = app.bedrock.requests().len();
            assert_eq!(answered(&app, path, &body).await.arguments(), value);
            assert_eq!(strict(&app), [false], "{schema}");
            assert_eq!(app.bedrock.requests().len(), before + 1, "{schema}");
        }
        for (path, body) in wanting("primary", &schema) {
            app.bedrock.script(
                PRIMARY,
                [Step::reply(ScriptedReply::tool("give_answer", &value))],
            );
            let before = app.bedrock.requests().len();
            assert_eq!(answered(&app, path, &body).await.answer(), value);
            assert_eq!(app.bedrock.requests().len(), before + 1, "{schema}");
        }
    }
    // Who names properties means an object.
    let untyped = json!({"properties": {"a": {"properties": {"b": {"type": "string"}}}}});
    for (path, body) in asking("primary", &[untyped], true) {
        answered(&app, path, &body).await;
        assert_eq!(strict(&app), [true]);
    }
}

const REFUSALS: [&str; 6] = [
    "tools.0.custom: Recursive schemas are not supported",
    "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
    "The model returned the following errors: The compiled grammar is too large, which would cause performance issues. Simplify your tool schemas or reduce the number of strict tools.",
    "Schemas contains too many parameters with union types (17 parameters with type arrays or anyOf). Reduce the number of nullable or union-typed parameters (limit: 16 parameters with unions).",
    "The model returned the following errors: Schemas contains too many optional parameters (28), which would make grammar compilation inefficient. Reduce the number of optional parameters in your tool schemas (limit: 24).",
    "compilation exceeded limits: Schema is too complex",
];

#[tokio::test]
async fn a_refusal_is_asked_again_without_strict_and_remembered_for_these_schemas_alone() {
    for message in REFUSALS {
        let app = TestApp::on_converse().await;
        for (path, body) in asking("primary", &[closed("a"), closed("b")], true) {
            app.bedrock.script(PRIMARY, [validation_error(message)]);
            let before = app.bedrock.requests_for(PRIMARY).len();
            answered(&app, path, &body).await;
            assert_eq!(strict(&app), [false, false]);
            let asked = app.bedrock.requests_for(PRIMARY).len() - before;
            assert_eq!(asked, 2, "{message} {path}");
            app.bedrock.unscript(PRIMARY);
            answered(&app, path, &body).await;
            assert_eq!(app.bedrock.requests_for(PRIMARY).len() - before, 3);
            assert_eq!(strict(&app), [false, false], "it is remembered");
            let (other, body) = asking("primary", &[closed("c")], true).remove(0);
            answered(&app, other, &body).await;
            assert_eq!(strict(&app), [true], "other schemas are not concerned");
            app.clock.advance(Duration::from_secs(3_601));
        }
    }
}

#[tokio::test]
async fn every_instance_knows_which_schemas_are_too_much_until_it_is_told_to_forget() {
    let app = TestApp::on_converse().await;
    let (path, body) = asking("primary", &[closed("a")], true).remove(0);
    app.bedrock.script(PRIMARY, [validation_error(REFUSALS[0])]);
    answered(&app, path, &body).await;
    app.settle().await;
    let newcomer = app.another_instance().await;
    answered(&newcomer, path, &body).await;
    assert_eq!(strict(&newcomer), [false]);
    let routes = &newcomer.state.routes;
    let targets = routes.targets("primary");
    let lacks = routes.lacks(&targets[0]);
    assert_eq!(lacks.len(), 1);
    assert!(
        lacks[0].name().starts_with("strict_tools:schemas-"),
        "{}",
        lacks[0].name()
    );
    routes
        .forget_lack(targets[0].deployment_id(), &lacks[0].name())
        .await
        .unwrap();
    answered(&newcomer, path, &body).await;
    assert_eq!(strict(&newcomer), [true]);
}

#[tokio::test]
async fn a_refused_schema_of_an_answer_is_asked_for_by_a_tool() {
    for message in REFUSALS
        .into_iter()
        .chain(["output_config.format: Extra inputs are not permitted"])
    {
        let app = TestApp::on_converse().await;
        for (path, body) in wanting("primary", &closed("a")) {
            let answer = Step::reply(ScriptedReply::tool("give_answer", &json!({"a": "x"})));
            app.bedrock
                .script(PRIMARY, [validation_error(message), answer]);
            assert_eq!(
                answered(&app, path, &body).await.answer(),
                json!({"a": "x"})
            );
            let sent = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
            assert_eq!(sent.get("outputConfig"), None, "{path}");
            let forced = &sent["toolConfig"]["toolChoice"]["tool"]["name"];
            assert_eq!(forced, "give_answer");
            app.clock.advance(Duration::from_secs(3_601));
        }
        // What the model lacks as such is known of every schema, what is too much of one alone.
        let is_of_model = message.contains("Extra inputs");
        let (path, body) = wanting("primary", &closed("b")).remove(0);
        app.bedrock.script(
            PRIMARY,
            [
                validation_error(message),
                Step::reply(ScriptedReply::tool("give_answer", &json!({"b": "x"}))),
            ],
        );
        answered(&app, path, &body).await;
        let (path, body) = wanting("primary", &closed("c")).remove(0);
        app.bedrock.unscript(PRIMARY);
        answered(&app, path, &body).await;
        let sent = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
        assert_eq!(sent.get("outputConfig").is_none(), is_of_model, "{message}");
    }
}

#[tokio::test]
async fn of_strict_tools_and_an_answer_s_schema_the_tools_give_way_first() {
    let app = TestApp::on_converse().await;
    let (path, mut body) = wanting("primary", &closed("a")).remove(0);
    body["tools"] = asking("primary", &[closed("t")], true)[0].1["tools"].clone();
    app.bedrock.script(
        PRIMARY,
        [validation_error(REFUSALS[0]), Step::text("{\"a\": \"x\"}")],
    );
    answered(&app, path, &body).await;
    assert_eq!(strict(&app), [false]);
    let sent = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
    assert!(sent.get("outputConfig").is_some());
    app.bedrock.script(
        PRIMARY,
        [validation_error(REFUSALS[0]), Step::text("{\"a\": \"x\"}")],
    );
    answered(&app, path, &body).await;
    let sent = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
    assert_eq!(sent.get("outputConfig"), None);
}
