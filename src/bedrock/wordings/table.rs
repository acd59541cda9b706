//! The sentences by which refusals are told apart.
//!
//! Every sentence says where it is from. "Recorded" means an answer of the real service; "Anthropic" means Claude's own
//! API, whose words Bedrock passes on; an issue is one that quotes Bedrock; "LiteLLM" means that its mapping of
//! Bedrock's errors knows them.

use super::super::class::{Class, Feature};

/// A sentence that says more than the exception's type.
pub(super) struct Wording {
    /// The whole sentence as a regular expression, without its full stop. What varies in it is a number, a name
    /// without spaces, or one of the words that are listed; never free text.
    pub(super) sentence: &'static str,
    pub(super) class: Class,
    /// A message that consists of it.
    pub(super) example: &'static str,
    pub(super) source: &'static str,
}

const fn wording(
    sentence: &'static str,
    class: Class,
    example: &'static str,
    source: &'static str,
) -> Wording {
    Wording {
        sentence,
        class,
        example,
        source,
    }
}

/// A sentence that names the longest answer in its first group.
const fn longest_answer(
    sentence: &'static str,
    example: &'static str,
    source: &'static str,
) -> Wording {
    wording(sentence, NAMED_LIMIT, example, source)
}

/// Its number is to be read from the sentence.
pub(super) const NAMED_LIMIT: Class = Class::Lacks(Feature::MaxTokens(0));

const LITELLM: &str = "LiteLLM";
const ANTHROPIC: &str = "Anthropic";

/// Only of a throttled request: no back-off outlasts that.
pub(super) const DAILY_QUOTA: Wording = wording(
    "Too many tokens per day(?:, please wait(?: before trying again)?)?",
    Class::DailyQuota,
    "Too many tokens per day, please wait before trying again.",
    "minorun365/agent-book#29",
);

