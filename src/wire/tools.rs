//! OpenAI's tools, which the chat wire and the Responses wire write in forms that clients mix: with the tool's fields in
//! an object of their own or beside its type, and with Anthropic's name for the schema.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::{Value, json};

use crate::conversation::Tool;

use super::limits::{self, MOST_TOOLS};
use super::loose::{Form, misread, object};
use super::{ApiError, CacheControl, LeftOut, List, Loose, free_form};

/// Stands between a namespace and a name: no name of OpenAI's may hold it.
const SEPARATOR: &str = "::";

/// The namespace that is meant where none is named: calls of its tools go back without it.
const IMPLICIT_NAMESPACE: &str = "functions";

/// A tool of any type. What a type that nobody here knows has under one of these names is read whatever it is.
#[derive(Debug, Deserialize)]
#[serde(default, expecting = "a tool (an object)")]
#[derive(Default)]
pub(crate) struct WireTool {
    r#type: Loose<String>,
    /// A function's fields, where they do not stand beside its type.
    function: Loose<Box<WireTool>>,
    /// A custom tool's.
    custom: Loose<Box<WireTool>>,
    name: Loose<String>,
    description: Loose<String>,
    parameters: Option<Value>,
    input_schema: Option<Value>,
    strict: Loose<bool>,
    /// What a custom tool's text must look like.
    format: Option<Value>,
    cache_control: Loose<CacheControl>,
    /// A namespace's own.
    tools: Loose<List<Loose<WireTool>, MOST_TOOLS>>,
}

impl Form for WireTool {
    const EXPECTED: &'static str = "a tool (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

impl Form for Box<WireTool> {
    const EXPECTED: &'static str = "a tool's fields (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        let tool: Option<WireTool> = object(fields)?;
        Ok(tool.map(Box::new))
    }
}

/// What the model may call.
#[derive(Debug, Default)]
pub(crate) struct Offer {
    pub(super) tools: Vec<Tool>,
    /// Where in `tools` each name stands: a request may have many thousand before they are refused.
    places: HashMap<String, usize>,
    /// The names of those that take free text.
    free_form: HashSet<String>,
    /// Where the first tool that only its service runs stood, and of which type it was.
    hosted: Option<(String, String)>,
}

/// A name as the domain has it.
pub(crate) fn joined(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        None | Some("" | IMPLICIT_NAMESPACE) => name.to_owned(),
        Some(namespace) => format!("{namespace}{SEPARATOR}{name}"),
    }
}

/// The namespace and the name in a name of the domain's.
pub(crate) fn parted(name: &str) -> (Option<&str>, &str) {
    match name.split_once(SEPARATOR) {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, name),
    }
}

impl Offer {
    /// Adds a request's tools in the client's order, but for those that only their service runs: these are named in
    /// `left_out`. A tool whose name is there already takes its place. `path` names the list in errors.
    pub(crate) fn add(
        &mut self,
        tools: impl IntoIterator<Item = Loose<WireTool>>,
        path: &str,
        left_out: &mut LeftOut,
    ) -> Result<(), ApiError> {
        self.add_list(tools, None, path, left_out)?;
        self.check_count(path)
    }

    /// Namespaces have more of them than a list itself, and there may be several lists.
    fn check_count(&self, path: &str) -> Result<(), ApiError> {
        let count = self.tools.len();
        if count > MOST_TOOLS {
            return Err(limits::refusal(path, "tools", count, MOST_TOOLS));
        }
        Ok(())
    }

    /// Adds what can be read of a list that its client has from somewhere else.
    pub(crate) fn add_readable(
        &mut self,
        tools: Vec<Loose<WireTool>>,
        path: &str,
        left_out: &mut LeftOut,
    ) -> Result<(), ApiError> {
        for tool in tools.into_iter().filter_map(Loose::given) {
            if let Err(error) = self.add_one(tool, None, path, left_out) {
                tracing::debug!(reason = error.message, "a tool that was found was left out");
            }
        }
        self.check_count(path)
    }

    /// Refuses an offer of nothing but tools that only their service runs: what their client wants cannot be had.
    pub(crate) fn refuse_hosted_alone(&self) -> Result<(), ApiError> {
        match &self.hosted {
            Some((path, kind)) if self.tools.is_empty() => {
                let message = format!(
                    "'{path}' is a tool of type '{kind}'; this gateway takes 'function' and 'custom' tools."
                );
                Err(ApiError::bad_request(message, path.as_str()))
            }
            _ => Ok(()),
        }
    }

