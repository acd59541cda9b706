//! How the target is made to answer in the format that the client wants.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::catalog::{Family, Model};
use crate::conversation::{AnswerFormat, AnswerSchema, Part, Request, Tool, ToolChoice};

use super::ToolNames;
use super::keys::ClientKeys;
use super::schema;
use super::thinking::ThinkingPlan;

/// How the answer gets its form.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Shape {
    /// It has none.
    #[default]
    Free,
    /// Bedrock holds the model to the schema (`outputConfig`).
    Native {
        /// The schema's name.
        name: String,
        /// What it is for; may be empty.
        description: String,
        /// The schema, every object in it closed.
        schema: Value,
    },
    /// The answer is the arguments of this tool.
    Tool {
        /// The tool's name, which none of the client's tools has.
        name: String,
        /// The client's schema, to check the answer by.
        schema: Arc<Value>,
    },
    /// The model was told to write JSON, and the answer is checked.
    Text {
        /// The client's schema; `None`: any JSON object.
        schema: Option<Arc<Value>>,
    },
}

/// What a shape adds to a request.
#[derive(Debug, Default)]
pub(super) struct Addition {
    pub(super) shape: Shape,
    /// Goes behind the system prompt.
    pub(super) instruction: Option<Part>,
    pub(super) tool: Option<Tool>,
    pub(super) choice: Option<ToolChoice>,
}

/// The answer's schema as the model is held to it natively, where it can be and there is `room` for it.
pub(super) fn native(
    request: &Request,
    model: &Model,
    names: &mut ToolNames,
    room: &mut schema::SchemaRoom,
) -> Option<Shape> {
    let AnswerFormat::Schema(wanted) = &request.format else {
        return None;
    };
    if !model.abilities.json_schema {
        return None;
    }
    let repaired = schema::repaired(&wanted.schema);
    let keys = keys(&repaired, model);
    let schema = match &keys {
        Some(keys) => schema::enforceable(&keys.schema())?,
        None => schema::enforceable(&repaired)?,
    };
    if !room.take(&schema) {
        return None;
    }
    if let Some(keys) = keys {
        names.add_answer(keys);
    }
    let name = if wanted.name.is_empty() {
        "answer"
    } else {
        &wanted.name
    };
    Some(Shape::Native {
        name: name.to_owned(),
        description: wanted.description.clone(),
        schema,
    })
}

/// The keys of a schema that this model does not take.
fn keys(schema: &Arc<Value>, model: &Model) -> Option<ClientKeys> {
    match model.family {
        Family::Claude => ClientKeys::of(schema),
        _ => None,
    }
}

/// The best way that the target has: by schema natively, which is `native`; by a tool that must be called; by a tool
/// and an instruction where a call cannot be forced, because the model thinks or the client's own tools must stay
/// callable; by an instruction alone where there are no tools.
pub(super) fn plan(
    request: &Request,
    model: &Model,
    thinking_plan: &ThinkingPlan,
    tools_offered: bool,
    native: Option<Shape>,
    names: &mut ToolNames,
) -> Addition {
    match (&request.format, native) {
        (AnswerFormat::Text, _) => Addition::default(),
        (AnswerFormat::Json, _) => by_instruction(None),
        (AnswerFormat::Schema(_), Some(shape)) => Addition {
            shape,
            ..Addition::default()
        },
        (AnswerFormat::Schema(wanted), None) => {
            by_tool(wanted, request, model, thinking_plan, tools_offered, names)
        }
    }
}

fn by_tool(
    wanted: &AnswerSchema,
    request: &Request,
    model: &Model,
    thinking_plan: &ThinkingPlan,
    tools_offered: bool,
    names: &mut ToolNames,
) -> Addition {
    let abilities = &model.abilities;
    let repaired = schema::repaired(&wanted.schema);
    // A tool's arguments are always an object.
    let is_object = repaired.get("type").is_none_or(|kind| kind == "object");
    if !abilities.tools || !is_object {
        return by_instruction(Some(repaired));
    }
    let name = free_name(request);
    let keys = keys(&repaired, model);
    let forced = abilities.tool_choice
        && abilities.forced_tool_choice
        && !thinking_plan.on
        && !tools_offered;
    let description = if wanted.description.trim().is_empty() {
        "Gives the answer to the user."
    } else {
        &wanted.description
    };
    let mut tool = Tool {
        name: name.clone(),
        description: description.to_owned(),
        schema: match &keys {
            Some(keys) => Arc::new(keys.schema()),
            None => Arc::clone(&repaired),
        },
        strict: false,
        cache: None,
        kind: None,
        native: None,
    };
    if let Some(keys) = keys {
        names.add_keys(&name, keys);
    }
    let mut left = schema::MOST_INLINED;
    schema::fit(&mut tool, model.family, &mut left);
    let instruction = format!(
        "When you are ready to answer the user, do it by calling the tool {name} exactly once, with the whole answer \
         as its arguments and no text beside it."
    );
    Addition {
        instruction: (!forced).then_some(Part::Text(instruction)),
        choice: forced.then(|| ToolChoice::Named(name.clone())),
        tool: Some(tool),
        shape: Shape::Tool {
            name,
            schema: repaired,
        },
    }
}

fn by_instruction(schema: Option<Arc<Value>>) -> Addition {
    let what = match &schema {
        None => "one JSON object".to_owned(),
        Some(schema) => format!("JSON that matches this JSON schema: {schema}\nWrite the JSON"),
    };
    let instruction = format!(
        "Answer the user with {what} alone: no text before it, none after it, and no code fence around it."
    );
    Addition {
        instruction: Some(Part::Text(instruction)),
        shape: Shape::Text { schema },
        ..Addition::default()
    }
}

/// A name that none of the client's tools has.
fn free_name(request: &Request) -> String {
    let mut name = "give_answer".to_owned();
    while request.tools.iter().any(|tool| tool.name == name) {
        name.push('_');
    }
    name
}

impl Shape {
    /// The schema to which Bedrock holds the model.
    pub(crate) fn native_schema(&self) -> Option<&Value> {
        match self {
            Self::Native { schema, .. } => Some(schema),
            _ => None,
        }
    }

    /// Converse's `outputConfig`.
    pub(crate) fn output_config(&self) -> Option<Value> {
        let Self::Native {
            name,
            description,
            schema,
        } = self
        else {
            return None;
        };
        let mut spec = json!({"schema": schema.to_string(), "name": name});
        if let Some(spec) = spec.as_object_mut().filter(|_| !description.is_empty()) {
            spec.insert("description".into(), json!(description));
        }
        Some(json!({"textFormat": {"type": "json_schema", "structure": {"jsonSchema": spec}}}))
    }
}
