//! What a fallback lacks that the model before it has: what is left out of a request on its way there.

use super::super::numbers::tokens;
use super::super::texts::{Texts, filled, texts};
use crate::catalog::{Model, ThinkingSupport};

/// What a request loses on its way to a fallback.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Lacks {
    /// Abilities that the fallback does not have.
    pub(super) left_out: Vec<&'static str>,
    /// Limits that are lower there.
    pub(super) smaller: Vec<String>,
}

/// What `next` lacks of what `first` has, in words.
pub(super) fn lacks(first: &Model, next: &Model) -> Lacks {
    let Texts {
        ability: t,
        models,
        settings,
        ..
    } = texts();
    let has = |model: &Model| {
        let can = &model.abilities;
        [
            (can.tools, t.tools),
            (can.caching.is_some(), t.caching),
            (can.thinking != ThinkingSupport::None, t.thinking),
            (can.vision, t.vision),
            (can.documents, t.documents),
            (can.json_schema, t.json_schema),
        ]
    };
    let both = has(first).into_iter().zip(has(next));
    let missing = both.filter(|((first, _), (next, _))| *first && !next);
    let limits = [
        (models.context, first.limits.input, next.limits.input),
        (models.answer, first.limits.output, next.limits.output),
    ];
    let smaller = limits.into_iter().filter_map(|(what, first, next)| {
        let (first, next) = (first?, next?);
        let words = [what, &tokens(next.into()), &tokens(first.into())];
        (next < first).then(|| filled(settings.instead_of, words))
    });
    Lacks {
        left_out: missing.map(|((_, name), _)| name).collect(),
        smaller: smaller.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn a_smaller_model_lacks_what_the_larger_one_has() {
        let catalog = Catalog::bundled();
        let model = |id| catalog.resolve(id, None, None);
        let sonnet = model("us.anthropic.claude-sonnet-4-5-20250929-v1:0");
        let nova = model("us.amazon.nova-pro-v1:0");
        let found = lacks(&sonnet, &nova);
        assert!(found.left_out.contains(&"thinking"), "{found:?}");
        assert_eq!(found.smaller, ["Max output 10k instead of 64k"]);
        assert_eq!(lacks(&sonnet, &sonnet), Lacks::default());
    }
}
