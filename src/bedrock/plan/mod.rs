//! What a request becomes for one target: a pure function of the request and of what the target can do.
//!
//! Planning happens anew for every target of a chain, so a fallback never fails because the next model cannot cache,
//! think or see. No I/O, no clock and no SDK type here: `converse/` and `messages/` write a [`Plan`] as the body of a
//! call.

mod answer;
mod cache;
pub(super) mod call_ids;
mod calls;
mod client_fields;
mod dialect;
mod documents;
mod dropped_for_target;
mod inference;
mod keys;
mod marks;
mod names;
mod native;
mod results;
mod schema;
mod service;
mod thinking;
mod tools;
mod turns;

pub use answer::Shape;
pub use client_fields::has_client_fields;
pub use dropped_for_target::DroppedForTarget;
pub use inference::{Inference, LEAST_LEFT};
pub use keys::ClientKeys;
pub use marks::{Marks, marks};
pub use names::ToolNames;
pub use thinking::{bound_thinking, encrypted_thinking};

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use client_fields::LONG_CONTEXT_BETA;

use crate::catalog::{Abilities, Dialect, Family, LONG_WINDOW, Model, ServiceTerms};
use crate::config::Defaults;
use crate::conversation::{
    CacheTtl, Part, Request, Service, Tool, ToolChoice, Turn, estimated_bytes, json_len,
};

/// A request as one target takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The language of the request and of its answer.
    pub dialect: Dialect,
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
    /// `additionalModelRequestFields`, which are fields of the body in Claude's own format.
    pub model_fields: Map<String, Value>,
    /// How the answer gets the form that the client wants.
    pub shape: Shape,
    /// Guardrail, latency and tier.
    pub service: Service,
    /// Tags for Bedrock's invocation log.
    pub tags: BTreeMap<String, String>,
    /// What the client asked for that is in none of these.
    pub dropped: DroppedForTarget,
    /// `additionalModelResponseFieldPaths`: what the model says beside Converse's own fields.
    pub response_fields: &'static [&'static str],
    /// The tools' names as the client knows them, for the way back.
    pub names: ToolNames,
    /// `false`: Converse instead of ConverseStream, for models that cannot stream tool use.
    pub streaming: bool,
    /// The answer's usage counts cached tokens as input too.
    pub cached_in_input: bool,
}

impl Plan {
    /// On what terms it is sent.
    pub fn terms(&self) -> ServiceTerms {
        ServiceTerms {
            tier: self.service.tier.clone(),
            latency: self.service.latency.clone(),
        }
    }

    /// How long what it stores in the prompt cache stays there; `None`: it stores nothing.
    pub fn cache_life(&self) -> Option<Duration> {
        let in_turns = self.turns.iter().flat_map(|turn| &turn.parts);
        let parts = self.system.iter().chain(in_turns);
        let of_parts = parts.filter_map(|part| match part {
            Part::CacheMark(life) => Some(*life),
            _ => None,
        });
        let of_tools = self.tools.iter().filter_map(|tool| tool.cache);
        let of_request = self.model_fields.get("cache_control").map(|mark| {
            let is_long = mark.get("ttl").is_some_and(|ttl| ttl == "1h");
            if is_long {
                CacheTtl::OneHour
            } else {
                CacheTtl::FiveMinutes
            }
        });
        let longest = of_parts.chain(of_tools).chain(of_request).max()?;
        Some(Duration::from_secs(match longest {
            CacheTtl::FiveMinutes => 300,
            CacheTtl::OneHour => 3_600,
        }))
    }

    /// Whether it asks for arguments of tool calls as they are written.
    pub fn asks_for_eager_tool_input(&self) -> bool {
        let betas = self.model_fields.get(service::BETAS);
        let mut betas = betas.and_then(Value::as_array).into_iter().flatten();
        betas.any(|beta| beta == service::EAGER_TOOL_INPUT)
    }

