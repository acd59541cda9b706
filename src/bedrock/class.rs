//! Kinds of failure, in the words that the chain decides by, and what a target can turn out to lack.

/// Kinds of failure, by what can be done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Too many requests or tokens just now.
    Throttled,
    /// The account's tokens of the day are used up.
    DailyQuota,
    /// A fault on Bedrock's side: 5xx, model not ready, an error while the model ran.
    Unavailable,
    /// The connection could not be made or broke before an answer.
    Connection,
    /// No first event in time.
    FirstEventTimeout,
    /// The stream fell silent for too long.
    IdleTimeout,
    /// The stream ended, broke or was garbled before the answer was complete.
    Cut,
    /// The gateway's credentials for this target are not valid.
    Credentials,
    /// The gateway found no credentials for this target; nothing was called.
    NoCredentials,
    /// The account may not use this model.
    AccessDenied,
    /// There is no such model here, it has reached its end of life, or it cannot be called on demand.
    NoSuchModel,
    /// The prompt does not fit into the model's window.
    ContextWindow,
    /// A content filter refused the prompt.
    ContentFiltered,
    /// The target lacks something that the request has.
    Lacks(Feature),
    /// The request would be refused by any target.
    BadRequest,
    /// Refused for a reason that may hold for this target only.
    Rejected,
    /// The answer was not whole within the time that the caller or the deployment gives one.
    TooSlow,
    /// The deployment's own `rpm` or `tpm` is used up for this minute, or its `max_parallel_requests` are under way;
    /// nothing was called.
    LimitReached,
    /// A budget of the caller's key does not have what the attempt may cost; nothing was called.
    OverBudget,
    /// The caller's key has a budget, and the price of the model is unknown; nothing was called.
    Unpriced,
    /// How the budget of the caller's key stands cannot be known just now; nothing was called.
    BudgetUnknown,
    /// A test asked for this failure; nothing was called.
    Mocked,
    /// The whole request's time is used up.
    Deadline,
    /// A fault in this program.
    Internal,
}

/// Something that a target can turn out to lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// Thinking, or the replayed thinking was refused.
    Thinking,
    /// Taking back thinking that is bound to another beginning than this conversation has now.
    BoundThinking,
    /// Taking back the encrypted thinking that this conversation replays.
    EncryptedThinking,
    /// The effort `none`.
    EffortNone,
    /// Counting cached tokens as input too.
    CachedInInput,
    /// Prompt caching.
    Caching,
    /// A cache point at one of the places where this request has one.
    CachePlaces,
    /// Tools while streaming.
    ToolsWhileStreaming,
    /// An assistant turn at the end.
    Prefill,
    /// `temperature`.
    Temperature,
    /// `top_p`.
    TopP,
    /// `top_k`.
    TopK,
    /// Stop sequences.
    StopSequences,
    /// A tool choice that forces a call.
    ForcedToolChoice,
    /// A tool choice that forces a call of any tool.
    RequiredToolChoice,
    /// A tool choice that forces a call of one tool.
    NamedToolChoice,
    /// Answers by schema.
    JsonSchema,
    /// Tools that are held to their schemas.
    StrictTools,
    /// Room for what this request's schemas are compiled to.
    CompiledSchemas,
    /// A beta of Claude's, or what it switches on.
    Betas,
    /// Arguments of tool calls as they are written: the gateway's own beta.
    EagerToolInput,
    /// Being asked in Claude's own format.
    MessagesDialect,
    /// Something that only Claude's own format has, and that this request has.
    NativeExtras,
    /// Answers of more than so many tokens.
    MaxTokens(u32),
    /// Answers of more than so many tokens to this one prompt, which fills most of the window.
    AnswerRoom(u32),
}

/// By what a request exceeds a model's window, as a refusal of [`Class::ContextWindow`] says it, in tokens: Bedrock's
/// numbers; how it counted is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextOverflow {
    /// Of the prompt.
    pub prompt: u32,
    /// Of the answer that was asked for, where it counts too; `None`: the prompt alone is too long.
    pub answer: Option<u32>,
    /// Of the window.
    pub window: u32,
}

impl ContextOverflow {
    /// How long an answer would fit behind the prompt; `None`: none would.
    pub fn answer_room(self) -> Option<u32> {
        self.answer?;
        self.window.checked_sub(self.prompt)
    }
}

impl Class {
    /// Whether the caller's budget kept the attempt from being made.
    pub fn is_about_money(self) -> bool {
        matches!(
            self,
            Class::OverBudget | Class::Unpriced | Class::BudgetUnknown
        )
    }

