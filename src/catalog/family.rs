//! The families of models.

/// Model families, by how their requests differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Family {
    Claude,
    Nova,
    Llama,
    Mistral,
    DeepSeek,
    GptOss,
    Qwen,
    #[default]
    Other,
}
