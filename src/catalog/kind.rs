//! What a model is for, as far as its id tells.

use std::fmt;

use super::Catalog;

/// What a model is for. Converse serves chat models alone; those for vectors and for the order of documents are called by
/// InvokeModel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModelKind {
    /// Text from text, and whatever else a conversation holds.
    Chat,
    /// Vectors.
    Embedding,
    /// Pictures.
    Image,
    /// Videos, made or understood.
    Video,
    /// The order of documents.
    Rerank,
    /// Speech, both ways, on a stream of its own.
    Speech,
    /// The id does not tell.
    #[default]
    Unknown,
}

/// Parts of ids, and the kind of the models that have them in their names. What stands first decides: some embedding
/// models are named after pictures.
const KINDS_BY_PART: [(&str, ModelKind); 11] = [
    ("embed", ModelKind::Embedding),
    ("rerank", ModelKind::Rerank),
    ("stability.", ModelKind::Image),
    ("titan-image", ModelKind::Image),
    ("nova-canvas", ModelKind::Image),
    ("stable-diffusion", ModelKind::Image),
    ("stable-image", ModelKind::Image),
    ("nova-reel", ModelKind::Video),
    ("luma.", ModelKind::Video),
    ("twelvelabs.pegasus", ModelKind::Video),
    ("-sonic", ModelKind::Speech),
];

impl ModelKind {
    /// The kind that an id's vendor and name tell, whether the catalog knows the id or not.
    pub(super) fn of(id: &str) -> Self {
        let mut parts = KINDS_BY_PART.iter();
        let found = parts.find(|(part, _)| id.contains(part));
        found.map_or(Self::Unknown, |(_, kind)| *kind)
    }

    /// Whether Converse serves no model of this kind.
    pub fn is_no_chat(self) -> bool {
        !matches!(self, Self::Chat | Self::Unknown)
    }

    /// The route by which models of this kind are asked, where they are.
    pub fn route(self) -> Option<&'static str> {
        match self {
            Self::Chat | Self::Unknown => Some("/v1/chat/completions"),
            Self::Embedding => Some("/v1/embeddings"),
            Self::Rerank => Some("/v1/rerank"),
            Self::Image | Self::Video | Self::Speech => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
            Self::Image => "image",
            Self::Video => "video",
            Self::Rerank => "rerank",
            Self::Speech => "speech",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Catalog<'_> {
    /// What the model with this id or ARN is for. Entries say it; of other ids the family does.
    pub fn kind(&self, model_id: &str) -> ModelKind {
        self.resolve(model_id, None, None).kind
    }
}
