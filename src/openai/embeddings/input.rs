//! `input`: a text, texts, a text as tokens, or texts as tokens.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::json::FIXED_FORM;
use crate::retrieval::{NotAToken, text_of_tokens};
use crate::wire::ApiError;
use crate::wire::limits::items_of;

/// The most texts of one request, as OpenAI has it.
const MOST_TEXTS: usize = 2_048;
/// The most items of a list: a text as tokens has many. All values of a body are counted apart from this.
const MOST_ITEMS: usize = 500_000;

/// `input` as it came.
#[derive(Debug)]
pub(super) enum EmbeddingsInput {
    Text(String),
    List(Vec<EmbeddingsItem>),
}

/// One item of the list.
#[derive(Debug)]
pub(super) enum EmbeddingsItem {
    Text(String),
    Token(u32),
    Tokens(Vec<u32>),
}

impl EmbeddingsInput {
    /// The texts. The error names the item that is wrong.
    pub(super) fn into_texts(self) -> Result<Vec<String>, ApiError> {
        let items = match self {
            Self::Text(text) => return filled(text, || "input".to_owned()).map(|text| vec![text]),
            Self::List(items) => items,
        };
        let first = items
            .first()
            .ok_or_else(|| ApiError::bad_request("'input' must not be an empty list.", "input"))?;
        if matches!(first, EmbeddingsItem::Token(_)) {
            // One text, whatever its length.
            let text = text_of(&tokens(items)?, "input")?;
            return filled(text, || "input".to_owned()).map(|text| vec![text]);
        }
        let found = items.len();
        if found > MOST_TEXTS {
            let message =
                format!("'input' has {found} entries, and may have {MOST_TEXTS} at most.");
            return Err(ApiError::bad_request(message, "input"));
        }
        let texts = items.into_iter().enumerate().map(|(at, item)| {
            let param = || format!("input[{at}]");
            let text = match item {
                EmbeddingsItem::Text(text) => text,
                EmbeddingsItem::Tokens(tokens) => text_of(&tokens, &param())?,
                EmbeddingsItem::Token(_) => return Err(mixed(&param())),
            };
            filled(text, param)
        });
        texts.collect()
    }
}

/// The tokens of a flat list.
fn tokens(items: Vec<EmbeddingsItem>) -> Result<Vec<u32>, ApiError> {
    let tokens = items.into_iter().enumerate().map(|(at, item)| match item {
        EmbeddingsItem::Token(token) => Ok(token),
        EmbeddingsItem::Text(_) | EmbeddingsItem::Tokens(_) => Err(mixed(&format!("input[{at}]"))),
    });
    tokens.collect()
}

fn mixed(param: &str) -> ApiError {
    let message = format!(
        "'{param}' is of another form than the items before it: 'input' is a string, a list of strings, a list of tokens, \
         or a list of lists of tokens."
    );
    ApiError::bad_request(message, param)
}

/// What tokens stand for.
fn text_of(tokens: &[u32], param: &str) -> Result<String, ApiError> {
    text_of_tokens(tokens).map_err(|NotAToken(token)| {
        let message = format!(
            "'{param}' has {token}, which is no token of cl100k_base. Send strings instead of tokens (in LangChain, \
             check_embedding_ctx_length=False)."
        );
        ApiError::bad_request(message, param)
    })
}

fn filled(text: String, param: impl FnOnce() -> String) -> Result<String, ApiError> {
    if text.is_empty() {
        let param = param();
        let message = format!("'{param}' must not be empty.");
        return Err(ApiError::bad_request(message, param));
    }
    Ok(text)
}

impl<'de> Deserialize<'de> for EmbeddingsInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InputVisitor;
        impl<'de> Visitor<'de> for InputVisitor {
            type Value = EmbeddingsInput;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(
                    "a string, a list of strings, a list of tokens or a list of lists of tokens",
                )
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<EmbeddingsInput, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_str<E>(self, text: &str) -> Result<EmbeddingsInput, E> {
                Ok(EmbeddingsInput::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<EmbeddingsInput, E> {
                Ok(EmbeddingsInput::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<EmbeddingsInput, A::Error> {
                items_of(list, "items", MOST_ITEMS).map(EmbeddingsInput::List)
            }
        }
        deserializer.deserialize_newtype_struct(FIXED_FORM, InputVisitor)
    }
}

impl<'de> Deserialize<'de> for EmbeddingsItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor;
        impl<'de> Visitor<'de> for ItemVisitor {
            type Value = EmbeddingsItem;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a string, a token or a list of tokens")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<EmbeddingsItem, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_str<E>(self, text: &str) -> Result<EmbeddingsItem, E> {
                Ok(EmbeddingsItem::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<EmbeddingsItem, E> {
                Ok(EmbeddingsItem::Text(text))
            }

            /// A larger number is no token either.
            fn visit_u64<E>(self, token: u64) -> Result<EmbeddingsItem, E> {
                Ok(EmbeddingsItem::Token(
                    u32::try_from(token).unwrap_or(u32::MAX),
                ))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<EmbeddingsItem, A::Error> {
                items_of(list, "tokens", MOST_ITEMS).map(EmbeddingsItem::Tokens)
            }
        }
        deserializer.deserialize_newtype_struct(FIXED_FORM, ItemVisitor)
    }
}
