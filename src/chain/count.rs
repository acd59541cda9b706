//! How long a prompt is, as the first model of a group counts it.

use std::time::Duration;

use tokio::time::timeout;

use crate::bedrock::plan::{Without, plan};
use crate::catalog::ModelId;
use crate::conversation::Request;

use super::routes::Routes;

/// Agents ask this many times in a row and want an answer soon; an estimate will do.
const LIMIT: Duration = Duration::from_secs(5);

/// The tokens of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Bedrock counted.
    Exact(u64),
    /// Bedrock has no count for the model or gave none in time: four bytes to a token.
    Estimate(u64),
}

/// Counts the prompt of `request` for the first target of `group`. Only Claude has a count on Bedrock; counting is free.
pub async fn count_tokens(routes: &Routes, group: &str, request: &Request) -> Count {
    let estimate = Count::Estimate(request.estimated_prompt_tokens().max(1));
    let targets = routes.targets(group);
    let Some(target) = targets.first() else {
        return estimate;
    };
    let Some(model) = ModelId::parse(target.model_id()).base_claude() else {
        return estimate;
    };
    let plan = plan(
        request,
        target.model(),
        target.defaults(),
        Without::default(),
    );
    let counted = target.endpoint().count_tokens(model, &plan);
    match timeout(LIMIT, counted).await {
        Ok(Ok(tokens)) => Count::Exact(tokens),
        Ok(Err(failure)) => {
            let class = failure.class.as_str();
            let fault = failure.fault;
            tracing::info!(model, class, fault, "tokens were estimated");
            estimate
        }
        Err(_) => {
            tracing::info!(model, limit = ?LIMIT, "tokens were not counted in time");
            estimate
        }
    }
}
