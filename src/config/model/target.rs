//! `litellm_params.model`: LiteLLM's prefixes around a Bedrock id.

use crate::catalog::ModelId;

/// A model as `litellm_params.model` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedModel {
    /// What Bedrock is asked for.
    pub id: String,
    /// The region in `bedrock/<region>/<id>`.
    pub region: Option<String>,
    /// Every way to write it that a request may use.
    pub names: Vec<String>,
}

impl NamedModel {
    /// Takes the prefixes off. `converse/` and `invoke/` mean the same here: Bedrock is always asked to converse.
    /// The error says what was expected.
    pub(super) fn parse(written: &str) -> Result<Self, String> {
        let mut names = vec![written.to_owned()];
        let mut region = None;
        let mut rest = written.strip_prefix("bedrock/").unwrap_or(written);
        while !rest.starts_with("arn:") {
            let Some((prefix, tail)) = rest.split_once('/') else {
                break;
            };
            match prefix {
                // `bedrock/` once more: a caller's own, behind a pattern.
                "converse" | "invoke" | "bedrock_converse" | "bedrock" => {}
                _ if is_region(prefix) => region = Some(prefix.to_owned()),
                // LiteLLM's hints about the model behind an ARN (`bedrock/llama/arn:…`).
                _ if tail.starts_with("arn:") => {}
                _ => {
                    return Err(format!(
                        "\"{prefix}/\" is not a route of this gateway, expected a model of Amazon Bedrock, \
                         as bedrock/<model id>"
                    ));
                }
            }
            rest = tail;
            names.push(rest.to_owned());
        }
        if rest.is_empty() {
            return Err("found no model id, expected bedrock/<model id>".to_owned());
        }
        for prefix in ["", "bedrock/", "converse/", "bedrock/converse/"] {
            names.push(format!("{prefix}{rest}"));
        }
        names.sort();
        names.dedup();
        Ok(Self {
            id: rest.to_owned(),
            region,
            names,
        })
    }

    /// The region that the name itself tells: an ARN's goes first.
    pub(super) fn own_region(&self) -> Option<&str> {
        ModelId::parse(&self.id).region.or(self.region.as_deref())
    }
}

/// `us-east-1`, `us-gov-west-1`, …
pub(super) fn is_region(text: &str) -> bool {
    let mut parts = text.split('-').rev();
    let number = parts
        .next()
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let words: Vec<_> = parts.collect();
    number
        && words.len() >= 2
        && words
            .iter()
            .all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_come_off() {
        let arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc";
        let rows = [
            (
                "bedrock/converse/us.amazon.nova-pro-v1:0",
                "us.amazon.nova-pro-v1:0",
                None,
            ),
            ("us.amazon.nova-pro-v1:0", "us.amazon.nova-pro-v1:0", None),
            (
                "converse/amazon.nova-pro-v1:0",
                "amazon.nova-pro-v1:0",
                None,
            ),
            (
                "bedrock/invoke/amazon.nova-pro-v1:0",
                "amazon.nova-pro-v1:0",
                None,
            ),
            (
                "bedrock/eu-west-1/amazon.nova-pro-v1:0",
                "amazon.nova-pro-v1:0",
                Some("eu-west-1"),
            ),
            (
                "bedrock/us-gov-west-1/amazon.nova-pro-v1:0",
                "amazon.nova-pro-v1:0",
                Some("us-gov-west-1"),
            ),
            (&format!("bedrock/converse/{arn}"), arn, Some("eu-west-1")),
            (&format!("bedrock/llama/{arn}"), arn, Some("eu-west-1")),
        ];
        for (written, id, region) in rows {
            let model = NamedModel::parse(written).unwrap();
            assert_eq!(model.id, id, "{written}");
            assert_eq!(model.own_region(), region, "{written}");
            assert!(model.names.iter().any(|name| name == written), "{written}");
        }
    }

    #[test]
    fn other_providers_are_refused() {
        for written in ["openai/gpt-4o", "bedrock/mantle/gpt", "bedrock/"] {
            assert!(NamedModel::parse(written).is_err(), "{written}");
        }
    }
}
