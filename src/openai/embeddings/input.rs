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
pub(super) enum Input {
    Text(String),
    List(Vec<Item>),
}

/// One item of the list.
#[derive(Debug)]
pub(super) enum Item {
    Text(String),
    Token(u32),
    Tokens(Vec<u32>),
}

impl Input {
    /// The texts. The error names the item that is wrong.
    pub(super) fn into_texts(self) -> Result<Vec<String>, ApiError> {
        let items = match self {
            Self::Text(text) => return filled(text, || "input".to_owned()).map(|text| vec![text]),
            Self::List(items) => items,
        };
        let first = items
            .first()
            .ok_or_else(|| ApiError::bad_request("'input' must not be an empty list.", "input"))?;
        if matches!(first, Item::Token(_)) {
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
                Item::Text(text) => text,
                Item::Tokens(tokens) => text_of(&tokens, &param())?,
                Item::Token(_) => return Err(mixed(&param())),
            };
            filled(text, param)
        });
        texts.collect()
    }
}

/// The tokens of a flat list.
fn tokens(items: Vec<Item>) -> Result<Vec<u32>, ApiError> {
    let tokens = items.into_iter().enumerate().map(|(at, item)| match item {
        Item::Token(token) => Ok(token),
        Item::Text(_) | Item::Tokens(_) => Err(mixed(&format!("input[{at}]"))),
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

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InputVisitor;
        impl<'de> Visitor<'de> for InputVisitor {
            type Value = Input;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(
                    "a string, a list of strings, a list of tokens or a list of lists of tokens",
                )
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Input, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_str<E>(self, text: &str) -> Result<Input, E> {
                Ok(Input::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Input, E> {
                Ok(Input::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Input, A::Error> {
                items_of(list, "items", MOST_ITEMS).map(Input::List)
            }
        }
        deserializer.deserialize_newtype_struct(FIXED_FORM, InputVisitor)
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor;
        impl<'de> Visitor<'de> for ItemVisitor {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a string, a token or a list of tokens")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Item, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_str<E>(self, text: &str) -> Result<Item, E> {
                Ok(Item::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Item, E> {
                Ok(Item::Text(text))
            }

            /// A larger number is no token either.
            fn visit_u64<E>(self, token: u64) -> Result<Item, E> {
                Ok(Item::Token(u32::try_from(token).unwrap_or(u32::MAX)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Item, A::Error> {
                items_of(list, "tokens", MOST_ITEMS).map(Item::Tokens)
            }
        }
        deserializer.deserialize_newtype_struct(FIXED_FORM, ItemVisitor)
    }
}
