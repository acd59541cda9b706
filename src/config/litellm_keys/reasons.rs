//! Reasons that several keys have in common.

use super::LitellmSupport;
use super::LitellmSupport::{NoMeaning, NotDone, NotProtected, WorksDifferently};

pub(super) const ADMIN_REPORTS: LitellmSupport =
    NoMeaning("reports of spend are open to the master key alone");
pub(super) const AGENTS_NOT_DONE: LitellmSupport = NotDone("agents are not served");
pub(super) const ALERTS_NOT_DONE: LitellmSupport = NotDone(
    "alerting: [slack] of general_settings, ALERT_TOPIC_ARN and ALERT_EVENT_BUS_ARN say where alerts are sent",
);
pub(super) const ALIASES: LitellmSupport = NotDone("model_group_alias gives models other names");
pub(super) const ALL_FAILS: LitellmSupport =
    NotDone("allowed_fails is one number, and which failures count is fixed");
pub(super) const ANY_ALIAS: LitellmSupport = NotDone("a key_alias is any text of 1 to 200 bytes");
pub(super) const ASKED_ALL_THE_SAME: LitellmSupport =
    NotProtected("the deployment is asked all the same");
pub(super) const BY_THE_CLOCK: LitellmSupport =
    WorksDifferently("the window of a budget ends by the clock");
pub(super) const BY_TOKEN: LitellmSupport = NoMeaning("chat on Bedrock is priced by tokens");
pub(super) const CACHE_NOT_DONE: LitellmSupport = NotDone("answers are not cached");
pub(super) const CACHING_PLANNED: LitellmSupport = WorksDifferently(
    "cache points are planned for every model that caches, unless prompt_caching is false",
);
pub(super) const CATALOG_ABILITY: LitellmSupport =
    NotDone("the catalog says what the model can do, whatever this says");
pub(super) const CERTIFICATES: LitellmSupport =
    NotDone("the certificates of servers are always checked");
pub(super) const CHAT_ONLY: LitellmSupport = NoMeaning("chat models alone are served");
pub(super) const CHECKED_BEFORE: LitellmSupport = WorksDifferently(
    "rpm and tpm are always checked, and a prompt too long for a model goes on to one with a \
     larger window",
);
pub(super) const CLIENT_HEADERS: LitellmSupport =
    NotDone("of a client's headers only anthropic-beta reaches the model");
pub(super) const CREDENTIALS_BESIDE: LitellmSupport =
    NotDone("credentials stand beside the model or in litellm_settings");
pub(super) const END_USER: LitellmSupport =
    NotDone("the end user is who x-litellm-end-user-id or the body's user names");
pub(super) const FIRST: LitellmSupport =
    NotDone("request_timeout and stream_timeout limit the wait for the first event");
pub(super) const FROM_FILE: LitellmSupport = NoMeaning("models come from this file");
pub(super) const HEARTBEAT: LitellmSupport =
    WorksDifferently("heartbeat_interval of litellm_settings holds for all streams");
pub(super) const IDLE: LitellmSupport =
    NotDone("stream_timeout and idle_timeout limit the silence of a stream");
pub(super) const LIMITS_CHECKED: LitellmSupport =
    WorksDifferently("the limits of a key are always checked");
pub(super) const LISTED_FOR_KEYS: LitellmSupport =
    NotDone("models are listed for keys alone, by GET /v1/models");
pub(super) const LOGIN_LIMIT: LitellmSupport = WorksDifferently(
    "the login is shut for the rest of five minutes after five wrong passwords from one \
     address, or a hundred from all",
);
pub(super) const LONG_PRICE: LitellmSupport = NotProtected(
    "a long prompt costs what the catalog says, or input_cost_per_token and \
     output_cost_per_token where they are set",
);
pub(super) const MCP_NOT_DONE: LitellmSupport = NotDone("MCP servers are not served");
pub(super) const ALWAYS_AFFINITY: LitellmSupport = NoMeaning(
    "a session stays with the deployment that has its prompt cache in every group, unless session_affinity is false",
);
pub(super) const NO_AFFINITY: LitellmSupport =
    NotDone("the requests of a key or a session may go to any deployment of a model");
pub(super) const NO_AGENTS: LitellmSupport = NoMeaning("agents are not served");
pub(super) const NO_ALERTS: LitellmSupport =
    NoMeaning("which alerts there are is fixed, but for budget_alert_percents");
