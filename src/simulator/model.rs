//! The model behind an id, as the simulated Bedrock knows it.

use super::{ErrorReply, service::SimulatorService};
use crate::catalog::{
    Abilities, Caching, Family, Lifecycle, Limits, Model, ModelKind, ThinkingSupport,
};

impl SimulatorService {
    /// The model behind an id. A scripted id need not exist: tests may call their targets what they like.
    pub(super) fn model(&self, id: &str, by_script: bool) -> Result<Model, ErrorReply> {
        let found = (self.options.lookup)(id).filter(|model| model.known);
        match found {
            Some(model) if by_script || !self.is_retired(&model) => Ok(model),
            None if by_script || id.starts_with("arn:") => Ok(able(id)),
            _ => Err(ErrorReply::validation(
                "The provided model identifier is invalid.",
            )),
        }
    }

    fn is_retired(&self, model: &Model) -> bool {
        model.lifecycle.is_over(self.options.today)
    }
}

/// A model that can do everything, for ids that only a script knows and for ARNs, whose model cannot be seen.
pub(super) fn able(id: &str) -> Model {
    Model {
        id: id.to_owned(),
        family: Family::Other,
        limits: Limits::default(),
        price: None,
        abilities: Abilities {
            caching: Some(Caching {
                min_tokens: 1024,
                one_hour: true,
                tools: true,
            }),
            thinking: ThinkingSupport::BudgetOrAdaptive,
            vision: true,
            documents: true,
            tools: true,
            tool_choice: true,
            tools_while_streaming: true,
            system: true,
            sampling: true,
            prefill: true,
            json_schema: true,
            effort: true,
            effort_xhigh: true,
            effort_max: true,
            parallel_tool_use_config: true,
            eager_tool_input: true,
            forced_tool_choice: true,
            mid_conversation_system: true,
            strict_tools: true,
            tool_result_images: true,
            tool_result_documents: true,
            text_beside_results: true,
            documents_beside_results: true,
            thinking_off: true,
            stop_sequences: true,
            long_context_beta: true,
            thinking_binding: true,
            effort_none: true,
            encrypted_thinking: true,
            cached_in_input: false,
        },
        lifecycle: Lifecycle::default(),
        kind: ModelKind::Chat,
        retrieval: None,
        converse: true,
        known: false,
    }
}
