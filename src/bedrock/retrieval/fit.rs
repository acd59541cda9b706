//! Whether a model can answer a request at all: what it is known to refuse is refused before anything is called, held or
//! billed, with the place in the request that is wrong.

use crate::catalog::{Embedding, Model, Retrieval};
use crate::retrieval::{EmbedRequest, RerankRequest, RetrievalRequest};

/// The most documents that one call puts in order
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Rerank.html>).
const MOST_DOCUMENTS: usize = 1_000;

/// A request that a model is known to refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The field that is wrong.
    pub param: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Whether `model`, which the client calls `name`, is known to refuse this. Names what of the request it is not told.
pub fn check(
    request: &RetrievalRequest,
    model: &Model,
    name: &str,
) -> Result<Vec<&'static str>, Unfit> {
    match (&model.retrieval, request) {
        (Some(Retrieval::Embedding(embedding)), RetrievalRequest::Embed(request)) => {
            dimensions(embedding, request, name)?;
            lengths(embedding, request, name)?;
            Ok(not_told(embedding, request))
        }
        (Some(Retrieval::Rerank(_)), RetrievalRequest::Rerank(request)) => {
            documents(request).map(|()| Vec::new())
        }
        _ => Err(wrong_kind(request, model, name)),
    }
}

fn wrong_kind(request: &RetrievalRequest, model: &Model, name: &str) -> Unfit {
    let (wanted, route) = (request.kind(), model.kind.route());
    let what = match route {
        Some(route) if model.is_served() => {
            format!("its mode is {}. Ask it with POST {route}", model.kind)
        }
        _ if model.kind == wanted => {
            "the catalog does not say how it is asked (model_info.base_model can name the model behind an id)"
                .to_owned()
        }
        _ => format!("its mode is {}, which is not served here", model.kind),
    };
    Unfit {
        param: "model".to_owned(),
        message: format!("The model '{name}' is no {wanted} model: {what}."),
    }
}

/// A vector of another length than was asked for would be of no use, so this is refused whatever is said of parameters that
/// are to be dropped. Clients look for "dimensions" and "not support" and ask again without.
fn dimensions(embedding: &Embedding, request: &EmbedRequest, name: &str) -> Result<(), Unfit> {
    let Some(wanted) = request.dimensions else {
        return Ok(());
    };
    if embedding.dimensions.contains(&wanted) {
        return Ok(());
    }
    let lengths: Vec<String> = embedding.dimensions.iter().map(u32::to_string).collect();
    let lengths = match lengths.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    };
    Err(Unfit {
        param: "dimensions".to_owned(),
        message: format!(
            "The model '{name}' does not support dimensions={wanted}: its vectors have {lengths}."
        ),
    })
}

fn lengths(embedding: &Embedding, request: &EmbedRequest, name: &str) -> Result<(), Unfit> {
    let Some(longest) = embedding.longest_text else {
        return Ok(());
    };
    // Characters are fewer than bytes.
    let long = request.texts.iter().enumerate();
    for (at, text) in long.filter(|(_, text)| text.len() > longest) {
        let characters = text.chars().count();
        if characters > longest {
            let param = format!("input[{at}]");
            return Err(Unfit {
                message: format!(
                    "'{param}' has {characters} characters, and the model '{name}' takes {longest} at most."
                ),
                param,
            });
        }
    }
    Ok(())
}

fn documents(request: &RerankRequest) -> Result<(), Unfit> {
    let found = request.documents.len();
    if found <= MOST_DOCUMENTS {
        return Ok(());
    }
    Err(Unfit {
        param: "documents".to_owned(),
        message: format!("'documents' has {found} entries, and may have {MOST_DOCUMENTS} at most."),
    })
}

/// What the model takes no word of, and makes its vectors without.
fn not_told(embedding: &Embedding, request: &EmbedRequest) -> Vec<&'static str> {
    let purpose = request.purpose.is_some() && !embedding.body.has_purposes();
    let truncation = request.truncation.is_some() && !embedding.body.can_truncate();
    [(purpose, "input_type"), (truncation, "truncate")]
        .into_iter()
        .filter_map(|(left_out, name)| left_out.then_some(name))
        .collect()
}
