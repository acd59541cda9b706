//! What was answered so far, whichever target did.

use crate::bedrock::retrieval::RetrievalResult;
use crate::retrieval::{Ranked, RetrievalRequest, Retrieved, Vector};

/// The answers, each at its input's place.
#[derive(Debug)]
pub(super) enum Answers {
    Vectors(Vec<Option<Vector>>),
    /// All documents are put in order at once.
    Ranking {
        documents: usize,
        ranking: Option<Vec<Ranked>>,
    },
}

impl Answers {
    pub(super) fn new(request: &RetrievalRequest) -> Self {
        let inputs = request.inputs();
        match request {
            RetrievalRequest::Embed(_) => Self::Vectors(vec![None; inputs]),
            RetrievalRequest::Rerank(_) => Self::Ranking {
                documents: inputs,
                ranking: None,
            },
        }
    }

    /// The places of the inputs that are still to be sent.
    pub(super) fn missing(&self) -> Vec<usize> {
        match self {
            Self::Vectors(vectors) => {
                let vectors = vectors.iter().enumerate();
                vectors
                    .filter_map(|(at, vector)| vector.is_none().then_some(at))
                    .collect()
            }
            Self::Ranking {
                documents,
                ranking: None,
            } => (0..*documents).collect(),
            Self::Ranking { .. } => Vec::new(),
        }
    }

    /// Puts what was found to the inputs at these places.
    pub(super) fn put(&mut self, inputs: &[usize], found: RetrievalResult) {
        match (self, found) {
            (Self::Vectors(vectors), RetrievalResult::Vectors(found)) => {
                for (at, vector) in inputs.iter().zip(found) {
                    if let Some(place) = vectors.get_mut(*at) {
                        *place = Some(vector);
                    }
                }
            }
            (Self::Ranking { ranking, .. }, RetrievalResult::Ranking(found)) => {
                *ranking = Some(found)
            }
            // A plan finds what its request asks for.
            (Self::Vectors(_), RetrievalResult::Ranking(_))
            | (Self::Ranking { .. }, RetrievalResult::Vectors(_)) => {}
        }
    }

    /// The whole answer; `None` while something is missing.
    pub(super) fn finish(self) -> Option<Retrieved> {
        match self {
            Self::Vectors(vectors) => {
                let vectors: Option<Vec<_>> = vectors.into_iter().collect();
                vectors.map(Retrieved::Vectors)
            }
            Self::Ranking { ranking, .. } => ranking.map(Retrieved::Ranking),
        }
    }
}