pub(super) const NO_ASSISTANTS: LitellmSupport = NotDone("assistants are not served");
pub(super) const NO_AUTO_ROUTER: LitellmSupport =
    NotDone("a model is chosen by its name alone, not by what a request is about");
pub(super) const NO_CACHE: LitellmSupport = NoMeaning("answers are not cached");
pub(super) const NO_CALLBACKS: LitellmSupport =
    NoMeaning("callbacks, which it is about, are not run");
pub(super) const NO_CLEANUP: LitellmSupport =
    NoMeaning("records expire in the table by themselves");
pub(super) const NO_CLIENT_CREDENTIALS: LitellmSupport =
    NotDone("a request cannot bring credentials for Bedrock");
pub(super) const NO_DEFAULT: LitellmSupport =
    NotDone("requests get no such default, they have to say it themselves");
pub(super) const NO_DEPLOYMENT_BUDGET: LitellmSupport = NotProtected(
    "a deployment has no budget; keys have, and max_budget of litellm_settings limits all keys \
     together",
);
pub(super) const NO_DESTINATION: LitellmSupport =
    NoMeaning("a request cannot change where Bedrock is called");
pub(super) const NO_END_USER_BUDGET: LitellmSupport =
    NotProtected("end users have no budgets; keys have");
pub(super) const NO_FILES: LitellmSupport = NoMeaning("files and batches are not served");
pub(super) const NO_FUNCTION: LitellmSupport = NoMeaning("a file cannot hold a function");
pub(super) const NO_GUARDRAILS: LitellmSupport = NotProtected(
    "no guardrail of LiteLLM looks at requests and answers; those of Bedrock do: \
     guardrailConfig in litellm_params",
);
pub(super) const NO_HEADERS: LitellmSupport =
    NotDone("calls of Bedrock have no headers of your own; anthropic_beta takes betas");
pub(super) const NO_HOOKS: LitellmSupport = NotProtected(
    "no callback is run: nothing is sent to other systems, and no hook checks or changes requests",
);
pub(super) const NO_LOGGERS: LitellmSupport = NotDone(
    "no callback is run: nothing is sent to other systems; records, metrics and log lines say what happened",
);
pub(super) const NO_INJECTION_SEARCH: LitellmSupport =
    NotProtected("prompts are not searched for injections");
pub(super) const NO_ITPM: LitellmSupport =
    NotProtected("tokens of prompts have no limit of their own; tpm limits all tokens");
pub(super) const NO_MCP: LitellmSupport = NoMeaning("MCP servers are not served");
pub(super) const NO_OTPM: LitellmSupport =
    NotProtected("tokens of answers have no limit of their own; tpm limits all tokens");
pub(super) const NO_OWN_CHECKS_OF_KEYS: LitellmSupport =
    NotProtected("your own code does not check keys; the master key alone makes and changes them");
pub(super) const NO_PASS_THROUGH: LitellmSupport = NoMeaning("there are no pass-through routes");
pub(super) const NO_POLICIES: LitellmSupport = NotProtected(
    "no policy adds guardrails to requests; those of Bedrock work: guardrailConfig in \
     litellm_params",
);
pub(super) const NO_PRIORITIES: LitellmSupport = NotDone("requests have no priorities");
pub(super) const NO_PROBES: LitellmSupport =
    NoMeaning("deployments are not probed in the background");
pub(super) const NO_PROMETHEUS: LitellmSupport = NoMeaning("metrics are not served for Prometheus");
pub(super) const NO_PROMPTS: LitellmSupport =
    NotProtected("no prompt of the gateway's own is put before a request");
pub(super) const NO_PTU: LitellmSupport = NoMeaning("it is about capacity that Azure reserves");
pub(super) const NO_REDIS: LitellmSupport =
    NoMeaning("instances share what they know through the table, not through Redis");
pub(super) const NO_REPLIES: LitellmSupport =
    NoMeaning("replies are not kept, so that no id leads to one");
pub(super) const NO_REPOSITORY: LitellmSupport = NotDone("prompts are not read from a repository");
pub(super) const NO_ROLES: LitellmSupport =
    NoMeaning("there are no roles: the master key manages, other keys ask models");
