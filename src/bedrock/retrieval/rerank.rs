//! The form in which documents are put in order.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/rerank-supported.html>

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::catalog::Rerank;
use crate::retrieval::{Ranked, RerankRequest};

#[derive(Serialize)]
struct CohereRerankBody<'a> {
    query: &'a str,
    documents: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    top_n: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_version: Option<u8>,
}

/// What is sent. More documents than there are cannot be wanted.
pub(super) fn body(rerank: Rerank, request: &RerankRequest) -> Result<Vec<u8>, serde_json::Error> {
    let most = request.documents.len();
    serde_json::to_vec(&CohereRerankBody {
        query: &request.query,
        documents: &request.documents,
        top_n: request.top_n.map(|wanted| wanted.min(most)),
        api_version: match rerank {
            Rerank::Cohere => Some(2),
            Rerank::Amazon => None,
        },
    })
}

#[derive(Deserialize)]
struct RerankAnswer<'a> {
    #[serde(borrow)]
    results: Vec<Scored<'a>>,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Scored<'a> {
    index: usize,
    #[serde(borrow)]
    relevance_score: &'a RawValue,
}

#[derive(Deserialize)]
struct Meta {
    billed_units: Option<BilledSearchUnits>,
}

#[derive(Deserialize)]
struct BilledSearchUnits {
    search_units: Option<u64>,
}

/// The documents that are wanted, the best first, and the searches where the answer says them.
pub(super) fn read(
    body: &[u8],
    request: &RerankRequest,
) -> Result<(Vec<Ranked>, Option<u64>), String> {
    let answer: RerankAnswer<'_> =
        serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let known = request.documents.len();
    let mut scored = Vec::with_capacity(answer.results.len());
    for Scored {
        index,
        relevance_score,
    } in answer.results
    {
        let score: f64 =
            serde_json::from_str(relevance_score.get()).map_err(|error| error.to_string())?;
        if index >= known {
            return Err(format!("document {index} of {known}"));
        }
        let ranked = Ranked {
            index,
            score: relevance_score.to_owned(),
        };
        scored.push((score, ranked));
    }
    scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let wanted = request.top_n.unwrap_or(usize::MAX);
    let ranking = scored.into_iter().take(wanted).map(|(_, ranked)| ranked);
    let units = answer.meta.and_then(|meta| meta.billed_units);
    Ok((
        ranking.collect(),
        units.and_then(|units| units.search_units),
    ))
}