    fn add_list(
        &mut self,
        tools: impl IntoIterator<Item = Loose<WireTool>>,
        namespace: Option<&str>,
        path: &str,
        left_out: &mut LeftOut,
    ) -> Result<(), ApiError> {
        for (at, tool) in tools.into_iter().enumerate() {
            let path = format!("{path}[{at}]");
            let found = match tool {
                Loose::Given(tool) => {
                    self.add_one(tool, namespace, &path, left_out)?;
                    continue;
                }
                Loose::Missing => "null",
                Loose::Other(found) => found,
            };
            return Err(misread::<WireTool>(found, path));
        }
        Ok(())
    }

    fn add_one(
        &mut self,
        tool: WireTool,
        namespace: Option<&str>,
        path: &str,
        left_out: &mut LeftOut,
    ) -> Result<(), ApiError> {
        let kind = tool.kind(path)?;
        match kind.as_str() {
            "namespace" => {
                let name = tool.name.required(path, "name")?;
                let inner = tool.tools.optional(path, "tools")?.unwrap_or_default();
                let path = format!("{path}.tools");
                self.add_list(inner.0, Some(&name), &path, left_out)?;
            }
            "function" | "custom" => {
                let is_custom = kind == "custom";
                let mut tool = tool.into_tool(is_custom, path)?;
                tool.name = joined(namespace, &tool.name);
                self.put(tool, is_custom);
            }
            _ => {
                tracing::info!(kind, "a tool that Bedrock cannot run was left out");
                left_out.add(&kind);
                self.hosted.get_or_insert((path.to_owned(), kind));
            }
        }
        Ok(())
    }

    fn put(&mut self, tool: Tool, is_free_form: bool) {
        if is_free_form {
            self.free_form.insert(tool.name.clone());
        } else {
            self.free_form.remove(&tool.name);
        }
        let next = self.tools.len();
        let place = *self.places.entry(tool.name.clone()).or_insert(next);
        match self.tools.get_mut(place) {
            Some(known) => *known = tool,
            None => self.tools.push(tool),
        }
    }

    /// The tools on offer, and the names of those among them that take free text.
    pub(crate) fn into_tools(self) -> (Vec<Tool>, Vec<String>) {
        let names = self.tools.iter().map(|tool| &tool.name);
        let free_form = names.filter(|name| self.free_form.contains(*name));
        let free_form = free_form.cloned().collect();
        (self.tools, free_form)
    }
}

impl WireTool {
    /// `function`, `custom`, or what only its service knows.
    fn kind(&self, path: &str) -> Result<String, ApiError> {
        let has_schema = self.parameters.is_some() || self.input_schema.is_some();
        Ok(match &self.r#type {
            // Anthropic calls a client's own tools so.
            Loose::Given(kind) if kind == "custom" && has_schema => "function".to_owned(),
            Loose::Given(kind) => kind.clone(),
            Loose::Missing if has_schema || self.function.as_given().is_some() => {
                "function".to_owned()
            }
            Loose::Missing if self.custom.as_given().is_some() => "custom".to_owned(),
            Loose::Missing => return Err(missing(path, "type")),
            Loose::Other(found) => {
                return Err(misread::<String>(found, format!("{path}.type")));
            }
        })
    }

    fn into_tool(mut self, is_custom: bool, path: &str) -> Result<Tool, ApiError> {
        let (field, inner) = if is_custom {
            ("custom", std::mem::take(&mut self.custom))
        } else {
            ("function", std::mem::take(&mut self.function))
        };
        let (own, outer, path) = match inner.optional(path, field)? {
            Some(inner) => (*inner, self, format!("{path}.{field}")),
            None => (self, Self::default(), path.to_owned()),
        };
        let description = own.description.optional(&path, "description")?;
        let description = description.or(outer.description.given());
        let description = description.unwrap_or_default();
        let schema = [
            own.parameters,
            own.input_schema,
            outer.parameters,
            outer.input_schema,
        ];
        let schema = schema
            .into_iter()
            .flatten()
            .find(|schema| !schema.is_null());
        let strict = own.strict.optional(&path, "strict")?;
        let control = own.cache_control.optional(&path, "cache_control")?;
        let control = outer.cache_control.given().or(control);
        let name = own.name.required(&path, "name")?;
        if name.is_empty() {
            let param = format!("{path}.name");
            return Err(ApiError::bad_request(format!("'{param}' is empty."), param));
        }
        Ok(Tool {
            name,
            description: if is_custom {
                free_form::described(description, own.format.or(outer.format).as_ref())
            } else {
                description
            },
            schema: Arc::new(if is_custom {
                free_form::schema()
            } else {
                schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}))
            }),
            strict: strict.or(outer.strict.given()).unwrap_or(false),
            cache: control.as_ref().map(CacheControl::ttl),
        })
    }
}

fn missing(path: &str, field: &str) -> ApiError {
    let param = format!("{path}.{field}");
    ApiError::bad_request(format!("Missing required parameter: '{param}'."), param)
}
