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

/// Why a text is no model that is served here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotServed {
    /// A model of another provider, or of a route of Bedrock's that is not served here: `azure/gpt-5.2`.
    OtherProvider,
    /// No model at all: what was expected.
    Malformed(String),
}

impl NotServed {
    /// As an error about the text.
    pub(super) fn message(self, written: &str) -> String {
        match self {
            Self::OtherProvider => format!(
                "found {written:?}, expected a model of Amazon Bedrock, as bedrock/<model id>"
            ),
            Self::Malformed(message) => message,
        }
    }
}

impl NamedModel {
    /// The model of an entry, whose `custom_llm_provider` says more. A name without a provider's prefix is Bedrock's where
    /// it looks like an id of Bedrock's; any other (`gpt-4o`) LiteLLM knows to be another provider's.
    pub(super) fn of_entry(written: &str, provider: Option<&str>) -> Result<Self, NotServed> {
        let is_bedrock = match provider {
            Some(provider) => provider.starts_with("bedrock"),
            None => written.contains('/') || is_bedrock_id(written),
        };
        if is_bedrock {
            Self::parse(written)
        } else {
            Err(NotServed::OtherProvider)
        }
    }

    /// Takes the prefixes off. `converse/` and `invoke/` say nothing here: `dialect` says how Bedrock is asked.
    pub(super) fn parse(written: &str) -> Result<Self, NotServed> {
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
                _ => return Err(NotServed::OtherProvider),
            }
            rest = tail;
            names.push(rest.to_owned());
        }
        if rest.is_empty() {
            let message = "found no model id, expected bedrock/<model id>";
            return Err(NotServed::Malformed(message.to_owned()));
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

    /// The region that the name itself tells: an ARN's goes first. What stands in its place and is no region
    /// (`YOUR_REGION`) tells none.
    pub(super) fn own_region(&self) -> Option<&str> {
        let in_arn = ModelId::parse(&self.id).region;
        in_arn
            .filter(|region| is_region(region))
            .or(self.region.as_deref())
    }

    /// What stands in an ARN in place of a region or an account: the file's author left it for the reader to fill in.
    pub(super) fn placeholder(&self) -> Option<&str> {
        arn_placeholder(&self.id)
    }
}

/// Whether a `litellm_params.model`, with the `custom_llm_provider` beside it, is another provider's.
pub(in crate::config) fn is_of_other_provider(model: &str, provider: Option<&str>) -> bool {
    NamedModel::of_entry(model, provider) == Err(NotServed::OtherProvider)
}

/// What stands in an ARN in place of a region or an account.
pub(super) fn arn_placeholder(arn: &str) -> Option<&str> {
    let mut parts = arn.strip_prefix("arn:")?.split(':').skip(2);
    let (region, account) = (parts.next()?, parts.next()?);
    let is_account = account.bytes().all(|byte| byte.is_ascii_digit()) || account == "aws";
    if !region.is_empty() && !is_region(region) {
        Some(region)
    } else {
        (!is_account).then_some(account)
    }
}

/// `anthropic.claude-opus-5`, `us.amazon.nova-pro-v1:0`, an ARN, or a pattern: a text that may be an id of Bedrock's.
fn is_bedrock_id(text: &str) -> bool {
    let is_vendor = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    text.starts_with("arn:")
        || text.contains('*')
        || text
            .strip_prefix("us-gov.")
            .unwrap_or(text)
            .split_once('.')
            .is_some_and(|(vendor, model)| {
                is_vendor(vendor) && model.starts_with(|first: char| first.is_ascii_alphabetic())
            })
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
    fn other_providers_are_told_apart() {
        for (written, provider, is_bedrock) in [
            ("openai/gpt-4o", None, false),
            ("bedrock/mantle/gpt", None, false),
            ("gpt-4o", None, false),
            ("gpt-4.1", None, false),
            ("gemini-2.5-pro", None, false),
            ("claude-sonnet-4-5", None, false),
            ("llama3.1", None, false),
            ("claude-sonnet-4-5", Some("bedrock"), true),
            ("us.anthropic.claude-sonnet-4-6", Some("openai"), false),
            ("us.anthropic.claude-sonnet-4-6", None, true),
            ("us-gov.anthropic.claude-sonnet-4-6", None, true),
            ("newvendor.newmodel-v1:0", None, true),
            ("ai21.jamba-1-5-mini-v1:0", None, true),
            ("bedrock/claude", None, true),
            ("*", None, true),
            ("anthropic.*", None, true),
        ] {
            let named = NamedModel::of_entry(written, provider);
            assert_eq!(named.is_ok(), is_bedrock, "{written}");
            if !is_bedrock {
                assert_eq!(named, Err(NotServed::OtherProvider), "{written}");
            }
        }
        assert!(matches!(
            NamedModel::parse("bedrock/"),
            Err(NotServed::Malformed(_))
        ));
    }

    #[test]
    fn a_placeholder_in_an_arn_is_no_region() {
        let profile = |region, account| {
            format!(
                "arn:aws:bedrock:{region}:{account}:inference-profile/eu.anthropic.claude-opus-5"
            )
        };
        for (arn, placeholder) in [
            (
                profile("YOUR_REGION", "YOUR_ACCOUNT_ID"),
                Some("YOUR_REGION"),
            ),
            (profile("<region>", "123456789012"), Some("<region>")),
            (profile("eu-west-1", "<account>"), Some("<account>")),
            (profile("eu-west-1", "123456789012"), None),
            (profile("eu-west-1", ""), None),
            (
                "arn:aws:iam::<ACCOUNT_B>:role/Name".to_owned(),
                Some("<ACCOUNT_B>"),
            ),
            ("arn:aws:iam::123456789012:role/Name".to_owned(), None),
            ("us.amazon.nova-pro-v1:0".to_owned(), None),
        ] {
            assert_eq!(arn_placeholder(&arn), placeholder, "{arn}");
        }
        let named = NamedModel::parse(&format!("bedrock/{}", profile("YOUR_REGION", "1"))).unwrap();
        assert_eq!(named.own_region(), None);
    }
}
