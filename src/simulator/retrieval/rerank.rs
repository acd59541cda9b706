//! The order of documents: by the words that they have in common with the query.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::ErrorReply;
use super::super::json::{at, list};
use super::RetrievalAnswer;
use super::form::{keys, malformed, text};
use crate::catalog::Rerank;

const MOST_DOCUMENTS: usize = 1_000;

pub(super) fn answer(rerank: Rerank, body: &Value) -> Result<RetrievalAnswer, ErrorReply> {
    match rerank {
        Rerank::Cohere => keys(
            body,
            "#",
            &["query", "documents", "api_version"],
            &["top_n", "max_tokens_per_doc"],
        )?,
        Rerank::Amazon => keys(body, "#", &["query", "documents"], &["top_n"])?,
    }
    let query = words(text(at(body, "/query"), "#/query", None)?);
    let documents = list(at(body, "/documents"));
    if documents.is_empty() || documents.len() > MOST_DOCUMENTS {
        let found = documents.len();
        return malformed(
            "#/documents",
            &format!("expected 1 to {MOST_DOCUMENTS} items, found: {found}"),
        );
    }
    let mut scores = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        let document = words(text(document, &format!("#/documents/{index}"), None)?);
        let common = query.intersection(&document).count() as f64;
        let share = common / query.len().max(1) as f64;
        // Documents that say as little come in their order.
        scores.push((share * 0.9 + 0.05 / (index as f64 + 1.0), index));
    }
    scores.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let most = at(body, "/top_n").as_u64();
    let most = most.and_then(|most| usize::try_from(most).ok());
    let results = scores.into_iter().take(most.unwrap_or(MOST_DOCUMENTS));
    let results = results.map(|(score, index)| json!({"index": index, "relevance_score": score}));
    Ok(RetrievalAnswer {
        body: json!({"results": results.collect::<Vec<_>>()}),
        tokens: None,
    })
}

fn words(text: &str) -> HashSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}
