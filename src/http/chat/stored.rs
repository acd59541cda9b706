//! Stored responses on both ends of a request: what it refers to is found before it is read, and its own response is
//! stored before its end goes out.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::app::AppState;
use crate::config::StoreResponses;
use crate::http::body::most_bytes;
use crate::keys::Caller;
use crate::response_store::{
    FoundResponse, Lineage, ResponseStore, StoredChain, StoredResponse, StoredTurn,
};
use crate::responses::{input_items, since_compaction};
use crate::spend::RequestId;
use crate::wire::{
    AnswerToStore, ApiError, FoundReferences, ItemReference, Labels, References, WireRequest,
};

/// A request may refer to items of so many responses.
const MOST_RESPONSES: usize = 1_000;

/// What a request of a wire that stores says of storing, and what was found of what it refers to.
#[derive(Debug)]
pub(super) struct Recalled {
    store: Option<bool>,
    /// The keys of the responses that it goes on from, the oldest first.
    before: Vec<String>,
    /// Some of their items are summed up by a later one, and left out of the history.
    is_shortened: bool,
    found: FoundReferences,
}

/// Finds what the request refers to, and puts it there. `None` for a wire that stores nothing.
pub(super) async fn recall(
    app: &AppState,
    caller: &Caller,
    body: &mut dyn WireRequest,
    length: usize,
) -> Result<Option<Recalled>, ApiError> {
    let Some(references) = body.references() else {
        return Ok(None);
    };
    let mut recalled = Recalled {
        store: references.store,
        before: Vec::new(),
        is_shortened: false,
        found: FoundReferences::default(),
    };
    let nothing = references.previous.is_none() && references.items.is_empty();
    if nothing || of_caller(app, caller) == StoreResponses::Off {
        return Ok(Some(recalled));
    }
    // The whole conversation may be as long as one that comes in a body.
    let most = most_bytes(app).saturating_sub(length);
    let References {
        previous, items, ..
    } = references;
    if let Some(previous) = previous
        && let Some(chain) = history(app, caller, &previous, most).await?
    {
        let before = chain.items.len();
        let items = since_compaction(chain.items);
        recalled.is_shortened = items.len() < before;
        recalled.before = chain.keys;
        recalled.found.history = Some(items);
    }
    recalled.found.items = find_items(app, caller, items, most).await?;
    body.put_found(&recalled.found)?;
    Ok(Some(recalled))
}

/// The response of this key with all before it; `None`: they are not stored.
async fn history(
    app: &AppState,
    caller: &Caller,
    previous: &str,
    most: usize,
) -> Result<Option<StoredChain>, ApiError> {
    match app
        .responses
        .chain(&caller.key_hash, previous, most)
        .await?
    {
        FoundResponse::Whole(chain) => Ok(chain),
        FoundResponse::TooLong(bytes) => Err(too_long("previous_response_id", bytes, most)),
    }
}

/// The items that are stored, by their ids.
async fn find_items(
    app: &AppState,
    caller: &Caller,
    wanted: Vec<ItemReference>,
    most: usize,
) -> Result<HashMap<String, Box<RawValue>>, ApiError> {
    let responses: BTreeSet<String> = wanted.iter().map(|item| item.response.clone()).collect();
    if responses.len() > MOST_RESPONSES {
        let message = format!(
            "'input' refers to items of {} responses, and the limit is {MOST_RESPONSES}: send the items themselves.",
            responses.len()
        );
        return Err(ApiError::bad_request(message, "input"));
    }
    let read = app.responses.read(&caller.key_hash, responses, most).await;
    let found = match read {
        Ok(FoundResponse::Whole(found)) => found,
        Ok(FoundResponse::TooLong(bytes)) => return Err(too_long("input", bytes, most)),
        Err(error) if wanted.iter().any(|item| item.is_needed) => return Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "thinking that a request refers to was not found in the table");
            return Ok(HashMap::new());
        }
    };
    let outputs = found.into_values().flat_map(|response| response.output);
    let by_id = outputs.filter_map(|item| Some((id_of(&item)?, item)));
    let wanted: BTreeSet<String> = wanted.into_iter().map(|item| item.id).collect();
    Ok(by_id.filter(|(id, _)| wanted.contains(id)).collect())
}