pub(super) const NO_SCHEDULE: LitellmSupport = NoMeaning("no work is done on a schedule");
pub(super) const NO_SECRET_MANAGER: LitellmSupport =
    NotDone("secrets come from the environment, not from a secret manager");
pub(super) const NO_SQL: LitellmSupport = NoMeaning(
    "keys, records and totals are in DynamoDB or in a local file, not in an SQL database",
);
pub(super) const NO_SSO: LitellmSupport = NotDone(
    "people sign in at the identity providers of general_settings.identity, or with a password",
);
pub(super) const NO_TAG_ROUTING: LitellmSupport =
    NotDone("deployments are chosen by order and weight, not by tags");
pub(super) const NO_TOKENS: LitellmSupport = NotDone(
    "tokens are let in that general_settings.identity or litellm_jwtauth describes, and no others",
);
pub(super) const NO_TOOLS: LitellmSupport =
    NoMeaning("the gateway runs no tools, such as a web search, itself");
pub(super) const NO_TRACES: LitellmSupport =
    NotDone("no traces are exported; a record has the id of its request's trace");
pub(super) const NO_USERS: LitellmSupport =
    NoMeaning("nobody but the master key and admins manage users and teams");
pub(super) const NO_USER_BUDGET: LitellmSupport =
    NotProtected("a user has the budget that /user/new gives, and none without one");
pub(super) const NO_VECTOR_STORES: LitellmSupport = NoMeaning("vector stores are not served");
pub(super) const NO_WORKERS: LitellmSupport = NotDone(
    "requests at the same time are limited for keys and for deployments, not for a process",
);
pub(super) const ONE_PRICE: LitellmSupport = NotProtected(
    "this part of a price is not read, input_cost_per_token and output_cost_per_token are",
);
pub(super) const ONE_TOKEN: LitellmSupport = NotDone("GET /health asks each model for one token");
pub(super) const OTHER_PROVIDERS: LitellmSupport = NoMeaning("Amazon Bedrock is the only provider");
pub(super) const OWN_CLIENT: LitellmSupport =
    NoMeaning("it tunes the HTTP client and the memory of LiteLLM's process");
pub(super) const OWN_SERVICE: LitellmSupport =
    NoMeaning("it is about a service of LiteLLM's makers");
pub(super) const PASSED_OVER: LitellmSupport = WorksDifferently(
    "a deployment is passed over because requests to it fail, not because probes do",
);
pub(super) const PICTURES_CHECKED: LitellmSupport =
    WorksDifferently("where a picture is fetched from is always checked");
pub(super) const PICTURE_HOSTS: LitellmSupport = WorksDifferently(
    "pictures are fetched from these hosts alone, and from none with a private address",
);
pub(super) const PLANNED_TURNS: LitellmSupport =
    WorksDifferently("every conversation is made fit for its model");
pub(super) const PROMPT_BY_BEDROCK: LitellmSupport =
    NoMeaning("Bedrock makes a model's prompt of a conversation");
pub(super) const SCHEMA_CHECK: LitellmSupport = WorksDifferently(
    "Bedrock holds an answer to its schema where it can, and elsewhere the answer is checked \
     at its end",
);
pub(super) const SHOWN: LitellmSupport =
    WorksDifferently("GET /model/info shows it, and the gateway itself does not ask for it");
pub(super) const SHUFFLE: LitellmSupport =
    WorksDifferently("deployments are always chosen as simple-shuffle does, by weight, rpm or tpm");
pub(super) const SKIPPED_GUARDRAIL: LitellmSupport =
    NoMeaning("no guardrail of LiteLLM looks at requests");
pub(super) const TABLE_NAME: LitellmSupport = NoMeaning("TABLE_NAME names the DynamoDB table");
pub(super) const TIER_PRICE: LitellmSupport = NotProtected(
    "a service tier costs what the catalog says, or the plain price where the entry sets one",
);
pub(super) const TIME_PRICE: LitellmSupport =
    NotProtected("the time of a request costs nothing; its tokens do");
pub(super) const TOOLS_NOT_RUN: LitellmSupport =
    NotDone("the gateway runs no tools, such as a web search, itself");
pub(super) const TRUSTED: LitellmSupport =
    NotDone("trusted_proxies names the proxies whose X-Forwarded-For is believed");
