//! What a Bedrock model id says by itself: its parts, its family, the region in an ARN.

use super::family::Family;

/// The parts of a model id as a request names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelId<'a> {
    /// The id without an ARN around it; `None` for ARNs that do not tell which model is behind them
    /// (application inference profiles, provisioned throughput, imported and custom models).
    pub plain: Option<&'a str>,
    /// The region of the ARN, if it is one and names a region.
    pub region: Option<&'a str>,
}

impl<'a> ModelId<'a> {
    /// Reads an id or an ARN (`arn:aws:bedrock:<region>:<account>:<kind>/<id>`).
    pub fn parse(id: &'a str) -> Self {
        let Some(arn) = id.strip_prefix("arn:") else {
            return Self {
                plain: Some(id),
                region: None,
            };
        };
        // partition, service, region, account; the resource itself may hold further colons.
        let mut fields = arn.splitn(5, ':');
        let region = fields.nth(2).filter(|region| !region.is_empty());
        let resource = fields.nth(1).unwrap_or_default();
        let plain = match resource.split_once('/') {
            Some(("inference-profile" | "foundation-model", id)) => Some(id),
            _ => None,
        };
        Self { plain, region }
    }

    /// The id of the Claude itself, without an inference profile's geographic prefix.
    pub fn base_claude(&self) -> Option<&'a str> {
        let id = self.plain?;
        id.get(id.find("anthropic.")?..)
    }
}

/// The id without a context-size suffix: provisioned variants of some models are written `…-v1:0:200k`.
pub(super) fn without_window(id: &str) -> &str {
    match id.rsplit_once(':') {
        Some((rest, window))
            if window
                .strip_suffix('k')
                .is_some_and(|n| n.parse::<u32>().is_ok()) =>
        {
            rest
        }
        _ => id,
    }
}

impl Family {
    /// The family that an id's vendor and name tell, whether the catalog knows the id or not.
    pub fn of(id: &str) -> Self {
        let has = |part: &str| id.contains(part);
        if has("anthropic.") || has("claude") {
            Self::Claude
        } else if has("amazon.nova") {
            Self::Nova
        } else if has("meta.llama") {
            Self::Llama
        } else if has("mistral.") {
            Self::Mistral
        } else if has("deepseek.") {
            Self::DeepSeek
        } else if has("openai.gpt-oss") {
            Self::GptOss
        } else if has("qwen.") {
            Self::Qwen
        } else {
            Self::Other
        }
    }
}

/// Whether an id, or the beginning of ids followed by `*`, means this id or the base id behind it.
pub(super) fn names(pattern: &str, id: &str, base: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => id.starts_with(start) || base.starts_with(start),
        None => pattern == id || pattern == base,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_its_region_and_sometimes_its_model() {
        let rows = [
            (
                "us.anthropic.claude-opus-5-5",
                Some("us.anthropic.claude-opus-5-5"),
                None,
            ),
            (
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                Some("us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
                Some("us-east-1"),
            ),
            (
                "arn:aws:bedrock:::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0",
                Some("anthropic.claude-sonnet-4-5-20250929-v1:0"),
                None,
            ),
            (
                "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-pro-v1:0",
                Some("amazon.nova-pro-v1:0"),
                Some("us-gov-west-1"),
            ),
            (
                "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123",
                None,
                Some("eu-west-1"),
            ),
            (
                "arn:aws:bedrock:eu-west-1:123456789012:provisioned-model/abc",
                None,
                Some("eu-west-1"),
            ),
            ("arn:aws", None, None),
        ];
        for (id, plain, region) in rows {
            assert_eq!(ModelId::parse(id), ModelId { plain, region }, "{id}");
        }
    }

    #[test]
    fn a_claude_has_a_base_behind_every_profile() {
        let base = |id| ModelId::parse(id).base_claude();
        let sonnet = Some("anthropic.claude-sonnet-4-5-20250929-v1:0");
        assert_eq!(
            base("global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            sonnet
        );
        assert_eq!(base("anthropic.claude-sonnet-4-5-20250929-v1:0"), sonnet);
        let profile = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0";
        assert_eq!(base(profile), sonnet);
        assert_eq!(base("us.amazon.nova-pro-v1:0"), None);
        assert_eq!(
            base("arn:aws:bedrock:us-east-1:1:application-inference-profile/x"),
            None
        );
    }

    #[test]
    fn only_a_window_is_cut_off() {
        assert_eq!(
            without_window("amazon.nova-pro-v1:0:300k"),
            "amazon.nova-pro-v1:0"
        );
        assert_eq!(
            without_window("amazon.nova-pro-v1:0"),
            "amazon.nova-pro-v1:0"
        );
    }
}