/// The first that is found counts.
pub(super) const WORDINGS: &[Wording] = &[
    // The prompt does not fit.
    wording(
        "Input is too long(?: for requested model)?",
        Class::ContextWindow,
        "Input is too long for requested model.",
        LITELLM,
    ),
    wording(
        r"(?:messages: )?Prompt is too long(?:: \d+ tokens > \d+ maximum)?",
        Class::ContextWindow,
        "prompt is too long: 205000 tokens > 200000 maximum",
        ANTHROPIC,
    ),
    wording(
        r"(?:400 Bad Request: )?Too many input tokens(?:\. Max input tokens: \d+, request input token count: \d+)?",
        Class::ContextWindow,
        "Too many input tokens. Max input tokens: 8192, request input token count: 11548",
        LITELLM,
    ),
    wording(
        r"(?:(?:The|This|Your) )?(?:input|prompt|request)(?: length)?(?: of \d+ tokens)? exceeds the maximum context(?: length| window)?(?: of \d+(?: tokens)?)?",
        Class::ContextWindow,
        "The input exceeds the maximum context length of 8192 tokens.",
        "other families than Claude",
    ),
    wording(
        r"input length and `?max_tokens`? exceed context limit(?:: \d+ \+ \d+ > \d+)?(?:, decrease input length or `?max_tokens`? and try again)?",
        Class::ContextWindow,
        "input length and `max_tokens` exceed context limit: 196395 + 64000 > 204698, decrease input length or `max_tokens` and try again",
        "Anthropic, RooCodeInc/Roo-Code#3713",
    ),
    wording(
        r"(?:This|The) model's maximum context length is \d+ tokens(?:\. However, [\w ,()]+)?",
        Class::ContextWindow,
        "This model's maximum context length is 131072 tokens. However, you requested 131134 tokens (122942 in the messages, 8192 in the completion). Please reduce the length of the messages or completion.",
        "other families than Claude",
    ),
    wording(
        "Input tokens exceeded(?:: Number of input tokens exceeds maximum length)?",
        Class::ContextWindow,
        "Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.",
        "other families than Claude",
    ),
    wording(
        r"(?:Malformed input request: )?(?:#/[a-z_]+: )?expected maxLength: \d+, actual: \d+(?:, please reformat your input and try again)?",
        Class::ContextWindow,
        "Malformed input request: expected maxLength: 2097152, actual: 2300000, please reformat your input and try again.",
        LITELLM,
    ),
    wording(
        r"prompt: length: 1\.\.\d+",
        Class::ContextWindow,
        "prompt: length: 1..199999",
        LITELLM,
    ),
    // The answer that was asked for is too long.
    longest_answer(
        r"The maximum tokens you requested exceeds the model limit of ([\d,]+)",
        "The maximum tokens you requested exceeds the model limit of 8192. Try again with a maximum tokens value that is lower than 8192.",
        "aws-samples/bedrock-access-gateway#41, RooCodeInc/Roo-Code#3916",
    ),
    longest_answer(
        r"max_tokens: \d+ > (\d+), which is the maximum (?:allowed number of output tokens for [\w.:-]+|value for this model)",
        "max_tokens: 64000 > 32000, which is the maximum allowed number of output tokens for claude-opus-4-20250514",
        ANTHROPIC,
    ),
    longest_answer(
        r"Malformed input request: #/(?:[a-z]+/)*(?:max_?tokens|max_gen_len|maxTokenCount|max_new_tokens|max_completion_tokens): \d+ is not less or equal to (\d+)(?:, please reformat your input and try again)?",
        "Malformed input request: #/max_gen_len: 16384 is not less or equal to 8192, please reformat your input and try again.",
        "Bedrock's schema check",
    ),
    longest_answer(
        r"max_tokens is too large: \d+\. This model supports at most (\d+) completion tokens, whereas you provided \d+",
        "max_tokens is too large: 65536. This model supports at most 16384 completion tokens, whereas you provided 65536.",
        "OpenAI's own API",
    ),
    longest_answer(
        r"Invalid max_tokens value, the valid range of max_tokens is \[\d+, (\d+)\]",
        "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
        "DeepSeek's own API: nickscamara/open-deep-research#19",
    ),
    longest_answer(
        r"`?max_?tokens`? must be (?:less than or equal to|at most|no more than|no greater than|<=) (\d+)(?:, got \d+)?",
        "max_tokens must be less than or equal to 8192",
        "no report: as validators of schemas say it",
    ),
    wording(
        r"'max_tokens' or 'max_completion_tokens' is too large: \d+\. This model's maximum context length is \d+ tokens and your request has \d+ input tokens(?: \(\d+ > \d+ - \d+\))?",
        Class::ContextWindow,
        "'max_tokens' or 'max_completion_tokens' is too large: 16384. This model's maximum context length is 32768 tokens and your request has 20000 input tokens (16384 > 32768 - 20000).",
        "vLLM, which serves imported models",
    ),
    // A filter.
    wording(
        "(?:Input|Output) blocked by content filtering policy",
        Class::ContentFiltered,
        "Output blocked by content filtering policy",
        "anthropics/claude-code#58367",
    ),
    // The model is not there.
    wording(
        "The provided model identifier is invalid",
        Class::NoSuchModel,
        "The provided model identifier is invalid.",
        "recorded",
    ),
    wording(
        "This model version has reached the end of its life",
        Class::NoSuchModel,
        "This model version has reached the end of its life. Please refer to the AWS documentation for more details.",
        "aws-samples/amazon-bedrock-ai-karaoke#21",
    ),
    wording(
        r"Access denied\. This Model is marked by provider as Legacy and you have not been actively using the model in the last \d+ days",
        Class::NoSuchModel,
        "Access denied. This Model is marked by provider as Legacy and you have not been actively using the model in the last 15 days. Please upgrade to an active model on Amazon Bedrock",
        "aws-samples/amazon-bedrock-workshop#386",
    ),
    // Bedrock's apostrophe is a curly one.
    wording(
        r"Invocation of model ID [\w.:/-]+ with on-demand throughput isn.t supported",
        Class::NoSuchModel,
        "Invocation of model ID anthropic.claude-3-5-sonnet-20241022-v2:0 with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.",
        "terricain/aioboto3#352",
    ),
    wording(
        "The provided model doesn.t support on-demand throughput",
        Class::NoSuchModel,
        "The provided model doesn't support on-demand throughput.",
        "aws-samples/bedrock-chat#508",
    ),
    wording(
        r"Could not resolve the foundation model from (?:the provided model identifier|model identifier: [\w.:/-]+)",
        Class::NoSuchModel,
        "Could not resolve the foundation model from the provided model identifier.",
        "LiteLLM, truera/trulens#779",
    ),
    // It lacks something.
    wording(
        "You invoked an unsupported model or your request did not allow prompt caching",
        Class::Lacks(Feature::Caching),
        "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.",
        "BerriAI/litellm#39210",
    ),
    wording(
        "You do not have access to explicit prompt caching",
        Class::Lacks(Feature::Caching),
        "You do not have access to explicit prompt caching",
        "BerriAI/litellm#7218",
    ),
    wording(
        r"Malformed input request: #/(?:toolConfig/tools|system|messages/\d+/content)/\d+: extraneous key \[cachePoint\] is not permitted(?:, please reformat your input and try again)?",
        Class::Lacks(Feature::Caching),
        "Malformed input request: #/toolConfig/tools/0: extraneous key [cachePoint] is not permitted, please reformat your input and try again.",
        "BerriAI/litellm#17479",
    ),
    wording(
        "(?:This|The|The provided) model (?:does not|doesn.t) support prompt caching",
        Class::Lacks(Feature::Caching),
        "This model does not support prompt caching.",
        "BerriAI/litellm#39210",
    ),
    // Of this request's points, not of the model.
    wording(
        r"There is nothing available to cache\. Please remove the invalid cache point and try again",
        Class::Lacks(Feature::CachePlaces),
        "There is nothing available to cache. Please remove the invalid cache point and try again.",
        "strands-agents/harness-sdk#3677",
    ),
    wording(
        r"Cache point cannot be inserted after [\w ]+ block\. Please remove the invalid cache point and try again",
        Class::Lacks(Feature::CachePlaces),
        "Cache point cannot be inserted after reasoning block. Please remove the invalid cache point and try again.",
        "anomalyco/opencode#36517",
    ),
    wording(
        "invalid beta flag",
        Class::Lacks(Feature::Betas),
        "The model returned the following errors: invalid beta flag",
        "anthropics/claude-code#26570",
    ),
    wording(
        r"Unexpected value\(s\) `[\w.-]+`(?:, `[\w.-]+`)* for the `anthropic-beta` header(?:\. Please consult our documentation at [\w./:-]+ or try again without the header)?",
        Class::Lacks(Feature::Betas),
        "Unexpected value(s) `fine-grained-tool-streaming-2025-05-14` for the `anthropic-beta` header. Please consult our documentation at docs.anthropic.com or try again without the header.",
        "Anthropic, anthropics/claude-code#11678",
    ),
    wording(
        r"Malformed input request: #(?:/additionalModelRequestFields)?: extraneous key \[anthropic_beta\] is not permitted(?:, please reformat your input and try again)?",
        Class::Lacks(Feature::Betas),
        "Malformed input request: #: extraneous key [anthropic_beta] is not permitted, please reformat your input and try again.",
        "Bedrock's schema check",
    ),
    wording(
        r"anthropic_beta(?:\.\d+)?: Extra inputs are not permitted",
        Class::Lacks(Feature::Betas),
        "The model returned the following errors: anthropic_beta: Extra inputs are not permitted",
        "the form in which Claude refuses other fields",
    ),
    wording(
        "context_management: Extra inputs are not permitted",
        Class::Lacks(Feature::Betas),
        "context_management: Extra inputs are not permitted",
        ANTHROPIC,
    ),
    // What only Claude's own format has: see `plan/native.rs`. Fields with a lack of their own stand before these.
    wording(
        r"(?:messages|system|tools)\.\d+(?:\.[a-z_]+(?:\.\d+)?)*: Input tag '[\w.-]+' found using 'type' does not match any of the expected tags(?:: '[\w-]+'(?:, '[\w-]+')*)?",
        Class::Lacks(Feature::NativeExtras),
        "messages.3.content.0: Input tag 'fallback' found using 'type' does not match any of the expected tags: 'document', 'image', 'text'",
        "the form in which Claude refuses kinds of blocks",
    ),
    wording(
        r"(?:messages|system|tools)\.\d+(?:\.[a-z_]+(?:\.\d+)?)*\.(?:allowed_callers|caller|defer_loading|eager_input_streaming|input_examples|toolset_name): Extra inputs are not permitted",
        Class::Lacks(Feature::NativeExtras),
        "tools.0.custom.defer_loading: Extra inputs are not permitted",
        "BerriAI/litellm#22451",
    ),
    wording(
        r"(?:compaction|safeguards|thinking(?:\.[a-z_]+)*|output_config\.task_budget|tool_choice(?:\.[a-z_]+)*): Extra inputs are not permitted",
        Class::Lacks(Feature::NativeExtras),
        "compaction: Extra inputs are not permitted",
        "the form in which Claude refuses other fields",
    ),
    wording(
        r"tool type '[\w.-]+' is not supported for this model",
        Class::Lacks(Feature::NativeExtras),
        "tool type 'computer_toolset_20260801' is not supported for this model",
        ANTHROPIC,
    ),
    wording(
        "This model doesn.t support tool use in streaming mode",
        Class::Lacks(Feature::ToolsWhileStreaming),
        "This model doesn't support tool use in streaming mode.",
        "recorded (Llama 4)",
    ),
    wording(
        r"(?:messages\.\d+\.content\.\d+: )?Invalid (?:`signature` in `thinking`|`data` in `redacted_thinking`) block\. The block is bound to a different conversation[\w ,.-]*",
        Class::Lacks(Feature::BoundThinking),
        "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different conversation.",
        "measured on 2026-09-29",
    ),
    wording(
        r"(?:messages\.\d+\.content\.\d+: )?Invalid (?:`signature` in `thinking`|`data` in `redacted_thinking`) block",
        Class::Lacks(Feature::Thinking),
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        ANTHROPIC,
    ),
    wording(
        r"messages\.\d+\.content\.\d+(?:\.type)?: Expected `thinking` or `redacted_thinking`, but found `[a-z_]+`(?:\. When `thinking` is enabled, [\w ,.()`-]+)?",
        Class::Lacks(Feature::Thinking),
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, disable `thinking`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking",
        "anomalyco/opencode#3077",
    ),
    wording(
        r"(?:messages\.\d+\.content\.\d+: )?`?thinking`? or `?redacted_thinking`? blocks in the latest assistant message cannot be modified(?:\. These blocks must remain as they were in the original response)?",
        Class::Lacks(Feature::Thinking),
        "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response.",
        "openclaw/openclaw#109881",
    ),
    wording(
        "encrypted reasoning is scoped to the region that produced it and cannot be replayed in a different region",
        Class::Lacks(Feature::EncryptedThinking),
        "encrypted reasoning is scoped to the region that produced it and cannot be replayed in a different region",
        "openai/codex",
    ),
    wording(
        "invalid encrypted reasoning",
        Class::Lacks(Feature::EncryptedThinking),
        "invalid encrypted reasoning",
        "openai/codex",
    ),
    wording(
        r"(?:This|The) model doesn.t support the reasoningContent\.redactedContent field(?: for assistant messages)?",
        Class::Lacks(Feature::EncryptedThinking),
        "This model doesn't support the reasoningContent.redactedContent field for assistant messages. Remove reasoningContent.redactedContent and try again.",
        "the form in which Bedrock refuses other blocks: UKGovernmentBEIS/inspect_ai#5217",
    ),
    wording(
        r"Unsupported value: '(?:reasoning[._]effort' does not support 'none' with this model|none' is not supported with the '[\w.:/-]+' model)(?:\. Supported values are: (?:(?:, )?(?:and )?'[a-z]+')+)?",
        Class::Lacks(Feature::EffortNone),
        "Unsupported value: 'none' is not supported with the 'gpt-6-astra' model. Supported values are: 'low', 'medium', 'high', 'xhigh', and 'max'.",
        "OpenAI's own API",
    ),
    wording(
        r#""thinking\.type\.enabled" is not supported for this model(?:\. Use "thinking\.type\.adaptive" and "output_config\.effort" to control thinking behavior)?"#,
        Class::Lacks(Feature::Thinking),
        "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior.",
        ANTHROPIC,
    ),
    wording(
        "adaptive thinking is not supported (?:on|for) this model",
        Class::Lacks(Feature::Thinking),
        "adaptive thinking is not supported on this model",
        ANTHROPIC,
    ),
    wording(
        r"thinking(?:\.type)?: Input tag 'adaptive' found using 'type' does not match any of the expected tags: '[a-z]+'(?:, '[a-z]+')*",
        Class::Lacks(Feature::Thinking),
        "The model returned the following errors: thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags: 'disabled', 'enabled'",
        ANTHROPIC,
    ),
    wording(
        r"Malformed input request: #: extraneous key \[thinking\] is not permitted(?:, please reformat your input and try again)?",
        Class::Lacks(Feature::Thinking),
        "Malformed input request: #: extraneous key [thinking] is not permitted, please reformat your input and try again.",
        "Bedrock's schema check",
    ),
    wording(
        "(?:This|The) model doesn.t support the temperature field",
        Class::Lacks(Feature::Temperature),
        "This model doesn't support the temperature field. Remove temperature and try again.",
        "NousResearch/hermes-agent#111043",
    ),
    wording(
        "(?:This|The) model doesn.t support the topP field",
        Class::Lacks(Feature::TopP),
        "This model doesn't support the topP field. Remove topP and try again.",
        "NousResearch/hermes-agent#111043",
    ),
    wording(
        "`temperature` is deprecated for this model",
        Class::Lacks(Feature::Temperature),
        "The model returned the following errors: `temperature` is deprecated for this model.",
        "promptfoo/promptfoo#10307",
    ),
    wording(
        "`top_p` is deprecated for this model",
        Class::Lacks(Feature::TopP),
        "The model returned the following errors: `top_p` is deprecated for this model.",
        "promptfoo/promptfoo#10307",
    ),
    wording(
        "`top_k` is deprecated for this model",
        Class::Lacks(Feature::TopK),
        "The model returned the following errors: `top_k` is deprecated for this model.",
        "promptfoo/promptfoo#10307",
    ),
    wording(
        "(?:This|The) model doesn.t support the stopSequences field",
        Class::Lacks(Feature::StopSequences),
        "This model doesn't support the stopSequences field. Remove stopSequences and try again.",
        "crewAIInc/crewAI#3317, langgenius/dify-official-plugins#1767",
    ),
    wording(
        r"(?:This|The) model doesn.t support the toolConfig\.toolChoice\.any field",
        Class::Lacks(Feature::RequiredToolChoice),
        "This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try again.",
        "strands-agents/harness-sdk#1241",
    ),
    wording(
        r"(?:This|The) model doesn.t support the toolConfig\.toolChoice\.tool field",
        Class::Lacks(Feature::NamedToolChoice),
        "This model doesn't support the toolConfig.toolChoice.tool field. Remove toolConfig.toolChoice.tool and try again.",
        "strands-agents/harness-sdk#1241",
    ),
    wording(
        r"(?:This|The) model doesn.t support the toolConfig\.toolChoice field",
        Class::Lacks(Feature::ForcedToolChoice),
        "This model doesn't support the toolConfig.toolChoice field. Remove toolConfig.toolChoice and try again.",
        "strands-agents/harness-sdk#1241",
    ),
    wording(
        r"(?:This|The) model doesn.t support the outputConfig(?:\.[a-z]+)* field",
        Class::Lacks(Feature::JsonSchema),
        "This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and try again.",
        "the form in which Bedrock refuses other fields",
    ),
    wording(
        r"output_config\.format: Extra inputs are not permitted",
        Class::Lacks(Feature::JsonSchema),
        "output_config.format: Extra inputs are not permitted",
        "vectorize-io/hindsight#3300",
    ),
    wording(
        r"tools\.\d+\.(?:custom\.)?strict: Extra inputs are not permitted",
        Class::Lacks(Feature::StrictTools),
        "The model returned the following errors: tools.0.custom.strict: Extra inputs are not permitted",
        ANTHROPIC,
    ),
    wording(
        r"Malformed input request: #/toolConfig/tools/\d+/toolSpec: extraneous key \[strict\] is not permitted(?:, please reformat your input and try again)?",
        Class::Lacks(Feature::StrictTools),
        "Malformed input request: #/toolConfig/tools/0/toolSpec: extraneous key [strict] is not permitted, please reformat your input and try again.",
        "Bedrock's schema check",
    ),
    wording(
        r"(?:This|The) model doesn.t support the toolConfig\.tools(?:\.\d+)?\.toolSpec\.strict field",
        Class::Lacks(Feature::StrictTools),
        "This model doesn't support the toolConfig.tools.0.toolSpec.strict field. Remove toolConfig.tools.0.toolSpec.strict and try again.",
        "the form in which Bedrock refuses other fields",
    ),
    // Of this request's schemas, not of the model.
    wording(
        r"(?:The )?compiled grammar is too large(?:, which would cause performance issues)?(?:\. (?:Simplify your (?:tool )?schemas?|Reduce the number of strict tools)(?: or reduce the number of strict tools)?)?",
        Class::Lacks(Feature::CompiledSchemas),
        "The model returned the following errors: The compiled grammar is too large, which would cause performance issues. Simplify your tool schemas or reduce the number of strict tools.",
        "alphaXiv/agents#49, CherryHQ/cherry-studio#18179",
    ),
    wording(
        r"Schemas? contains? too many parameters with union types(?: \(\d+ parameters with type arrays or anyOf\))?(?:,? which would cause exponential compilation cost)?(?:\. Reduce the number of nullable or union-typed parameters(?: \(limit: \d+ parameters with unions\))?)?",
        Class::Lacks(Feature::CompiledSchemas),
        "The model returned the following errors: Schemas contains too many parameters with union types (17 parameters with type arrays or anyOf). Reduce the number of nullable or union-typed parameters (limit: 16 parameters with unions).",
        "vercel/ai#17268",
    ),
    wording(
        r"(?:Schemas? contains? )?too many optional parameters(?: \(\d+(?: optional parameters)?\))?(?:,? which would make grammar compilation inefficient)?(?:\. Reduce the number of optional parameters(?: in your tool schemas)?(?: \(limit: \d+(?: optional parameters)?\))?|,? limit: \d+)?",
        Class::Lacks(Feature::CompiledSchemas),
        "Schemas contains too many optional parameters (28), which would make grammar compilation inefficient. Reduce the number of optional parameters in your tool schemas (limit: 24).",
        "vercel/ai#17268",
    ),
    wording(
        r"Too many strict tools(?: \(\d+\))?(?:\. The maximum number of strict tools (?:supported )?is \d+)?",
        Class::Lacks(Feature::CompiledSchemas),
        "Too many strict tools (25). The maximum number of strict tools supported is 20.",
        "datarobot-oss/datarobot-genai#547, camel-ai/camel#4171",
    ),
    wording(
        r"(?:(?:Grammar )?compilation exceeded limits: )?Schema is too complex(?: for (?:grammar )?compilation)?(?:\. Try reducing the number of tools or simplifying tool schemas)?",
        Class::Lacks(Feature::CompiledSchemas),
        "Schema is too complex for compilation. Try reducing the number of tools or simplifying tool schemas.",
        "genkit-ai/genkit#5230, langchain-ai/langchainjs#11100",
    ),
    wording(
        r"(?:[a-z]+\.\d+(?:\.[a-z_]+)*|output_(?:format|config)(?:\.[a-z_]+)*): For '[a-z]+' type, (?:'additionalProperties' must be (?:explicitly )?set to false|(?:property|properties) '?\w+'?(?:, '?\w+'?)* (?:is|are) not supported|'?\w+'? values other than 0 or 1 are not supported)",
        Class::Lacks(Feature::CompiledSchemas),
        "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
        "mnfst/llm-gateway#2868, BerriAI/litellm#34313",
    ),
    wording(
        r"(?:[a-z]+\.\d+(?:\.[a-z_]+)*: |output_(?:format|config)(?:\.[a-z_]+)*: )?(?:Recursive schemas? (?:is|are) not supported|(?:Circular|Recursive) (?:schema )?references?(?: (?:is|are) not supported| detected)(?: in schema)?(?:: [\w#/$.-]+)?|Schema must have a 'type'(?: field)?|External '?\$ref'? (?:is|are) not supported)",
        Class::Lacks(Feature::CompiledSchemas),
        "tools.0.custom: Recursive schemas are not supported",
        "no report: what Anthropic's documentation says is not supported",
    ),
    wording(
        "Grammar compilation timed out",
        Class::Lacks(Feature::CompiledSchemas),
        "Grammar compilation timed out.",
        ANTHROPIC,
    ),
    wording(
        r"This model does not support assistant message prefill(?:\. The conversation must end with a user message)?",
        Class::Lacks(Feature::Prefill),
        "This model does not support assistant message prefill. The conversation must end with a user message.",
        "Anthropic, Claude 4.6 and later",
    ),
    wording(
        "(?:A|The) conversation must end with a user message",
        Class::Lacks(Feature::Prefill),
        "A conversation must end with a user message. Try again with a conversation that ends with a user message.",
        "Bedrock, for other families",
    ),
    // The caller's mistake, whichever model is asked.
    wording(
        "tools: Tool names must be unique",
        Class::BadRequest,
        "The model returned the following errors: tools: Tool names must be unique.",
        ANTHROPIC,
    ),
    wording(
        r"tools\.\d+\.(?:custom\.)?input_schema: JSON schema is invalid(?:\. It must match JSON Schema draft 2020-12(?: \([\w:/.-]+\))?)?",
        Class::BadRequest,
        "tools.0.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12). Learn more about tool use at https://docs.claude.com/en/docs/tool-use.",
        ANTHROPIC,
    ),
    wording(
        r"(?:messages\.\d+\.content\.\d+\.[a-z0-9_.]+: )?(?:The )?image was specified using the (?:image/)?[a-z]+ media type, but the image appears to be an? (?:image/)?[a-z]+ image",
        Class::BadRequest,
        "messages.0.content.1.image.source.base64.data: The image was specified using the image/png media type, but the image appears to be a image/jpeg image",
        ANTHROPIC,
    ),
    wording(
        r"(?:messages\.\d+\.content\.\d+\.[a-z0-9_.]+: )?Could not process image",
        Class::BadRequest,
        "Could not process image",
        ANTHROPIC,
    ),
    wording(
        "stop_sequences: each stop sequence must contain non-whitespace",
        Class::BadRequest,
        "The model returned the following errors: stop_sequences: each stop sequence must contain non-whitespace",
        ANTHROPIC,
    ),
    // A 400 that is really a 503.
    wording(
        "(?:Amazon )?Bedrock is unable to process your request",
        Class::Unavailable,
        "Bedrock is unable to process your request.",
        "aws-samples/foundation-model-benchmarking-tool#247",
    ),
    wording(
        "The security token included in the request is (?:invalid|expired)",
        Class::Credentials,
        "The security token included in the request is expired",
        LITELLM,
    ),
];

/// Parts of the sentences about the window that name the length of the prompt, that of the window, and that of the answer
/// where it counts too, in groups of these names.
pub(super) const CONTEXT_OVERFLOW: [&str; 5] = [
    r"input length and `?max_tokens`? exceed context limit: (?P<prompt>\d+) \+ (?P<answer>\d+) > (?P<window>\d+)",
    r"prompt is too long: (?P<prompt>\d+) tokens > (?P<window>\d+) maximum",
    r"Max input tokens: (?P<window>\d+), request input token count: (?P<prompt>\d+)",
    r"maximum context length is (?P<window>\d+) tokens\. However, you requested \d+ tokens \((?P<prompt>\d+) in the messages, (?P<answer>\d+) in the completion\)",
    r"is too large: (?P<answer>\d+)\. This model's maximum context length is (?P<window>\d+) tokens and your request has (?P<prompt>\d+) input tokens",
];
