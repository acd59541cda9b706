//! What putting documents in order is billed by.
//!
//! A search is a query with up to 100 documents. A document that has more than 512 tokens together with the query counts
//! once for each part of that length (<https://aws.amazon.com/bedrock/pricing/>).

use super::{RerankRequest, estimated_tokens};

/// Documents of one search.
const DOCUMENTS: u64 = 100;
/// Tokens of the query and a part of a document.
const PART: u64 = 512;
/// So much of a part is the document's, however long the query is.
const LEAST_OF_PART: u64 = 100;

/// The searches of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchUnits {
    /// How many.
    pub units: u64,
    /// Some documents may count more than once, so their tokens had to be judged.
    pub estimated: bool,
}

/// The searches that a request is billed for, as far as that can be judged without a model's tokens.
pub fn search_units(request: &RerankRequest) -> SearchUnits {
    SearchUnits {
        units: units(request, estimated_tokens),
        // A token has one byte at least.
        estimated: units(request, bytes) != request.documents.len().max(1).div_ceil(100) as u64,
    }
}

/// The most searches that a request can be billed for.
pub fn most_search_units(request: &RerankRequest) -> u64 {
    units(request, bytes)
}

fn bytes(text: &str) -> u64 {
    text.len() as u64
}

fn units(request: &RerankRequest, tokens: fn(&str) -> u64) -> u64 {
    let room = PART
        .saturating_sub(tokens(&request.query))
        .max(LEAST_OF_PART);
    let documents = request.documents.iter();
    let parts: u64 = documents
        .map(|document| tokens(document).div_ceil(room).max(1))
        .sum();
    parts.div_ceil(DOCUMENTS).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_a_hundred_documents_or_parts_of_long_ones() {
        // documents, the length of each in bytes, the query's → searches, most, estimated
        let rows = [
            (1, 10, 10, (1, 1, false)),
            (100, 400, 100, (1, 1, false)),
            (101, 400, 100, (2, 2, false)),
            (1_000, 10, 10, (10, 10, false)),
            // By its bytes it may have 1,000 tokens, and so three parts beside the query; it has 250 by its length.
            (1, 1_000, 100, (1, 1, false)),
            (60, 1_000, 100, (1, 2, true)),
            // 1,000 tokens beside the query's 25: three parts of 487; by bytes ten parts of 412.
            (50, 4_000, 100, (2, 5, true)),
            // A query that fills a part leaves a hundred tokens.
            (10, 4_000, 9_000, (1, 4, true)),
        ];
        for (documents, length, query, (units, most, estimated)) in rows {
            let request = RerankRequest {
                query: "q".repeat(query),
                documents: vec!["d".repeat(length); documents],
                top_n: None,
            };
            let found = search_units(&request);
            let what = format!("{documents} of {length}, {query}");
            assert_eq!(found, SearchUnits { units, estimated }, "{what}");
            assert_eq!(most_search_units(&request), most, "{what}");
        }
    }
}
