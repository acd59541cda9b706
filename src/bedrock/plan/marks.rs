//! What of a request a refusal may be about beside the target: lacks are known of requests with the same marks alone.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::config::Defaults;
use crate::conversation::{AnswerFormat, Request};

use super::client_fields::betas;

/// The marks of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// The betas that it and its deployment ask for, sorted, each once.
    pub betas: Vec<String>,
    /// A digest of the schemas that the model is to be held to: those of strict tools and of the answer. `None`: there
    /// are none.
    pub schemas: Option<String>,
}

impl Marks {
    /// Whether this is one of them.
    pub fn has(&self, mark: &String) -> bool {
        self.betas.contains(mark) || self.schemas.as_ref() == Some(mark)
    }
}

/// The marks of a request to a deployment with these defaults.
pub fn marks(request: &Request, defaults: &Defaults) -> Marks {
    Marks {
        betas: betas(request, defaults),
        schemas: schemas(request),
    }
}

fn schemas(request: &Request) -> Option<String> {
    let strict = request.tools.iter().filter(|tool| tool.strict);
    let tools: Vec<&Value> = strict.map(|tool| tool.schema.as_ref()).collect();
    let answer = match &request.format {
        AnswerFormat::Schema(wanted) => Some(wanted.schema.as_ref()),
        _ => None,
    };
    if tools.is_empty() && answer.is_none() {
        return None;
    }
    let text = json!([tools, answer]).to_string();
    let digest = hex::encode(Sha256::digest(text.as_bytes()));
    Some(format!("schemas-{}", digest.get(..32).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::conversation::{AnswerSchema, Tool};

    #[test]
    fn the_betas_of_a_call_are_the_request_s_and_the_deployment_s() {
        let fields = |betas: Value| {
            json!({"anthropic_beta": betas})
                .as_object()
                .cloned()
                .unwrap()
        };
        let defaults = Defaults {
            model_fields: fields(json!(["a", "c"])),
            ..Defaults::default()
        };
        let request = Request {
            model_fields: fields(json!(["c", "b"])),
            ..Request::default()
        };
        assert_eq!(marks(&request, &defaults).betas, ["a", "b", "c"]);
        assert_eq!(
            marks(&Request::default(), &Defaults::default()),
            Marks::default()
        );
    }

    #[test]
    fn the_schemas_of_a_call_are_those_that_the_model_is_held_to() {
        let with = |schema: Value, strict: bool| {
            let tool = Tool {
                name: "f".into(),
                description: String::new(),
                schema: Arc::new(schema),
                strict,
                cache: None,
                kind: None,
                native: None,
            };
            Request {
                tools: vec![tool],
                ..Request::default()
            }
        };
        let a = schemas(&with(json!({"a": 1}), true));
        assert!(a.is_some());
        assert_eq!(a, schemas(&with(json!({"a": 1}), true)));
        assert_ne!(a, schemas(&with(json!({"a": 2}), true)));
        assert_eq!(schemas(&with(json!({"a": 1}), false)), None);
        let answer = Request {
            format: AnswerFormat::Schema(AnswerSchema {
                name: String::new(),
                description: String::new(),
                schema: Arc::new(json!({"a": 1})),
            }),
            ..Request::default()
        };
        assert!(schemas(&answer).is_some_and(|answer| Some(answer) != a));
    }
}
