//! Reasons that several keys have in common.

use super::KeyStatus;
use super::KeyStatus::{NoMeaning, NotDone, NotProtected, WorksDifferently};

pub(super) const ADMIN_REPORTS: KeyStatus =
    NoMeaning("reports of spend are open to the master key alone");
pub(super) const AGENTS_NOT_DONE: KeyStatus = NotDone("agents are not served");
pub(super) const ALERTS_NOT_DONE: KeyStatus = NotDone(
    "alerting: [slack] of general_settings, ALERT_TOPIC_ARN and ALERT_EVENT_BUS_ARN say where alerts are sent",
);
pub(super) const ALIASES: KeyStatus = NotDone("model_group_alias gives models other names");
pub(super) const ALL_FAILS: KeyStatus =
    NotDone("allowed_fails is one number, and which failures count is fixed");
pub(super) const ANY_ALIAS: KeyStatus = NotDone("a key_alias is any text of 1 to 200 bytes");
pub(super) const ASKED_ALL_THE_SAME: KeyStatus =
    NotProtected("the deployment is asked all the same");
pub(super) const BY_THE_CLOCK: KeyStatus =
    WorksDifferently("the window of a budget ends by the clock");
pub(super) const BY_TOKEN: KeyStatus = NoMeaning("chat on Bedrock is priced by tokens");
pub(super) const CACHE_NOT_DONE: KeyStatus = NotDone("answers are not cached");
pub(super) const CACHING_PLANNED: KeyStatus = WorksDifferently(
    "cache points are planned for every model that caches, unless prompt_caching is false",
);
pub(super) const CATALOG_ABILITY: KeyStatus =
    NotDone("the catalog says what the model can do, whatever this says");
pub(super) const CERTIFICATES: KeyStatus =
    NotDone("the certificates of servers are always checked");
pub(super) const CHAT_ONLY: KeyStatus = NoMeaning("chat models alone are served");
pub(super) const CHECKED_BEFORE: KeyStatus = WorksDifferently(
    "rpm and tpm are always checked, and a prompt too long for a model goes on to one with a \
     larger window",
);
pub(super) const CLIENT_HEADERS: KeyStatus =
    NotDone("of a client's headers only anthropic-beta reaches the model");
pub(super) const CREDENTIALS_BESIDE: KeyStatus =
    NotDone("credentials stand beside the model or in litellm_settings");
pub(super) const END_USER: KeyStatus =
    NotDone("the end user is who x-litellm-end-user-id or the body's user names");
pub(super) const FIRST: KeyStatus =
    NotDone("request_timeout and stream_timeout limit the wait for the first event");
pub(super) const FROM_FILE: KeyStatus = NoMeaning("models come from this file");
pub(super) const HEARTBEAT: KeyStatus =
    WorksDifferently("heartbeat_interval of litellm_settings holds for all streams");
pub(super) const IDLE: KeyStatus =
    NotDone("stream_timeout and idle_timeout limit the silence of a stream");
pub(super) const LIMITS_CHECKED: KeyStatus =
    WorksDifferently("the limits of a key are always checked");
pub(super) const LISTED_FOR_KEYS: KeyStatus =
    NotDone("models are listed for keys alone, by GET /v1/models");
pub(super) const LOGIN_LIMIT: KeyStatus = WorksDifferently(
    "the login is shut for the rest of five minutes after five wrong passwords from one \
     address, or a hundred from all",
);
pub(super) const LONG_PRICE: KeyStatus = NotProtected(
    "a long prompt costs what the catalog says, or input_cost_per_token and \
     output_cost_per_token where they are set",
);
pub(super) const MCP_NOT_DONE: KeyStatus = NotDone("MCP servers are not served");
pub(super) const ALWAYS_AFFINITY: KeyStatus = NoMeaning(
    "a session stays with the deployment that has its prompt cache in every group, unless session_affinity is false",
);
pub(super) const NO_AFFINITY: KeyStatus =
    NotDone("the requests of a key or a session may go to any deployment of a model");
pub(super) const NO_AGENTS: KeyStatus = NoMeaning("agents are not served");
pub(super) const NO_ALERTS: KeyStatus =
    NoMeaning("which alerts there are is fixed, but for budget_alert_percents");
