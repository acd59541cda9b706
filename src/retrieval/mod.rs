//! Requests for vectors of texts and for the order of documents, and their answers: plain types that no wire and no model
//! has in this form.

mod tokens;
mod units;

use serde_json::value::RawValue;

pub use tokens::{NotAToken, text_of_tokens};
pub use units::{SearchUnits, most_search_units, search_units};

use crate::catalog::ModelKind;

/// What is asked of a model for vectors or for the order of documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetrievalRequest {
    /// Vectors of texts.
    Embed(EmbedRequest),
    /// The order of documents.
    Rerank(RerankRequest),
}

/// Asks for a vector of each text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EmbedRequest {
    /// The texts. None is empty.
    pub texts: Vec<String>,
    /// How long the vectors are to be; `None`: as the model makes them.
    pub dimensions: Option<u32>,
    /// What the texts are for.
    pub purpose: Option<Purpose>,
    /// Where a text is cut that is too long; `None`: nowhere, it is refused.
    pub truncation: Option<Truncation>,
    /// How the vectors are written.
    pub encoding: Encoding,
}

/// Asks which documents say most to a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RerankRequest {
    /// The query.
    pub query: String,
    /// The documents. There is one at least.
    pub documents: Vec<String>,
    /// How many of them are wanted, the best ones; `None`: all.
    pub top_n: Option<usize>,
}

/// What texts are for. Models make other vectors of a question than of what may answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Purpose {
    SearchDocument,
    SearchQuery,
    Classification,
    Clustering,
}

/// Which end of a text is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Truncation {
    Start,
    End,
}

/// How vectors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// As a list of numbers.
    #[default]
    Float,
    /// As base64 of its numbers with 32 bits each, the lowest byte first.
    Base64,
}

/// A vector, as JSON that a reply takes as it is: numbers keep the digits that the model wrote.
pub type Vector = Box<RawValue>;

/// One document's place in the order.
#[derive(Debug, Clone)]
pub struct Ranked {
    /// Which of the request's documents.
    pub index: usize,
    /// How much it says to the query, from 0 to 1, as the model wrote it.
    pub score: Box<RawValue>,
}

/// An answer.
#[derive(Debug, Clone)]
pub enum Retrieved {
    /// A vector of each text, in the request's order.
    Vectors(Vec<Vector>),
    /// The documents, the best ones first.
    Ranking(Vec<Ranked>),
}

impl RetrievalRequest {
    /// The kind of models that are asked this.
    pub fn kind(&self) -> ModelKind {
        match self {
            Self::Embed(_) => ModelKind::Embedding,
            Self::Rerank(_) => ModelKind::Rerank,
        }
    }

    /// How many inputs it has: texts or documents.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Embed(request) => request.texts.len(),
            Self::Rerank(request) => request.documents.len(),
        }
    }

    /// The tokens of all inputs, judged as prompts are: four bytes to a token.
    pub fn estimated_tokens(&self) -> u64 {
        match self {
            Self::Embed(request) => request
                .texts
                .iter()
                .map(|text| estimated_tokens(text))
                .sum(),
            Self::Rerank(request) => {
                let documents = request.documents.iter().map(|text| estimated_tokens(text));
                estimated_tokens(&request.query) + documents.sum::<u64>()
            }
        }
    }
}

/// The tokens of a text, where nobody has counted them.
pub fn estimated_tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}
