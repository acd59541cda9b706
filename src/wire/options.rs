//! What a request says beside the conversation itself.

use std::time::Duration;

use http::HeaderMap;

use super::{ApiError, HostedRequest, Labels, WireFallback, header, seconds};

/// What the body says beside the conversation itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestOptions {
    /// The model asked for; `None`: the path's, else the configuration's default.
    pub model: Option<String>,
    /// Answer as server-sent events.
    pub stream: bool,
    /// Send the usage at the end of the stream, on a wire where that is a choice.
    pub include_usage: bool,
    /// Send the thinking with its signatures, on a wire that seals it.
    pub include_thinking: bool,
    /// The response that it goes on from, by the client's own word.
    pub previous_response_id: Option<String>,
    /// The conversation is to be summed up.
    pub compaction: Option<Compaction>,
    /// Every tool asks for its arguments in one checked piece.
    pub buffered_tool_input: bool,
    /// Tools that the client gave as taking free text, by the names that the domain has for them.
    pub free_form: Vec<String>,
    /// Retries on each target.
    pub num_retries: Option<u32>,
    /// How long an attempt may take.
    pub timeout: Option<Duration>,
    /// How long a streamed attempt may take for its first event, and be silent.
    pub stream_timeout: Option<Duration>,
    /// Only the group that was asked for.
    pub disable_fallbacks: bool,
    /// Which models follow, instead of the configured ones.
    pub fallbacks: Option<Vec<WireFallback>>,
    /// Make every target of the first group fail, to see the fallback work.
    pub mock_failure: Option<MockFailure>,
    /// Labels for the record.
    pub labels: Labels,
    /// Whether to ignore `unsupported`; `None`: as configured.
    pub drop_params: Option<bool>,
    /// Fields that are known and cannot be honoured.
    pub unsupported: Vec<String>,
    /// The request is for a tool that its service runs, and that the gateway answers for.
    pub hosted: Option<HostedRequest>,
    /// The refusal of a request that needs a tool that only its service runs. Where that is to be ignored, the tool is
    /// among [`Self::dropped`] already.
    pub tool_refusal: Option<ApiError>,
    /// What of the request goes no further, by the names that its client knows: unknown fields, and
    /// [`Self::unsupported`] ones that are to be ignored. The reply names them.
    pub dropped: Vec<String>,
}

/// The gateway's own fields as a body has them, whatever the wire: by LiteLLM's names.
#[derive(Debug, Default)]
pub(crate) struct GatewayParams {
    pub(crate) num_retries: Option<u32>,
    /// Seconds.
    pub(crate) timeout: Option<f64>,
    /// Seconds.
    pub(crate) stream_timeout: Option<f64>,
    pub(crate) disable_fallbacks: Option<bool>,
    pub(crate) fallbacks: Option<Vec<WireFallback>>,
    pub(crate) mock_failure: Option<MockFailure>,
    pub(crate) drop_params: Option<bool>,
}

/// How a conversation is to be summed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compaction {
    /// The request asks for the summary already, and for nothing else. These of its messages go out before it, as JSON.
    Instead(Vec<String>),
    /// Before it is answered, where its prompt has more tokens than this.
    Above(u64),
}

/// A picture that stands elsewhere on the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteImage {
    /// The field that names it, as errors do.
    pub param: String,
    /// Its address, `http` or `https`.
    pub url: String,
}

impl RequestOptions {
    /// What the gateway's own fields say. LiteLLM's headers for them win over the body.
    pub(crate) fn from_params(
        gateway_params: GatewayParams,
        headers: &HeaderMap,
    ) -> Result<Self, ApiError> {
        let time = |name: &str, param: &str, said: Option<f64>| {
            seconds(header(headers, name).or(said), param)
        };
        Ok(Self {
            num_retries: header(headers, "x-litellm-num-retries").or(gateway_params.num_retries),
            timeout: time("x-litellm-timeout", "timeout", gateway_params.timeout)?,
            stream_timeout: time(
                "x-litellm-stream-timeout",
                "stream_timeout",
                gateway_params.stream_timeout,
            )?,
            disable_fallbacks: gateway_params.disable_fallbacks.unwrap_or(false),
            fallbacks: gateway_params.fallbacks,
            mock_failure: gateway_params.mock_failure,
            drop_params: gateway_params.drop_params,
            ..Self::default()
        })
    }

    /// Leaves a field out that cannot be honoured and need not be.
    pub fn drop_field(&mut self, field: &str) {
        let left = self.unsupported.extract_if(.., |name| name == field);
        self.dropped.extend(left);
    }

    /// Refuses what cannot be honoured, or leaves it out where it is to be ignored. `drop_params` is the
    /// configuration's word, which the request's own goes before.
    pub fn drop_or_refuse_unsupported(&mut self, drop_params: bool) -> Result<(), ApiError> {
        if self.drop_params.unwrap_or(drop_params) {
            self.dropped.append(&mut self.unsupported);
            return Ok(());
        }
        let refusal = refusal(&self.unsupported).or_else(|| self.tool_refusal.take());
        refusal.map_or(Ok(()), Err)
    }
}

/// Which failure a request asks every target of the first group to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MockFailure {
    /// `mock_testing_fallbacks`: a fault of the provider.
    Unavailable,
    /// `mock_testing_context_window_fallbacks`.
    ContextWindow,
    /// `mock_testing_content_policy_fallbacks`.
    ContentFiltered,
}

/// The refusal that names them.
fn refusal(fields: &[String]) -> Option<ApiError> {
    let first = fields.first()?;
    const MOST_NAMED: usize = 20;
    let named = fields.iter().take(MOST_NAMED);
    let mut named: Vec<String> = named.map(|field| format!("'{field}'")).collect();
    if let Some(more) = fields
        .len()
        .checked_sub(MOST_NAMED)
        .filter(|more| *more > 0)
    {
        named.push(format!("and {more} more"));
    }
    let message = format!(
        "Bedrock has nothing for these fields of the request: {}. Leave them out, or have them ignored with \
         'drop_params: true' in the request or in the configuration. Fields for the model itself go into \
         'additional_model_request_fields'.",
        named.join(", ")
    );
    Some(ApiError::bad_request(message, first.as_str()))
}
