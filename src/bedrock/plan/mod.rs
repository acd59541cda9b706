//! What a request becomes for one target: a pure function of the request and of what the target can do.
//!
//! Planning happens anew for every target of a chain, so a fallback never fails because the next model cannot cache,
//! think or see. No I/O, no clock and no SDK type here: `wire.rs` turns a [`Plan`] into the SDK's input.

mod answer;
mod cache;
mod calls;
mod client_fields;
mod documents;
mod inference;
mod keys;
mod marks;
mod names;
mod not_sent;
mod results;
mod schema;
mod service;
mod thinking;
mod tools;
mod turns;

pub use answer::Shape;
pub use client_fields::has_client_fields;
pub use inference::{Inference, LEAST_LEFT};
pub use keys::ClientKeys;
pub use marks::{Marks, marks};
pub use names::Names;
pub use not_sent::NotSent;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use client_fields::LONG_CONTEXT_BETA;

use crate::catalog::{Abilities, Family, LONG_WINDOW, Model, Terms};
use crate::config::Defaults;
use crate::conversation::{
    Part, Request, Service, Tool, ToolChoice, Turn, estimated_bytes, json_len,
};

/// A request as one target takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The system prompt: texts and cache marks.
    pub system: Vec<Part>,
    /// Turns that alternate and begin with the user.
    pub turns: Vec<Turn>,
    /// Tools under names that Bedrock takes; empty means no `toolConfig` at all.
    pub tools: Vec<Tool>,
    /// `None`: not sent, which Bedrock takes for `auto`.
    pub tool_choice: Option<ToolChoice>,
    /// Length, randomness and stop sequences.
    pub inference: Inference,
    /// `additionalModelRequestFields`.
    pub model_fields: Map<String, Value>,
    /// How the answer gets the form that the client wants.
    pub shape: Shape,
    /// Guardrail, latency and tier.
    pub service: Service,
    /// Tags for Bedrock's invocation log.
    pub tags: BTreeMap<String, String>,
    /// What the client asked for that is in none of these.
    pub not_sent: NotSent,
    /// `additionalModelResponseFieldPaths`: what the model says beside Converse's own fields.
    pub response_fields: &'static [&'static str],
    /// The tools' names as the client knows them, for the way back.
    pub names: Names,
    /// `false`: Converse instead of ConverseStream, for models that cannot stream tool use.
    pub streaming: bool,
}

impl Plan {
    /// On what terms it is sent.
    pub fn terms(&self) -> Terms {
        Terms {
            tier: self.service.tier.clone(),
            latency: self.service.latency.clone(),
        }
    }

    /// Whether it asks for arguments of tool calls as they are written.
    pub fn asks_for_eager_tool_input(&self) -> bool {
        let betas = self.model_fields.get(service::BETAS);
        let mut betas = betas.and_then(Value::as_array).into_iter().flatten();
        betas.any(|beta| beta == service::EAGER_TOOL_INPUT)
    }

    /// The length of the prompt that is sent, in tokens; judged as [`Request::estimated_prompt_tokens`] does, fields
    /// for the model included: tools may stand in them.
    pub fn estimated_prompt_tokens(&self) -> u64 {
        let prompt = estimated_bytes(&self.system, &self.turns, &self.tools);
        let fields = self.model_fields.iter();
        let fields: usize = fields
            .map(|(name, value)| name.len() + json_len(value))
            .sum();
        ((prompt + fields) / 4) as u64
    }
}

/// What a target turned out to lack although the catalog says otherwise: learned from its refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnsupportedFeatures {
    /// The thinking that the request replays was refused. Inside a tool loop that ends thinking until the user
    /// speaks again; outside of one the model can think anew.
    pub thinking_blocks: bool,
    /// Thinking itself was refused.
    pub thinking: bool,
    /// Cache points were refused.
    pub caching: bool,
    /// Tools were refused while streaming.
    pub tools_while_streaming: bool,
    /// An assistant turn at the end was refused.
    pub prefill: bool,
    /// `temperature` was refused.
    pub temperature: bool,
    /// `top_p` was refused.
    pub top_p: bool,
    /// `top_k` was refused.
    pub top_k: bool,
    /// Stop sequences were refused.
    pub stop_sequences: bool,
    /// A forced call of any tool was refused.
    pub required_tool_choice: bool,
    /// A forced call of one tool was refused.
    pub named_tool_choice: bool,
    /// A schema for the answer was refused.
    pub json_schema: bool,
    /// Tools with `strict` were refused.
    pub strict_tools: bool,
    /// A beta of Claude's was refused, or what it switches on.
    pub betas: bool,
    /// The beta was refused with which arguments of tool calls come as they are written.
    pub eager_tool_input: bool,
    /// A longer answer than this was refused.
    pub max_tokens: Option<u32>,
}

impl UnsupportedFeatures {
    /// Whether the target refused a choice of this kind.
    fn refuses(self, choice: &ToolChoice) -> bool {
        match choice {
            ToolChoice::Required => self.required_tool_choice,
            ToolChoice::Named(_) => self.named_tool_choice,
            ToolChoice::Auto | ToolChoice::None => false,
        }
    }
}

/// The model as its refusals show it.
fn as_it_is(model: &Model, without: UnsupportedFeatures) -> Cow<'_, Model> {
    let mut model = Cow::Borrowed(model);
    for (refused, ability) in [
        (
            without.stop_sequences,
            (|able| &mut able.stop_sequences) as Ability,
        ),
        // An answer by schema is a forced call of one tool where the model has no schemas.
        (without.named_tool_choice, |able| {
            &mut able.forced_tool_choice
        }),
        (without.json_schema, |able| &mut able.json_schema),
        (without.strict_tools, |able| &mut able.strict_tools),
        (without.prefill, |able| &mut able.prefill),
    ] {
        if refused {
            *ability(&mut model.to_mut().abilities) = false;
        }
    }
    if let Some(longest) = without.max_tokens {
        let output = &mut model.to_mut().limits.output;
        *output = Some(output.map_or(longest, |known| known.min(longest)));
    }
    model
}