pub(super) const NO_ASSISTANTS: KeyStatus = NotDone("assistants are not served");
pub(super) const NO_AUTO_ROUTER: KeyStatus =
    NotDone("a model is chosen by its name alone, not by what a request is about");
pub(super) const NO_CACHE: KeyStatus = NoMeaning("answers are not cached");
pub(super) const NO_CALLBACKS: KeyStatus = NoMeaning("callbacks, which it is about, are not run");
pub(super) const NO_CLEANUP: KeyStatus = NoMeaning("records expire in the table by themselves");
pub(super) const NO_CLIENT_CREDENTIALS: KeyStatus =
    NotDone("a request cannot bring credentials for Bedrock");
pub(super) const NO_DEFAULT: KeyStatus =
    NotDone("requests get no such default, they have to say it themselves");
pub(super) const NO_DEPLOYMENT_BUDGET: KeyStatus = NotProtected(
    "a deployment has no budget; keys have, and max_budget of litellm_settings limits all keys \
     together",
);
pub(super) const NO_DESTINATION: KeyStatus =
    NoMeaning("a request cannot change where Bedrock is called");
pub(super) const NO_END_USER_BUDGET: KeyStatus =
    NotProtected("end users have no budgets; keys have");
pub(super) const NO_FILES: KeyStatus = NoMeaning("files and batches are not served");
pub(super) const NO_FUNCTION: KeyStatus = NoMeaning("a file cannot hold a function");
pub(super) const NO_GUARDRAILS: KeyStatus = NotProtected(
    "no guardrail of LiteLLM looks at requests and answers; those of Bedrock do: \
     guardrailConfig in litellm_params",
);
pub(super) const NO_HEADERS: KeyStatus =
    NotDone("calls of Bedrock have no headers of your own; anthropic_beta takes betas");
pub(super) const NO_HOOKS: KeyStatus = NotProtected(
    "no callback is run: nothing is sent to other systems, and no hook checks or changes requests",
);
pub(super) const NO_LOGGERS: KeyStatus = NotDone(
    "no callback is run: nothing is sent to other systems; records, metrics and log lines say what happened",
);
pub(super) const NO_INJECTION_SEARCH: KeyStatus =
    NotProtected("prompts are not searched for injections");
pub(super) const NO_ITPM: KeyStatus =
    NotProtected("tokens of prompts have no limit of their own; tpm limits all tokens");
pub(super) const NO_MCP: KeyStatus = NoMeaning("MCP servers are not served");
pub(super) const NO_OTPM: KeyStatus =
    NotProtected("tokens of answers have no limit of their own; tpm limits all tokens");
pub(super) const NO_OWN_CHECKS_OF_KEYS: KeyStatus =
    NotProtected("your own code does not check keys; the master key alone makes and changes them");
pub(super) const NO_PASS_THROUGH: KeyStatus = NoMeaning("there are no pass-through routes");
pub(super) const NO_POLICIES: KeyStatus = NotProtected(
    "no policy adds guardrails to requests; those of Bedrock work: guardrailConfig in \
     litellm_params",
);
pub(super) const NO_PRIORITIES: KeyStatus = NotDone("requests have no priorities");
pub(super) const NO_PROBES: KeyStatus = NoMeaning("deployments are not probed in the background");
pub(super) const NO_PROMETHEUS: KeyStatus = NoMeaning("metrics are not served for Prometheus");
pub(super) const NO_PROMPTS: KeyStatus =
    NotProtected("no prompt of the gateway's own is put before a request");
pub(super) const NO_PTU: KeyStatus = NoMeaning("it is about capacity that Azure reserves");
pub(super) const NO_REDIS: KeyStatus =
    NoMeaning("instances share what they know through the table, not through Redis");
pub(super) const NO_REPLIES: KeyStatus =
    NoMeaning("replies are not kept, so that no id leads to one");
pub(super) const NO_REPOSITORY: KeyStatus = NotDone("prompts are not read from a repository");
pub(super) const NO_ROLES: KeyStatus =
    NoMeaning("there are no roles: the master key manages, other keys ask models");
