//! The description of the API, as a page that needs no script: the routes by subject, what each takes and answers, and
//! the shapes of the bodies.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;

use super::error::PageError;
use super::layout::{Layout, NavPage, render};
use super::session::AnySession;
use super::texts::texts;
use crate::app::AppState;
use crate::http::api::description;

#[derive(Template)]
#[template(path = "docs.html", config = "src/admin/askama.toml")]
struct DocsPage {
    layout: Layout,
    subjects: Vec<Subject>,
    schemas: Vec<SchemaEntry>,
}

/// Routes that belong together.
struct Subject {
    name: String,
    anchor: String,
    operations: Vec<Operation>,
}

struct Operation {
    method: String,
    /// In pieces, between which a line may break.
    path: Vec<String>,
    summary: String,
    /// The names of its parameters.
    parameters: String,
    takes: Option<String>,
    answers: Option<String>,
}

/// The shape of a body.
struct SchemaEntry {
    name: String,
    fields: Vec<(String, String, String)>,
}

/// `GET /ui/docs`.
pub(super) async fn page(
    State(_): State<AppState>,
    AnySession(session): AnySession,
) -> Result<Response, PageError> {
    let page = DocsPage {
        layout: Layout::of(NavPage::Docs, &session),
        subjects: subjects(description()),
        schemas: schemas(description()),
    };
    Ok(render(StatusCode::OK, &page))
}

/// `GET /ui/openapi.json`: the description for whoever has signed in.
pub(super) async fn file(State(_): State<AppState>, _: AnySession) -> Json<&'static Value> {
    Json(description())
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn subjects(description: &Value) -> Vec<Subject> {
    let tags = description.pointer("/tags").and_then(Value::as_array);
    let subjects = tags.into_iter().flatten().enumerate().map(|(place, tag)| {
        let name = text(tag, "/name");
        Subject {
            name: texts().of_api(name).to_owned(),
            anchor: format!("subject-{place}"),
            operations: operations(description, name),
        }
    });
    subjects.collect()
}

fn operations(description: &Value, tag: &str) -> Vec<Operation> {
    let paths = description.pointer("/paths").and_then(Value::as_object);
    let all = paths.into_iter().flatten().flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path, method, operation))
    });
    let own = all.filter(|(_, _, operation)| text(operation, "/tags/0") == tag);
    let operations = own.map(|(path, method, operation)| {
        let parameters = operation.pointer("/parameters").and_then(Value::as_array);
        let names = parameters
            .into_iter()
            .flatten()
            .filter(|one| text(one, "/in") == "query");
        let names: Vec<&str> = names.map(|one| text(one, "/name")).collect();
        let schema = |pointer: &str| {
            let reference = text(operation, pointer);
            let name = reference.rsplit('/').next().unwrap_or_default();
            let fields = format!("/components/schemas/{name}/properties");
            (!name.is_empty() && description.pointer(&fields).is_some()).then(|| name.to_owned())
        };
        Operation {
            method: method.to_ascii_uppercase(),
            path: path.split_inclusive('/').map(str::to_owned).collect(),
            summary: texts().of_api(text(operation, "/summary")).to_owned(),
            parameters: names.join(", "),
            takes: schema("/requestBody/content/application~1json/schema/$ref"),
            answers: schema("/responses/200/content/application~1json/schema/$ref"),
        }
    });
    operations.collect()
}

fn schemas(description: &Value) -> Vec<SchemaEntry> {
    let schemas = description
        .pointer("/components/schemas")
        .and_then(Value::as_object);
    let schemas = schemas.into_iter().flatten().filter_map(|(name, schema)| {
        let properties = schema.pointer("/properties").and_then(Value::as_object)?;
        let required = schema.pointer("/required").and_then(Value::as_array);
        let is_required = |name: &str| {
            let mut names = required.into_iter().flatten();
            names.any(|one| one.as_str() == Some(name))
        };
        let fields = properties.iter().map(|(field, schema)| {
            let mark = if is_required(field) { " *" } else { "" };
            (
                format!("{field}{mark}"),
                kind(schema),
                texts().of_api(text(schema, "/description")).to_owned(),
            )
        });
        Some(SchemaEntry {
            name: name.clone(),
            fields: fields.collect(),
        })
    });
    schemas.collect()
}

/// What a value is, in a word.
fn kind(schema: &Value) -> String {
    if let Some(name) = text(schema, "/$ref")
        .rsplit('/')
        .next()
        .filter(|name| !name.is_empty())
    {
        return name.to_owned();
    }
    match schema.get("type") {
        Some(Value::String(kind)) if kind == "array" => {
            let of = schema.get("items").map(kind_of_item).unwrap_or_default();
            format!("array {of}").trim_end().to_owned()
        }
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => {
            let kinds = kinds.iter().filter_map(Value::as_str);
            kinds.collect::<Vec<_>>().join(" | ")
        }
        _ => String::new(),
    }
}

fn kind_of_item(schema: &Value) -> String {
    match kind(schema) {
        kind if kind.is_empty() => kind,
        kind => format!("of {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::language::Language;

    #[test]
    fn every_route_stands_under_a_subject() {
        let paths = description()
            .pointer("/paths")
            .and_then(Value::as_object)
            .unwrap();
        let described: usize = paths
            .values()
            .map(|methods| methods.as_object().unwrap().len())
            .sum();
        let shown = subjects(description())
            .iter()
            .map(|subject| subject.operations.len())
            .sum::<usize>();
        assert_eq!(shown, described);
        assert!(described > 100);
    }

    #[test]
    fn every_text_of_the_description_is_there_in_japanese() {
        let japanese = Language::Japanese.texts();
        let is_english = |english: &str| {
            let shown = japanese.of_api(english);
            shown == english && !english.is_empty()
        };
        let description = description();
        let tags = description.pointer("/tags").and_then(Value::as_array);
        let tags = tags.unwrap().iter().map(|tag| text(tag, "/name"));
        let paths = description.pointer("/paths").and_then(Value::as_object);
        let operations = paths
            .unwrap()
            .values()
            .flat_map(|of| of.as_object().unwrap());
        let summaries = operations.map(|(_, operation)| text(operation, "/summary"));
        let schemas = description
            .pointer("/components/schemas")
            .and_then(Value::as_object);
        let fields = schemas.unwrap().values().filter_map(|schema| {
            let fields = schema.pointer("/properties").and_then(Value::as_object)?;
            Some(fields.values().map(|field| text(field, "/description")))
        });
        let all = tags.chain(summaries).chain(fields.flatten());
        let left: Vec<&str> = all.filter(|text| is_english(text)).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn every_shape_that_is_named_is_there() {
        let schemas = description()
            .pointer("/components/schemas")
            .and_then(Value::as_object)
            .unwrap();
        let text = description().to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
        }
    }
}
