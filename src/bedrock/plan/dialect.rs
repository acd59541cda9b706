//! In which language a target is asked. By the client's wire and the deployment, never by the turn: a session that
//! changes the language loses its cache, and thinking that is bound to what stands before it.

use crate::catalog::{Dialect, Model};
use crate::config::{Defaults, DialectRule};
use crate::conversation::{DocumentFormat, Part, Request};

use super::UnsupportedFeatures;

/// Claude's own language for requests in it, and Converse for all else, where the deployment does not say otherwise.
pub(super) fn choose(
    request: &Request,
    model: &Model,
    defaults: &Defaults,
    unsupported: UnsupportedFeatures,
) -> Dialect {
    let wish = match defaults.dialect_rule(model) {
        DialectRule::NotClaude | DialectRule::Guardrail => Dialect::Converse,
        DialectRule::Pinned(dialect) => dialect,
        DialectRule::ByWire if request.native.is_some() => Dialect::Messages,
        DialectRule::ByWire => Dialect::Converse,
    };
    let is_refused = unsupported.messages_dialect
        || request.service.guardrail.is_some()
        || has_office_file(request);
    if is_refused { Dialect::Converse } else { wish }
}

/// Whether a document is of a kind that Converse alone reads. It stays in its conversation.
fn has_office_file(request: &Request) -> bool {
    fn is_office_file(part: &Part) -> bool {
        match part {
            Part::Document(document) => matches!(
                document.format,
                DocumentFormat::Doc
                    | DocumentFormat::Docx
                    | DocumentFormat::Xls
                    | DocumentFormat::Xlsx
            ),
            Part::ToolResult(result) => result.content.iter().any(is_office_file),
            Part::Native(block) => block.part.as_ref().is_some_and(is_office_file),
            _ => false,
        }
    }
    let mut parts = request.turns.iter().flat_map(|turn| &turn.parts);
    parts.any(is_office_file)
}
