//! Models that make vectors of texts or put documents in order, and how they are asked.

use serde::Deserialize;

use super::kind::ModelKind;

/// What such a model does, and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retrieval {
    /// It makes vectors.
    Embedding(Embedding),
    /// It puts documents in order by what they say to a query.
    Rerank(Rerank),
}

/// How a model makes vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedding {
    /// The model's base id. Vectors of one model fit each other whatever profile or region made them; those of two
    /// models never do.
    pub space: String,
    /// In which form it is asked.
    pub body: EmbeddingBody,
    /// The lengths that its vectors can have; the first is the one it takes by itself.
    pub dimensions: Vec<u32>,
    /// The longest text in characters, where it refuses longer ones whatever their tokens are.
    pub longest_text: Option<usize>,
}

/// The forms in which models are asked for vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingBody {
    /// `inputText` and nothing else.
    TitanV1,
    /// `inputText` with `dimensions`.
    TitanV2,
    /// `inputText`, and the length in an `embeddingConfig`.
    TitanImage,
    /// `texts` with an `input_type`.
    CohereV3,
    /// `texts` with an `input_type` and an `output_dimension`.
    CohereV4,
    /// `singleEmbeddingParams`.
    Nova,
}

impl EmbeddingBody {
    /// How many texts one call takes
    /// (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v3.html>).
    pub fn texts_per_call(self) -> usize {
        match self {
            Self::CohereV3 | Self::CohereV4 => 96,
            Self::TitanV1 | Self::TitanV2 | Self::TitanImage | Self::Nova => 1,
        }
    }

    /// Whether it can be told what a text is for: to be found, or to find.
    pub fn has_purposes(self) -> bool {
        matches!(self, Self::CohereV3 | Self::CohereV4 | Self::Nova)
    }

    /// Whether it can be told to cut texts that are too long.
    pub fn can_truncate(self) -> bool {
        self.has_purposes()
    }
}

/// How a model puts documents in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rerank {
    /// With an `api_version`.
    Cohere,
    /// Without.
    Amazon,
}

/// [`Embedding`] as the catalog writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenEmbedding {
    body: EmbeddingBody,
    dimensions: Vec<u32>,
    longest_text: Option<usize>,
}

impl WrittenEmbedding {
    /// Of the model with this base id.
    pub(super) fn embedding(&self, base: &str) -> Embedding {
        Embedding {
            space: base.to_owned(),
            body: self.body,
            dimensions: self.dimensions.clone(),
            longest_text: self.longest_text,
        }
    }
}

impl Retrieval {
    /// What the model is for.
    pub fn kind(&self) -> ModelKind {
        match self {
            Self::Embedding(_) => ModelKind::Embedding,
            Self::Rerank(_) => ModelKind::Rerank,
        }
    }
}
