//! The wire, both ways, by table.

use http::HeaderMap;
use serde_json::Value;

use crate::conversation::Request;

use crate::wire::{ApiError, RequestOptions, WireRequest};

use super::ChatRequest;

mod error;
mod properties;
mod reply;
mod request;
mod stream;
mod thinking;

fn read(body: &str) -> Result<(Request, RequestOptions), ApiError> {
    Box::new(ChatRequest::parse(body.as_bytes())?).into_conversation(&HeaderMap::new())
}

fn request(body: &Value) -> Request {
    match read(&body.to_string()) {
        Ok((request, _)) => request,
        Err(error) => panic!("{body}: {error:?}"),
    }
}
