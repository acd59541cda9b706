//! What a fallback lacks that the model before it has: what is left out of a request on its way there.

use super::super::numbers::tokens;
use super::super::texts::texts;
use crate::catalog::{Model, ThinkingSupport};

/// What `next` lacks of what `first` has, in words; empty where nothing is.
pub(super) fn lacks(first: &Model, next: &Model) -> Vec<String> {
    let t = &texts().ability;
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
    let mut lacks: Vec<String> = missing.map(|((_, name), _)| name.to_owned()).collect();
    for (first, next, what) in [
        (first.limits.input, next.limits.input, t.window),
        (first.limits.output, next.limits.output, t.answer),
    ] {
        if let (Some(first), Some(next)) = (first, next)
            && next < first
        {
            let (next, first) = (tokens(next.into()), tokens(first.into()));
            lacks.push(format!("{what} ({next} / {first})"));
        }
    }
    lacks
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
        let words = lacks(&sonnet, &nova);
        assert!(words.contains(&"thinking".to_owned()), "{words:?}");
        assert!(
            words.iter().any(|word| word.starts_with("longest answer")),
            "{words:?}"
        );
        assert!(lacks(&sonnet, &sonnet).is_empty());
    }
}
