//! OpenAI's tools, of the chat wire and the Responses wire: what of them the model may call.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::conversation::{Tool, ToolChoice};

use super::limits::{self, MOST_TOOLS};
use super::tool::WireTool;
use super::{ApiError, DroppedFields, Loose};

/// Stands between a namespace and a name: no name of OpenAI's may hold it.
const SEPARATOR: &str = "::";

/// The namespace that is meant where none is named: calls of its tools go back without it.
const IMPLICIT_NAMESPACE: &str = "functions";

/// What the model may call.
#[derive(Debug, Default)]
pub(crate) struct ToolOffer {
    pub(super) tools: Vec<Tool>,
    /// Where in `tools` each name stands: a request may have many thousand before they are refused.
    places: HashMap<String, usize>,
    /// The names of those that take free text.
    free_form: HashSet<String>,
    /// Where the first tool that only its service runs stood, and of which type it was.
    hosted: Option<(String, String)>,
}

/// The tools of a request and the choice among them, in the domain's terms.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) tools: Vec<Tool>,
    /// The names of those that take free text.
    pub(crate) free_form: Vec<String>,
    pub(crate) choice: ToolChoice,
    /// Why they are not what the client wants, where what only its service runs is needed for that.
    pub(crate) refusal: Option<ApiError>,
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

impl ToolOffer {
    /// Adds a request's tools in the client's order, but for those that only their service runs: these are named in
    /// `dropped`. A tool whose name is there already takes its place. `path` names the list in errors.
    pub(crate) fn add(
        &mut self,
        tools: impl IntoIterator<Item = Loose<WireTool>>,
        path: &str,
        dropped: &mut DroppedFields,
    ) -> Result<(), ApiError> {
        self.add_list(tools, None, path, dropped)?;
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
        dropped: &mut DroppedFields,
    ) -> Result<(), ApiError> {
        // The client has not asked for these: those that only their service runs are no wish of its own.
        let hosted = self.hosted.take();
        for tool in tools.into_iter().filter_map(Loose::given) {
            if let Err(error) = self.add_one(tool, None, path, dropped) {
                tracing::debug!(reason = error.message, "a tool that was found was left out");
            }
        }
        self.hosted = hosted;
        self.check_count(path)
    }

    fn add_list(
        &mut self,
        tools: impl IntoIterator<Item = Loose<WireTool>>,
        namespace: Option<&str>,
        path: &str,
        dropped: &mut DroppedFields,
    ) -> Result<(), ApiError> {
        for (at, tool) in tools.into_iter().enumerate() {
            match tool {
                Loose::Given(tool) => {
                    self.add_one(tool, namespace, &format!("{path}[{at}]"), dropped)?;
                }
                Loose::Missing | Loose::Other(_) => dropped.add("tools"),
            }
        }
        Ok(())
    }

    fn add_one(
        &mut self,
        tool: WireTool,
        namespace: Option<&str>,
        path: &str,
        dropped: &mut DroppedFields,
    ) -> Result<(), ApiError> {
        let kind = tool.kind(path)?;
        match kind.as_str() {
            "namespace" => {
                let name = tool.name.required(path, "name")?;
                let inner = tool.tools.or_dropped("tools", dropped);
                let inner = inner.unwrap_or_default();
                let path = format!("{path}.tools");
                self.add_list(inner.0, Some(&name), &path, dropped)?;
            }
            "function" | "custom" => {
                let is_custom = kind == "custom";
                let mut tool = tool.into_tool(is_custom, path)?;
                tool.name = joined(namespace, &tool.name);
                self.put(tool, is_custom);
            }
            _ => {
                tracing::info!(kind, "a tool that Bedrock cannot run was left out");
                dropped.add(&kind);
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

    /// What is offered, with the client's `choice` among it. An offer of nothing but tools that only their service runs
    /// is not what its client wants, unless none is to be called.
    pub(crate) fn chosen(
        mut self,
        choice: Option<&Value>,
        dropped: &mut DroppedFields,
    ) -> Result<Chosen, ApiError> {
        let hosted = self.hosted.take().filter(|_| self.tools.is_empty());
        let (mut choice, forced) = self.choose(choice, dropped)?;
        let alone = hosted.filter(|_| choice != ToolChoice::None);
        let alone = alone.map(|(path, kind)| {
            choice = ToolChoice::Auto;
            let message = format!(
                "'{path}' is a tool of type '{kind}'; this gateway takes 'function' and 'custom' tools."
            );
            ApiError::bad_request(message, path)
        });
        let names = self.tools.iter().map(|tool| &tool.name);
        let free_form = names.filter(|name| self.free_form.contains(*name));
        Ok(Chosen {
            free_form: free_form.cloned().collect(),
            tools: self.tools,
            choice,
            refusal: alone.or(forced),
        })
    }
}