    /// A short, stable word for logs, records and headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Throttled => "throttled",
            Class::DailyQuota => "daily_quota",
            Class::Unavailable => "unavailable",
            Class::Connection => "connection",
            Class::FirstEventTimeout => "first_event_timeout",
            Class::IdleTimeout => "idle_timeout",
            Class::Cut => "cut",
            Class::Credentials => "credentials",
            Class::NoCredentials => "no_credentials",
            Class::AccessDenied => "access_denied",
            Class::NoSuchModel => "no_such_model",
            Class::ContextWindow => "context_window",
            Class::ContentFiltered => "content_filtered",
            Class::Lacks(feature) => feature.lack(),
            Class::BadRequest => "bad_request",
            Class::Rejected => "rejected",
            Class::TooSlow => "too_slow",
            Class::LimitReached => "limit_reached",
            Class::OverBudget => "over_budget",
            Class::Unpriced => "unpriced",
            Class::BudgetUnknown => "budget_unknown",
            Class::Mocked => "mocked",
            Class::Deadline => "deadline",
            Class::Internal => "internal",
        }
    }
}

impl Feature {
    /// Those that a model as such has or lacks, whatever it is asked, without those that come with a number.
    const OF_MODELS: [Feature; 17] = [
        Feature::MessagesDialect,
        Feature::EffortNone,
        Feature::CachedInInput,
        Feature::Caching,
        Feature::ToolsWhileStreaming,
        Feature::Prefill,
        Feature::Temperature,
        Feature::TopP,
        Feature::TopK,
        Feature::StopSequences,
        Feature::ForcedToolChoice,
        Feature::RequiredToolChoice,
        Feature::NamedToolChoice,
        Feature::JsonSchema,
        Feature::StrictTools,
        Feature::Betas,
        Feature::EagerToolInput,
    ];

    /// Whether the lack of it speaks of the model and not of this one conversation: of its thinking, of its places, of
    /// its schemas.
    pub fn is_of_model(self) -> bool {
        matches!(self, Self::MaxTokens(_)) || Self::OF_MODELS.contains(&self)
    }

    /// A short, stable word for the table and the pages.
    pub fn name(self) -> &'static str {
        let lack = self.lack();
        lack.strip_prefix("lacks_").unwrap_or(lack)
    }

    /// The number that comes with it: the most that a model takes.
    pub fn limit(self) -> Option<u32> {
        match self {
            Self::MaxTokens(limit) => Some(limit),
            _ => None,
        }
    }

    /// The one with this name that a model has or lacks, and with its number, if it has one.
    pub fn of_model(name: &str, limit: Option<u32>) -> Option<Self> {
        let numbered = limit.map(Self::MaxTokens).into_iter();
        Self::OF_MODELS
            .into_iter()
            .chain(numbered)
            .find(|feature| feature.name() == name)
    }

    /// The lack of it in a word, as [`Class::as_str`] says it.
    fn lack(self) -> &'static str {
        match self {
            Feature::Thinking => "lacks_thinking",
            Feature::BoundThinking => "lacks_bound_thinking",
            Feature::EncryptedThinking => "lacks_encrypted_thinking",
            Feature::EffortNone => "lacks_effort_none",
            Feature::CachedInInput => "lacks_cached_in_input",
            Feature::Caching | Feature::CachePlaces => "lacks_caching",
            Feature::ToolsWhileStreaming => "lacks_tools_while_streaming",
            Feature::Prefill => "lacks_prefill",
            Feature::Temperature => "lacks_temperature",
            Feature::TopP => "lacks_top_p",
            Feature::TopK => "lacks_top_k",
            Feature::StopSequences => "lacks_stop_sequences",
            Feature::ForcedToolChoice => "lacks_forced_tool_choice",
            Feature::RequiredToolChoice => "lacks_required_tool_choice",
            Feature::NamedToolChoice => "lacks_named_tool_choice",
            Feature::JsonSchema => "lacks_json_schema",
            Feature::StrictTools => "lacks_strict_tools",
            Feature::CompiledSchemas => "lacks_compiled_schemas",
            Feature::Betas => "lacks_betas",
            Feature::EagerToolInput => "lacks_eager_tool_input",
            Feature::MessagesDialect => "lacks_messages_dialect",
            Feature::NativeExtras => "lacks_native_extras",
            Feature::MaxTokens(_) | Feature::AnswerRoom(_) => "lacks_max_tokens",
        }
    }
}
