//! Words that ask Claude for more or less, as clients write them on every wire.

use serde::Deserialize;

use crate::conversation::Effort;

use super::ApiError;

/// An effort; `None` means no thinking.
pub(crate) fn effort(word: &str, param: &str) -> Result<Option<Effort>, ApiError> {
    Ok(Some(match word {
        "none" | "disable" => return Ok(None),
        "minimal" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" => Effort::XHigh,
        "max" => Effort::Max,
        other => {
            let message = format!(
                "'{param}' is '{other}'; it must be one of 'none', 'minimal', 'low', 'medium', 'high', 'xhigh' and 'max'."
            );
            return Err(ApiError::bad_request(message, param));
        }
    }))
}

/// A list, or one value of it.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub(crate) enum Betas {
    One(String),
    Many(Vec<String>),
}

/// More betas than this are not looked at; Anthropic has had some thirty.
const MOST_BETAS: usize = 100;

impl Betas {
    /// The names, each for itself: one text may hold several, as the HTTP header `anthropic-beta` does.
    pub(crate) fn list(self) -> Vec<String> {
        match self {
            Self::Many(betas) => betas.into_iter().take(MOST_BETAS).collect(),
            Self::One(text) => text
                .split(',')
                .map(|beta| beta.trim().to_owned())
                .filter(|beta| !beta.is_empty())
                .take(MOST_BETAS)
                .collect(),
        }
    }
}
