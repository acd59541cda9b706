//! The names of what a span says: all of them stand here.
//!
//! Those that begin with `gen_ai` are OpenTelemetry's conventions for generative AI in release 0.1.0, which are still
//! changing: whoever follows a later release changes them here. The conventions have no name for money, keys, teams and
//! attempts: these begin with the gateway's own.

/// What is done: `chat`, `embeddings`, …
pub(super) const OPERATION: &str = "gen_ai.operation.name";
/// Always [`BEDROCK`].
pub(super) const PROVIDER: &str = "gen_ai.provider.name";
/// What the conventions call Amazon Bedrock.
pub(super) const BEDROCK: &str = "aws.bedrock";
/// The model that the client has asked for.
pub(super) const REQUEST_MODEL: &str = "gen_ai.request.model";
/// Whether the answer is streamed.
pub(super) const REQUEST_STREAM: &str = "gen_ai.request.stream";
/// The client's session.
pub(super) const CONVERSATION: &str = "gen_ai.conversation.id";
/// The id of the request, as its client knows it.
pub(super) const RESPONSE_ID: &str = "gen_ai.response.id";
/// The model that has answered, as Bedrock calls it.
pub(super) const RESPONSE_MODEL: &str = "gen_ai.response.model";
/// Why the answer ended: a list of one.
pub(super) const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
/// Seconds until the first piece.
pub(super) const FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
/// Tokens of the prompt, cached ones included.
pub(super) const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// Tokens of the answer, thinking included.
pub(super) const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// Of the prompt's tokens, those that were read from the cache.
pub(super) const CACHE_READ_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
/// Of the prompt's tokens, those that were written to it.
pub(super) const CACHE_WRITE_TOKENS: &str = "gen_ai.usage.cache_write.input_tokens";
/// Of the answer's tokens, those of thinking.
pub(super) const REASONING_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";
/// The class of the failure.
pub(super) const ERROR_TYPE: &str = "error.type";
/// The region that has answered.
pub(super) const REGION: &str = "cloud.region";
/// The user of the key.
pub(super) const USER: &str = "user.id";

/// US dollars of all attempts.
pub(super) const COST: &str = "bedrock_sidecar.cost_usd";
/// The SHA-256 of the key, in hex.
pub(super) const KEY: &str = "bedrock_sidecar.key.hash";
/// The key's name.
pub(super) const KEY_ALIAS: &str = "bedrock_sidecar.key.alias";
/// The key's team.
pub(super) const TEAM: &str = "bedrock_sidecar.team.id";
/// The person behind the client.
pub(super) const END_USER: &str = "bedrock_sidecar.end_user";
/// The client program, of a closed list.
pub(super) const CLIENT: &str = "bedrock_sidecar.client";
/// Labels of the request and of its key: a list.
pub(super) const TAGS: &str = "bedrock_sidecar.tags";
/// The `model_name` that has answered.
pub(super) const GROUP: &str = "bedrock_sidecar.group";
/// How many targets were asked, or passed over.
pub(super) const ATTEMPTS: &str = "bedrock_sidecar.attempts";

/// The event of an attempt.
pub(super) const ATTEMPT: &str = "bedrock_sidecar.attempt";
/// How it ended: `ok`, or the class of the failure.
pub(super) const ATTEMPT_OUTCOME: &str = "bedrock_sidecar.attempt.outcome";
/// How long it took, in milliseconds.
pub(super) const ATTEMPT_MS: &str = "bedrock_sidecar.attempt.duration_ms";
/// The HTTP status, where there was one.
pub(super) const ATTEMPT_STATUS: &str = "http.response.status_code";