/// One of the model's abilities.
type Ability = fn(&mut Abilities) -> &mut bool;

/// Where Claude says how many tokens it thought, and which stop sequence it met.
const THINKING_TOKENS: &str = "/usage/output_tokens_details";
const STOP_SEQUENCE: &str = "/stop_sequence";

/// Plans `request` for `model`: what it does not say comes from the deployment's `defaults`, and what the target is
/// known to be `without` is left out.
pub fn plan(
    request: &Request,
    model: &Model,
    defaults: &Defaults,
    without: UnsupportedFeatures,
) -> Plan {
    let mut model_here = as_it_is(model, without);
    let long_context = model.abilities.long_context_beta
        && !without.betas
        && client_fields::wants_long_context(request, defaults);
    if long_context {
        model_here.to_mut().limits.input = Some(LONG_WINDOW);
    }
    let (given, model) = (model, &*model_here);
    let tools_offered = !request.tools.is_empty()
        && request.tool_choice != ToolChoice::None
        && model.abilities.tools;
    let mut names = Names::of(request);
    if tools_offered && model.family == Family::Claude {
        names = names.with_keys(&request.tools);
    }
    let grammar = turns::Grammar {
        tools: tools_offered,
        vision: model.abilities.vision,
        tool_result_images: model.abilities.tool_result_images,
        tool_result_documents: model.abilities.tool_result_documents,
        text_beside_results: model.abilities.text_beside_results,
        documents_beside_results: model.abilities.documents_beside_results,
        documents: model.abilities.documents,
        signs_in_ids: model.family != Family::Claude,
        thinking_blocks: thinking::replays_blocks(model)
            && !without.thinking_blocks
            && !without.thinking,
        prefill: model.abilities.prefill,
    };
    let marked = cache::inject(
        &defaults.caching,
        &request.turns,
        !request.system.is_empty(),
    );
    let mut turns = turns::normalise(&marked, grammar, &names);
    // The answer's schema and the strict tools are compiled together. The answer goes first: its form is asked for.
    let mut room = schema::SchemaRoom::of(model.family);
    let native = answer::native(request, model, &mut names, &mut room);
    let mut tools = if tools_offered {
        tools::offered(&request.tools, &names, model, &mut room)
    } else {
        Vec::new()
    };

    let sampling = inference::with_defaults(&request.sampling, defaults);
    let sampling = inference::without(sampling, without);
    let wish = request
        .thinking
        .or(defaults.thinking)
        .filter(|_| !without.thinking)
        .filter(|_| !(without.thinking_blocks && thinking::in_tool_loop(&turns)));
    let ceiling = inference::ceiling(model, inference::prompt_estimate(request));
    let thought = thinking::plan(wish, sampling.max_tokens, ceiling, model, &turns);
    let inference = inference::plan(&sampling, model, &thought, ceiling);
    let answer = answer::plan(request, model, &thought, tools_offered, native, &mut names);
    let tool_choice = tools::choice(request, given, &thought, &names)
        .filter(|choice| tools_offered && !without.refuses(choice))
        .or(answer.choice);
    tools.extend(answer.tool);
    let mut system = turns::normalise_system(&request.system);
    system.extend(answer.instruction);
    if !model.abilities.system {
        turns::prepend_system(&mut turns, &mut system);
    }

    let caching = model.abilities.caching.filter(|_| !without.caching);
    cache::place(
        caching,
        &defaults.caching,
        &mut tools,
        &mut system,
        &mut turns,
    );

    let mut model_fields =
        service::model_fields(&request.model_fields, defaults, model.family, without.betas);
    // Who asks by the beta itself has sent it.
    if long_context && request.long_context {
        service::ask_for_beta(LONG_CONTEXT_BETA, &mut model_fields);
    }
    if tools_offered && model.abilities.parallel_tool_use_config {
        tools::parallel_calls(
            request.parallel_tool_calls,
            tool_choice.as_ref(),
            &mut model_fields,
        );
    }
    thinking::betas(&thought, &mut model_fields);
    if !tools.is_empty() {
        tools::eager_input(request, model, without.eager_tool_input, &mut model_fields);
    }
    inference::model_fields(&sampling, model, &thought, &mut model_fields);
    model_fields.extend(thought.fields);
    thinking::effort(request.effort, model, without.betas, &mut model_fields);

    let streaming = tools.is_empty()
        || (model.abilities.tools_while_streaming && !without.tools_while_streaming);
    let is_claude = model.family == Family::Claude;
    let response_fields: &[&str] = match (thought.on, inference.stop.is_empty()) {
        _ if !is_claude => &[],
        (false, true) => &[],
        (true, true) => &[THINKING_TOKENS],
        (false, false) => &[STOP_SEQUENCE],
        (true, false) => &[THINKING_TOKENS, STOP_SEQUENCE],
    };
    let tags = service::tags(&request.service, defaults);
    let mut plan = Plan {
        system,
        turns,
        tools,
        tool_choice,
        inference,
        model_fields,
        shape: answer.shape,
        service: service::plan(&request.service, defaults, streaming),
        tags: tags.sent,
        not_sent: NotSent {
            tags: tags.dropped,
            settings: Vec::new(),
        },
        response_fields,
        names,
        streaming,
    };
    plan.not_sent.settings = not_sent::settings(request, &plan);
    plan
}
