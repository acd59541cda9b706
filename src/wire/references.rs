//! What a request names of earlier answers instead of bringing it, and what is stored of its own.

use std::collections::HashMap;

use serde_json::value::RawValue;

/// What a request names of earlier answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// The client's word on the storing of its own response; `None`: it says nothing.
    pub store: Option<bool>,
    /// The key of the response that it goes on from, where its id is one of the gateway's.
    pub previous: Option<String>,
    /// The items that it refers to, where their ids are the gateway's.
    pub items: Vec<ItemReference>,
}

/// An item of an earlier answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemReference {
    /// The item's id.
    pub id: String,
    /// The key of the response that it is of.
    pub response: String,
    /// The request means nothing without it.
    pub is_needed: bool,
}

/// What was found of what a request refers to.
#[derive(Debug, Default)]
pub struct FoundReferences {
    /// All items of the responses that it goes on from, in order; `None`: these are not stored.
    pub history: Option<Vec<Box<RawValue>>>,
    /// Items by their ids.
    pub items: HashMap<String, Box<RawValue>>,
}

/// An answer as it is stored, as JSON.
#[derive(Debug)]
pub struct AnswerToStore {
    /// Its items, with its thinking under the owner's seal.
    pub items: Vec<Box<RawValue>>,
    /// The reply as its client gets it, without its items.
    pub reply: Box<RawValue>,
}