pub(super) const NO_SCHEDULE: KeyStatus = NoMeaning("no work is done on a schedule");
pub(super) const NO_SECRET_MANAGER: KeyStatus =
    NotDone("secrets come from the environment, not from a secret manager");
pub(super) const NO_SQL: KeyStatus = NoMeaning(
    "keys, records and totals are in DynamoDB or in a local file, not in an SQL database",
);
pub(super) const NO_SSO: KeyStatus = NotDone(
    "people sign in at the identity providers of general_settings.identity, or with a password",
);
pub(super) const NO_TAG_ROUTING: KeyStatus =
    NotDone("deployments are chosen by order and weight, not by tags");
pub(super) const NO_TOKENS: KeyStatus = NotDone(
    "tokens are let in that general_settings.identity or litellm_jwtauth describes, and no others",
);
pub(super) const NO_TOOLS: KeyStatus =
    NoMeaning("the gateway runs no tools, such as a web search, itself");
pub(super) const NO_TRACES: KeyStatus =
    NotDone("no traces are exported; a record has the id of its request's trace");
pub(super) const NO_USERS: KeyStatus =
    NoMeaning("nobody but the master key and admins manage users and teams");
pub(super) const NO_USER_BUDGET: KeyStatus =
    NotProtected("a user has the budget that /user/new gives, and none without one");
pub(super) const NO_VECTOR_STORES: KeyStatus = NoMeaning("vector stores are not served");
pub(super) const NO_WORKERS: KeyStatus = NotDone(
    "requests at the same time are limited for keys and for deployments, not for a process",
);
pub(super) const ONE_PRICE: KeyStatus = NotProtected(
    "this part of a price is not read, input_cost_per_token and output_cost_per_token are",
);
pub(super) const ONE_TOKEN: KeyStatus = NotDone("GET /health asks each model for one token");
pub(super) const OTHER_PROVIDERS: KeyStatus = NoMeaning("Amazon Bedrock is the only provider");
pub(super) const OWN_CLIENT: KeyStatus =
    NoMeaning("it tunes the HTTP client and the memory of LiteLLM's process");
pub(super) const OWN_SERVICE: KeyStatus = NoMeaning("it is about a service of LiteLLM's makers");
pub(super) const PASSED_OVER: KeyStatus = WorksDifferently(
    "a deployment is passed over because requests to it fail, not because probes do",
);
pub(super) const PICTURES_CHECKED: KeyStatus =
    WorksDifferently("where a picture is fetched from is always checked");
pub(super) const PICTURE_HOSTS: KeyStatus = WorksDifferently(
    "pictures are fetched from these hosts alone, and from none with a private address",
);
pub(super) const PLANNED_TURNS: KeyStatus =
    WorksDifferently("every conversation is made fit for its model");
pub(super) const PROMPT_BY_BEDROCK: KeyStatus =
    NoMeaning("Bedrock makes a model's prompt of a conversation");
pub(super) const SCHEMA_CHECK: KeyStatus = WorksDifferently(
    "Bedrock holds an answer to its schema where it can, and elsewhere the answer is checked \
     at its end",
);
pub(super) const SHOWN: KeyStatus =
    WorksDifferently("GET /model/info shows it, and the gateway itself does not ask for it");
pub(super) const SHUFFLE: KeyStatus =
    WorksDifferently("deployments are always chosen as simple-shuffle does, by weight, rpm or tpm");
pub(super) const SKIPPED_GUARDRAIL: KeyStatus =
    NoMeaning("no guardrail of LiteLLM looks at requests");
pub(super) const TABLE_NAME: KeyStatus = NoMeaning("TABLE_NAME names the DynamoDB table");
pub(super) const TIER_PRICE: KeyStatus = NotProtected(
    "a service tier costs what the catalog says, or the plain price where the entry sets one",
);
pub(super) const TIME_PRICE: KeyStatus =
    NotProtected("the time of a request costs nothing; its tokens do");
pub(super) const TOOLS_NOT_RUN: KeyStatus =
    NotDone("the gateway runs no tools, such as a web search, itself");
pub(super) const TRUSTED: KeyStatus =
    NotDone("trusted_proxies names the proxies whose X-Forwarded-For is believed");
