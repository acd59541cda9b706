//! The description of the API: as a page, as a file, and as it is.

use std::collections::BTreeSet;
use std::path::Path;

use bedrock_sidecar::simulator::Step;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Visitor;
use crate::support::{KEY, PRIMARY, TestApp, header, hello};

async fn described(app: &TestApp) -> Value {
    app.get("/openapi.json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

#[tokio::test]
async fn it_is_open_to_whoever_has_a_key_or_has_signed_in() {
    let app = TestApp::new().await;
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    for path in ["/openapi.json", "/routes"] {
        let open = http.get(format!("{}{path}", app.url)).send().await.unwrap();
        assert_eq!(open.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let description = described(&app).await;
    assert_eq!(description["openapi"], "3.1.0");
    assert_eq!(description["info"]["version"], env!("CARGO_PKG_VERSION"));
    let docs = http.get(format!("{}/docs", app.url));
    let response = docs.header("accept", "text/html").send().await.unwrap();
    assert_eq!(header(&response, "location"), "/ui/docs");

    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/docs").await;
    assert!(
        page.contains("POST /<wbr>v1/<wbr>messages<wbr>")
            && page.contains("href=\"#s-ChatCompletionRequest\"")
    );
    assert!(page.len() < 60_000, "{}", page.len());
    assert_eq!(
        visitor
            .get("/ui/openapi.json")
            .await
            .json::<Value>()
            .await
            .unwrap(),
        description
    );
    assert_eq!(
        Visitor::new(&app).get("/ui/docs").await.status(),
        StatusCode::SEE_OTHER
    );

    let routes: Value = app
        .get("/routes")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let routes = routes["routes"].as_array().unwrap();
    let chat = routes
        .iter()
        .find(|route| route["path"] == "/v1/chat/completions")
        .unwrap();
    assert_eq!(chat["methods"], json!(["POST"]));
}

#[tokio::test]
async fn every_route_that_is_described_is_served() {
    let app = TestApp::new().await;
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let paths = described(&app).await["paths"].as_object().unwrap().clone();
    for (path, methods) in &paths {
        let served = path
            .replace("{model}", "primary")
            .replace("{request_id}", "x");
        let served = served
            .replace("{id}", "x")
            .replace("{key}", "x")
            .replace("{team_id}", "x");
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            let request = http
                .request(method, format!("{}{served}", app.url))
                .bearer_auth(KEY)
                .json(&json!({}));
            let response = request.send().await.unwrap();
            let status = response.status();
            assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
            let text = response.text().await.unwrap();
            assert!(!text.contains("Unknown request URL"), "{path}: {text}");
            let is_open = operation["security"] == json!([]);
            let stranger = http
                .request(http::Method::GET, format!("{}{served}", app.url))
                .send()
                .await
                .unwrap();
            assert!(!is_open || stranger.status() == StatusCode::OK, "{path}");
        }
    }
}

/// What the sources of the routes name, as far as it is written as one text.
fn routes_in_sources() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "rs")
                || path.ends_with("tests.rs")
            {
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            let served = source.split("#[cfg(test)]").next().unwrap();
            for call in served.split(".route(").skip(1) {
                if let Some(text) = call.trim_start().strip_prefix('"') {
                    found.insert(text.split('"').next().unwrap().replace("{*id}", "{id}"));
                }
            }
        }
    }
    found
}

#[tokio::test]
async fn every_route_that_is_served_is_described() {
    let app = TestApp::new().await;
    let description = described(&app).await;
    let paths = description["paths"].as_object().unwrap();
    let routes = routes_in_sources();
    assert!(routes.len() > 50, "{routes:?}");
    // The page at `/` is for people.
    for route in routes.iter().filter(|route| *route != "/") {
        assert!(
            paths.keys().any(|path| path.ends_with(route.as_str())),
            "{route}"
        );
    }
}

/// What does not fit the shape, in words.
fn misfit(description: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = description
            .pointer(reference.trim_start_matches('#'))
            .unwrap();
        return misfit(description, schema, value, at);
    }
    let fits = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    };
    let is_well = match &schema["type"] {
        Value::String(kind) => fits(kind),
        Value::Array(kinds) => kinds.iter().any(|kind| fits(kind.as_str().unwrap())),
        _ => true,
    };
    let is_listed = schema["enum"]
        .as_array()
        .is_none_or(|listed| listed.contains(value));
    if !is_well || !is_listed {
        return Some(format!("{at}: {value} is not {schema}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            return Some(format!("{at}: {name} is missing in {value}"));
        }
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(field) = value.get(name)
            && let Some(misfit) = misfit(description, schema, field, &format!("{at}.{name}"))
        {
            return Some(misfit);
        }
    }
    let items = value.as_array().into_iter().flatten();
    let schema = schema.get("items")?;
    items
        .enumerate()
        .find_map(|(n, item)| misfit(description, schema, item, &format!("{at}[{n}]")))
}

#[tokio::test]
async fn what_is_answered_has_the_shape_that_is_described() {
    let app = TestApp::new().await;
    let description = described(&app).await;
    app.bedrock.always(PRIMARY, Step::text("Hello."));
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let days = format!("?start_date={today}&end_date={today}");
    let none = Value::Null;
    for (method, path, query, body) in [
        ("post", "/v1/chat/completions", "", hello("primary")),
        (
            "post",
            "/v1/responses",
            "",
            json!({"model": "primary", "input": "Hi"}),
        ),
        (
            "post",
            "/v1/messages",
            "",
            json!({"model": "primary", "max_tokens": 9, "messages": messages}),
        ),
        (
            "post",
            "/v1/messages/count_tokens",
            "",
            json!({"model": "primary", "messages": messages}),
        ),
        ("get", "/v1/models", "", none.clone()),
        ("get", "/v1/model/info", "", none.clone()),
        (
            "post",
            "/key/generate",
            "",
            json!({"key_alias": "described"}),
        ),
        ("get", "/key/list", "", none.clone()),
        ("post", "/team/new", "", json!({"team_id": "described"})),
        ("get", "/team/list", "", none.clone()),
        ("post", "/user/new", "", json!({"user_id": "described"})),
        (
            "get",
            "/spend/logs",
            &*format!("{days}&summarize=false"),
            none.clone(),
        ),
        ("get", "/spend/logs/v2", &*days, none.clone()),
        ("get", "/spend/keys", "", none.clone()),
        ("get", "/spend/tags", &*days, none.clone()),
        ("get", "/user/daily/activity", &*days, none.clone()),
        ("get", "/health/readiness", "", none.clone()),
        ("get", "/health/liveliness", "", none.clone()),
    ] {
        let path_query = format!("{path}{query}");
        let request = if method == "get" {
            app.get(&path_query)
        } else {
            app.post(&path_query, &body)
        };
        let response = request.send().await.unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        let operation = &description["paths"][path][method];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{path}");
        assert_eq!(misfit(&description, schema, &answer, path), None);
        app.settle().await;
    }
    for (path, body, shape) in [
        ("/v1/chat/completions", json!({}), "Error"),
        ("/v1/messages", json!({"model": "nobody"}), "AnthropicError"),
    ] {
        let answer: Value = app
            .post(path, &body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let schema = &description["components"]["schemas"][shape];
        assert_eq!(misfit(&description, schema, &answer, path), None);
    }
}
