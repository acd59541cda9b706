//! A group that a request names as its own fallback, and what that group is asked.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures_util::future::BoxFuture;

use crate::bedrock::{Class, Failure};
use crate::conversation::Request;

/// A group to fall back to, as a request names it.
#[derive(Debug, Clone)]
pub struct Fallback {
    /// The group.
    pub group: String,
    /// What this group is asked instead; `None`: the same.
    pub request: Option<FallbackRequest>,
}

/// Reads the request that a fallback is asked instead.
pub trait FallbackSource: fmt::Debug + Send + Sync {
    /// The request. The error says what is wrong with it.
    fn read(&self) -> BoxFuture<'_, Result<Request, String>>;
}

/// A fallback's own request, read when the fallback is asked: most requests never come to it, and each takes as much
/// memory as the request itself. Clones share what was read.
#[derive(Debug, Clone)]
pub struct FallbackRequest {
    source: Arc<dyn FallbackSource>,
    /// Kept only as long as a caller of [`Self::get`] holds it.
    read: Arc<Mutex<Weak<Request>>>,
}

impl FallbackRequest {
    /// A request that is read from `source`.
    pub fn new(source: Arc<dyn FallbackSource>) -> Self {
        Self {
            source,
            read: Arc::default(),
        }
    }

    /// The request. It is read anew once no caller holds the one that was read before.
    ///
    /// # Errors
    /// When it is no request that a model could answer. Another target may still be asked.
    pub async fn get(&self) -> Result<Arc<Request>, Failure> {
        if let Some(request) = self.known().upgrade() {
            return Ok(request);
        }
        let request = self.source.read().await.map_err(|message| Failure {
            status: Some(400),
            ..Failure::new(Class::Rejected, message)
        })?;
        let request = Arc::new(request);
        *self.known() = Arc::downgrade(&request);
        Ok(request)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Weak<Request>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
