//! Tasks that run beside a request.

use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// A task as the runtime gets it. It compiles its own code once for every type of task and again for each of its two
/// schedulers; boxed, they all have one.
pub(crate) fn boxed(task: impl Future<Output = ()> + Send + 'static) -> BoxFuture<'static, ()> {
    task.boxed()
}
