//! What the ARNs of two services have in common.

use url::Url;

/// The parts of an ARN that say where its service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arn {
    pub(super) region: String,
    /// The domain of the partition.
    domain: &'static str,
}

impl Arn {
    /// Reads `arn:<partition>:<service>:<region>:<account>:<resource>`; `None`: it is none of this service.
    pub(super) fn read(arn: &str, service: &str) -> Option<Arn> {
        let mut parts = arn.splitn(6, ':');
        let is_arn = parts.next()? == "arn";
        let domain = match parts.next()? {
            "aws-cn" => "amazonaws.com.cn",
            _ => "amazonaws.com",
        };
        let is_of_service = parts.next()? == service;
        let region = parts.next()?.to_owned();
        let account = parts.next()?;
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let has_resource = parts.next().is_some_and(|resource| !resource.is_empty());
        let is_region = !region.is_empty()
            && region
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_sound = is_arn && is_of_service && is_region && is_account && has_resource;
        is_sound.then_some(Arn { region, domain })
    }

    /// Where the service answers, unless another place is named.
    pub(super) fn endpoint(&self, service: &str, instead: Option<Url>) -> Option<Url> {
        let usual = || {
            let address = format!("https://{service}.{}.{}/", self.region, self.domain);
            Url::parse(&address).ok()
        };
        instead.or_else(usual)
    }
}
