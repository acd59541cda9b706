//! The items of a body: what they refer to, what is sealed in them, the pictures that stand elsewhere, and what the last of
//! them may ask for.

use serde_json::Value;

use super::super::compaction;
use super::super::content::WireItem;
use super::super::ids::response_key;
use super::super::input::ResponsesInput;
use super::super::stored_items;
use super::ResponsesRequest;
use crate::wire::{ApiError, Compaction, FoundReferences, Loose, References, RemoteImage};

/// What stands in errors for the items that are stored of the conversation before.
const PREVIOUS: &str = "previous_response_id";

impl ResponsesRequest {
    /// The items of the conversation before, and those of the input, each with its place there.
    pub(super) fn items(&mut self) -> impl Iterator<Item = (Option<usize>, &mut WireItem)> {
        let before = self.history.iter_mut().flatten();
        before
            .map(|item| (None, item))
            .chain(given_mut(&mut self.input))
    }

    /// What it names of earlier answers.
    pub(super) fn named(&self) -> References {
        let previous = self.previous_response_id.as_ref().and_then(Value::as_str);
        References {
            store: self.store.as_given().copied(),
            previous: previous.and_then(response_key).map(str::to_owned),
            items: given(&self.input).filter_map(WireItem::reference).collect(),
        }
    }

    /// Puts what was found of [`Self::named`] in its place.
    pub(super) fn put_items(&mut self, found: &FoundReferences) -> Result<(), ApiError> {
        if let Some(history) = &found.history {
            let history = history.iter().map(|item| &**item);
            self.history = Some(stored_items::read(history, PREVIOUS)?);
        }
        let places =
            given_mut(&mut self.input).filter_map(|(_, item)| Some((item.found(found)?, item)));
        let (stored, places): (Vec<_>, Vec<_>) = places.unzip();
        let items = stored_items::read(stored.into_iter(), "input")?;
        for (place, item) in places.into_iter().zip(items) {
            *place = item;
        }
        Ok(())
    }

    /// The pictures that stand elsewhere.
    pub(super) fn pictures(&mut self) -> Vec<RemoteImage> {
        let mut images = Vec::new();
        for (at, item) in self.items() {
            for (field, content) in item.contents() {
                for (part, picture) in content.remote() {
                    images.push(RemoteImage {
                        param: match at {
                            Some(at) => format!("input[{at}].{field}[{part}].image_url"),
                            None => PREVIOUS.to_owned(),
                        },
                        url: picture.address().unwrap_or_default().to_owned(),
                    });
                }
            }
        }
        images
    }

    pub(super) fn has_sealed_items(&self) -> bool {
        let mut items = self.history.iter().flatten().chain(given(&self.input));
        items.any(WireItem::is_sealed)
    }

    /// The compaction that it asks for. What asks for it is taken out of the request.
    pub(super) fn take_compaction(&mut self) -> Option<Compaction> {
        if !self.may_compact {
            return None;
        }
        if let ResponsesInput::Items(items) = &mut self.input
            && let Some(Loose::Given(last)) = items.last()
            && last.asks_for_compaction()
        {
            items.pop();
            return Some(Compaction::Instead(Vec::new()));
        }
        let threshold = compaction::threshold(self.context_management.as_ref()?)?;
        self.context_management = None;
        Some(Compaction::Above(threshold))
    }
}

fn given(input: &ResponsesInput) -> impl Iterator<Item = &WireItem> {
    let items = match input {
        ResponsesInput::Items(items) => items.as_slice(),
        ResponsesInput::Missing | ResponsesInput::Text(_) => &[],
    };
    items.iter().filter_map(Loose::as_given)
}

fn given_mut(input: &mut ResponsesInput) -> impl Iterator<Item = (Option<usize>, &mut WireItem)> {
    let items = match input {
        ResponsesInput::Items(items) => items.as_mut_slice(),
        ResponsesInput::Missing | ResponsesInput::Text(_) => &mut [],
    };
    let items = items.iter_mut().enumerate();
    items.filter_map(|(at, item)| Some((Some(at), item.as_given_mut()?)))
}