    /// Whether it tells the model what to do with thinking that is bound to another beginning.
    pub fn controls_binding(&self) -> bool {
        let thinking = self.model_fields.get("thinking");
        thinking.is_some_and(|thinking| thinking.get(thinking::BINDING).is_some())
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
    /// Some of it was refused, for it is bound to another beginning than the conversation has now. A model that can is
    /// told to leave it out by itself, and goes on thinking.
    pub bound_thinking: bool,
    /// Thinking itself was refused.
    pub thinking: bool,
    /// How many blocks of encrypted thinking at the conversation's beginning were refused. The model does without, and
    /// thinks anew.
    pub encrypted_thinking: usize,
    /// The effort `none` was refused.
    pub effort_none: bool,
    /// Its usage has shown that cached tokens are not counted as input.
    pub cached_in_input: bool,
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
    /// It may not be asked in Claude's own format.
    pub messages_dialect: bool,
    /// Something was refused that only Claude's own format has.
    pub native_extras: bool,
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
fn without_unsupported(model: &Model, unsupported: UnsupportedFeatures) -> Cow<'_, Model> {
    let mut model = Cow::Borrowed(model);
    for (refused, ability) in [
        (
            unsupported.stop_sequences,
            (|able| &mut able.stop_sequences) as AbilityField,
        ),
        // An answer by schema is a forced call of one tool where the model has no schemas.
        (unsupported.named_tool_choice, |able| {
            &mut able.forced_tool_choice
        }),
        (unsupported.json_schema, |able| &mut able.json_schema),
        (unsupported.strict_tools, |able| &mut able.strict_tools),
        (unsupported.prefill, |able| &mut able.prefill),
        (unsupported.effort_none, |able| &mut able.effort_none),
        (unsupported.cached_in_input, |able| {
            &mut able.cached_in_input
        }),
    ] {
        if refused {
            *ability(&mut model.to_mut().abilities) = false;
        }
    }
    if let Some(longest) = unsupported.max_tokens {
        let output = &mut model.to_mut().limits.output;
        *output = Some(output.map_or(longest, |known| known.min(longest)));
    }
    model
}

/// One of the model's abilities.
type AbilityField = fn(&mut Abilities) -> &mut bool;

/// Where Claude says how many tokens it thought, and which stop sequence it met.
const THINKING_TOKENS: &str = "/usage/output_tokens_details";
const STOP_SEQUENCE: &str = "/stop_sequence";

/// Plans `request` for `model`: what it does not say comes from the deployment's `defaults`, and what is known
/// to be `unsupported` by the target is left out.
pub fn plan(
    request: &Request,
    model: &Model,
    defaults: &Defaults,
    unsupported: UnsupportedFeatures,
) -> Plan {
    let mut effective_model = without_unsupported(model, unsupported);
    let long_context = model.abilities.long_context_beta
        && !unsupported.betas
        && client_fields::wants_long_context(request, defaults);
    if long_context {
        effective_model.to_mut().limits.input = Some(LONG_WINDOW);
    }
    let (catalog_model, model) = (model, &*effective_model);
    let dialect = dialect::choose(request, model, defaults, unsupported);
    let is_native = dialect == Dialect::Messages;
    let has_extras = is_native && !unsupported.native_extras;
    let offer = if has_extras {
        native::OfferedTools::all(&request.tools)
    } else {
        native::sorted_tools(&request.tools, model.family)
    };
    // Claude's own format keeps tools that may not be called: they stand in front of the cached prompt.
    let may_call = is_native || request.tool_choice != ToolChoice::None;
    let tools_offered = !offer.tools.is_empty() && may_call && model.abilities.tools;
    let mut names = ToolNames::of(request);
    if tools_offered && model.family == Family::Claude {
        names = names.with_keys(&request.tools);
    }
    let wish = request.thinking.or(defaults.thinking);
    let binding = thinking::Binding::of(wish, model, unsupported);
    let grammar = turns::Grammar {
        tools: tools_offered,
        vision: model.abilities.vision,
        tool_result_images: model.abilities.tool_result_images || is_native,
        tool_result_documents: model.abilities.tool_result_documents || is_native,
        text_beside_results: model.abilities.text_beside_results || is_native,
        documents_beside_results: model.abilities.documents_beside_results || is_native,
        documents: model.abilities.documents,
        signs_in_ids: model.family != Family::Claude,
        thinking_blocks: thinking::replays_blocks(model)
            && !binding.leaves_blocks_out
            && !unsupported.thinking,
        encrypted_thinking_after: (model.abilities.encrypted_thinking)
            .then_some(unsupported.encrypted_thinking),
        prefill: model.abilities.prefill,
        native: is_native,
        extras: has_extras,
        system_turns: is_native && model.abilities.mid_conversation_system,
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
        tools::offered(&offer.tools, &names, model, has_extras, &mut room)
    } else {
        Vec::new()
    };

    let sampling = inference::with_defaults(&request.sampling, defaults);
    let sampling = inference::without_unsupported(sampling, unsupported);
    let wish = wish
        .filter(|_| !unsupported.thinking)
        .filter(|_| !(binding.leaves_blocks_out && thinking::in_tool_loop(&turns)));
    let ceiling = inference::ceiling(model, inference::prompt_estimate(request));
    let mut thinking_plan = thinking::plan(wish, sampling.max_tokens, ceiling, model, &turns);
    binding.control(&mut thinking_plan);
    let inference = inference::plan(&sampling, model, &thinking_plan, ceiling);
    let answer = answer::plan(
        request,
        model,
        &thinking_plan,
        tools_offered,
        native,
        &mut names,
    );
    let tool_choice = tools::choice(request, catalog_model, &thinking_plan, &names)
        .filter(|choice| tools_offered && !unsupported.refuses(choice))
        .filter(|choice| is_native || tools::can_be_forced(choice, &tools))
        .or(answer.choice);
    tools.extend(answer.tool);
    let mut system = turns::normalise_system(&request.system, has_extras);
    system.extend(answer.instruction);
    if !model.abilities.system {
        turns::prepend_system(&mut turns, &mut system);
    }

    let caching = model.abilities.caching.filter(|_| !unsupported.caching);
    cache::place(
        caching,
        dialect,
        &defaults.caching,
        &mut tools,
        &mut system,
        &mut turns,
    );

    let mut model_fields = service::model_fields(
        &request.model_fields,
        defaults,
        model.family,
        unsupported.betas,
    );
    if tools_offered && !offer.defined.is_empty() {
        if !unsupported.betas {
            native::ask_for_definitions(&request.tools, &mut model_fields);
        }
        native::add_definitions(offer.defined, &mut model_fields);
    }
    // A client that asks by the beta itself has sent it.
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
    thinking::betas(&thinking_plan, &mut model_fields);
    if binding.is_controlled {
        service::ask_for_beta(thinking::BINDING_BETA, &mut model_fields);
    }
    if !tools.is_empty() {
        tools::eager_input(
            request,
            model,
            unsupported.eager_tool_input,
            &mut model_fields,
        );
    }
    inference::model_fields(&sampling, model, &thinking_plan, &mut model_fields);
    model_fields.extend(thinking_plan.fields);
    thinking::effort(request.effort, model, unsupported.betas, &mut model_fields);
    if is_native {
        if let Some(native) = request.native.as_deref().filter(|_| has_extras) {
            let thinking = model.abilities.thinking;
            native::merge(native, thinking, thinking_plan.on, &mut model_fields);
        }
        let configured = &defaults.model_fields;
        native::betas(
            request,
            &turns,
            model.abilities.thinking,
            configured,
            !unsupported.betas,
            &mut model_fields,
        );
    }

    let streaming = is_native
        || tools.is_empty()
        || (model.abilities.tools_while_streaming && !unsupported.tools_while_streaming);
    let is_claude = model.family == Family::Claude;
    let response_fields: &[&str] = match (thinking_plan.on, inference.stop.is_empty()) {
        _ if !is_claude || is_native => &[],
        (false, true) => &[],
        (true, true) => &[THINKING_TOKENS],
        (false, false) => &[STOP_SEQUENCE],
        (true, false) => &[THINKING_TOKENS, STOP_SEQUENCE],
    };
    let tags = service::tags(&request.service, defaults);
    let mut plan = Plan {
        dialect,
        system,
        turns,
        tools,
        tool_choice,
        inference,
        model_fields,
        shape: answer.shape,
        service: service::plan(&request.service, defaults, streaming),
        tags: tags.sent,
        dropped: DroppedForTarget {
            tags: tags.dropped,
            settings: Vec::new(),
        },
        response_fields,
        names,
        streaming,
        cached_in_input: streaming && model.abilities.cached_in_input,
    };
    plan.dropped.settings = dropped_for_target::settings(request, &plan);
    let edits = dropped_for_target::edits(request, &plan);
    plan.dropped.settings.extend(edits);
    plan.dropped.settings.extend(offer.dropped);
    let native = request.native.as_deref().filter(|_| has_extras);
    let untold = native.map(|native| native::untold(native, model.abilities.thinking));
    plan.dropped.settings.extend(untold.into_iter().flatten());
    if !has_extras {
        let lost = native::lost_elsewhere(request);
        plan.dropped.settings.extend(lost);
    }
    plan
}
