//! How long a prompt is, as the first model of a group counts it.

use std::time::Duration;

use tokio::time::timeout;

use crate::bedrock::plan::{Plan, UnsupportedFeatures, plan};
use crate::catalog::ModelId;
use crate::conversation::Request;

use super::AllowedRegions;
use super::routes::Routes;
use super::target::Target;

/// Agents ask this many times in a row and want an answer soon; an estimate will do.
const LONGEST_COUNT: Duration = Duration::from_secs(5);

/// The tokens of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptTokens {
    /// Bedrock counted.
    Exact(u64),
    /// Bedrock has no count for the model or gave none in time: four bytes to a token.
    Estimate(u64),
}

/// Counts the prompt of `request` for the first target of `group` in these regions. Only Claude has a count on Bedrock;
/// counting is free.
pub async fn count_tokens(
    routes: &Routes,
    group: &str,
    regions: &AllowedRegions,
    request: &Request,
) -> PromptTokens {
    let estimate = PromptTokens::Estimate(request.estimated_prompt_tokens().max(1));
    let targets = routes.targets(group);
    let Some(target) = targets.iter().find(|target| regions.allow(target)) else {
        return estimate;
    };
    let plan = plan(
        request,
        target.model(),
        target.defaults(),
        UnsupportedFeatures::default(),
    );
    match timeout(LONGEST_COUNT, count_plan(target, &plan)).await {
        Ok(Some(tokens)) => PromptTokens::Exact(tokens),
        Ok(None) => estimate,
        Err(_) => {
            let model = target.model_id();
            tracing::info!(model, limit = ?LONGEST_COUNT, "tokens were not counted in time");
            estimate
        }
    }
}

/// How many tokens Bedrock counts for the prompt of `plan`; `None`: it has no count for the model. Fields for the model
/// are not counted.
pub async fn count_plan(target: &Target, plan: &Plan) -> Option<u64> {
    let model = ModelId::parse(target.model_id()).base_claude()?;
    match target.endpoint().count_tokens(model, plan).await {
        Ok(tokens) => Some(tokens),
        Err(failure) => {
            let class = failure.class.as_str();
            let fault = failure.loggable;
            tracing::info!(model, class, fault, "tokens were not counted");
            None
        }
    }
}