fn id_of(item: &RawValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Id {
        id: String,
    }
    serde_json::from_str::<Id>(item.get())
        .ok()
        .map(|item| item.id)
}

fn too_long(param: &str, bytes: usize, most: usize) -> ApiError {
    let message = format!(
        "'{param}' refers to {bytes} bytes of stored items or more, and there is room for {most} beside the request: \
         begin a new conversation, or have this one compacted (POST /v1/responses/compact)."
    );
    ApiError::bad_request(message, param)
}

/// What is stored of a caller's responses: its key's own word, else none where its prompts and replies are not to be
/// stored, else as configured.
fn of_caller(app: &AppState, caller: &Caller) -> StoreResponses {
    let key = caller.virtual_key.as_ref();
    match key.and_then(|key| key.settings.store_responses) {
        Some(of_key) => of_key,
        None if caller.store_prompts == Some(false) => StoreResponses::Off,
        None => app.config.general.store_responses,
    }
}

/// What is to be stored of a request's response.
#[derive(Debug)]
pub(super) struct ToStore {
    retention: Duration,
    /// What is stored beside the items of its answer, where whole responses are.
    turn: Option<TurnToStore>,
}

#[derive(Debug)]
struct TurnToStore {
    lineage: Lineage,
    /// Bytes of the history.
    bytes_before: usize,
    /// The items that the request refers to, by their ids.
    found: HashMap<String, Box<RawValue>>,
}

impl Recalled {
    /// What is to be stored: never against the client's word, else as its key or the configuration says.
    pub(super) fn storing(
        self,
        app: &AppState,
        caller: &Caller,
        labels: &Labels,
    ) -> Option<ToStore> {
        if self.store == Some(false) || labels.store_prompts == Some(false) {
            return None;
        }
        let wanted = of_caller(app, caller);
        let retention = wanted.retention()?;
        let turn = matches!(wanted, StoreResponses::Whole(_)).then(|| {
            let history = self.found.history.unwrap_or_default();
            let now = Timestamp::now();
            let is_shortened = self.is_shortened;
            TurnToStore {
                lineage: Lineage::after(self.before, &history, is_shortened, retention, now),
                bytes_before: history.iter().map(|item| item.get().len()).sum(),
                found: self.found.items,
            }
        });
        Some(ToStore { retention, turn })
    }
}

/// Stores the response to one request.
#[derive(Debug)]
pub(super) struct ResponseKeeper {
    store: ResponseStore,
    owner: String,
    id: RequestId,
    to_store: ToStore,
    /// Empty where only items are stored.
    body: Bytes,
}

impl ResponseKeeper {
    pub(super) fn new(
        app: &AppState,
        caller: &Caller,
        id: RequestId,
        to_store: ToStore,
        body: &Bytes,
    ) -> Self {
        Self {
            store: app.responses.clone(),
            owner: caller.key_hash.clone(),
            id,
            body: to_store
                .turn
                .as_ref()
                .map(|_| body.clone())
                .unwrap_or_default(),
            to_store,
        }
    }

    /// Stores the answer. Returns whether later requests can refer to it, as far as that is known.
    pub(super) async fn keep(self, answer: AnswerToStore) -> bool {
        let ToStore { retention, turn } = self.to_store;
        if turn.is_none() && answer.items.is_empty() {
            return false;
        }
        let until = self.id.time().checked_add(retention);
        let body = self.body;
        let response = move || {
            let turn = turn
                .map(|turn| turn.of_answer(&body, &answer))
                .transpose()?;
            Ok(StoredResponse {
                output: answer.items,
                turn,
            })
        };
        let until = until.unwrap_or(Timestamp::MAX);
        let key = self.id.with_prefix("");
        self.store.keep(&self.owner, &key, until, response).await
    }
}

impl TurnToStore {
    fn of_answer(
        self,
        body: &[u8],
        answer: &AnswerToStore,
    ) -> Result<StoredTurn, serde_json::Error> {
        let input = input_items(body, &self.found)?;
        let items = input.iter().chain(&answer.items);
        Ok(StoredTurn {
            bytes: self.bytes_before + items.map(|item| item.get().len()).sum::<usize>(),
            response: answer.reply.clone(),
            lineage: self.lineage,
            input,
        })
    }
}
