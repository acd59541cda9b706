//! The end of an invocation, and what it means for a request.

use std::time::{Duration, SystemTime};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::Context;
use tokio::time::Instant;

use super::TIME_FOR_RECORDS;
use crate::Deadline;

/// Tells the gateway when a request must be over.
pub(super) async fn tell(mut request: Request, next: Next) -> Response {
    let end = request.extensions().get().and_then(end);
    if let Some(end) = end.and_then(|end| end.checked_sub(TIME_FOR_RECORDS)) {
        request.extensions_mut().insert(Deadline(end));
    }
    next.run(request).await
}

/// When the invocation is killed. `None` where it is not killed: `cargo lambda watch` names a constant of the year 1970.
pub(super) fn end(context: &Context) -> Option<Instant> {
    let left: Duration = context.deadline().duration_since(SystemTime::now()).ok()?;
    Some(Instant::now() + left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(deadline: u64) -> Context {
        let mut context = Context::default();
        context.deadline = deadline;
        context
    }

    #[tokio::test]
    async fn what_is_left_of_the_invocation_is_left() {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let in_a_minute = now.unwrap().as_millis() as u64 + 60_000;
        let left = end(&context(in_a_minute)).unwrap() - Instant::now();
        assert!(left > Duration::from_secs(58) && left <= Duration::from_secs(60));
    }

    #[tokio::test]
    async fn an_end_in_the_past_is_none() {
        assert_eq!(end(&context(600_000)), None);
    }
}
