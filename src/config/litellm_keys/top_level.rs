//! The keys at the top of the file.

use super::LitellmSupport::{NoMeaning, NotDone, NotProtected, Works};
use super::reasons::*;
use super::{LitellmKey, Rows, Section};

const ROWS: Rows = Rows(Section::TopLevel);

pub(super) const KEYS: &[LitellmKey] = &[
    ROWS.key("agent_list", AGENTS_NOT_DONE),
    ROWS.key("agents", AGENTS_NOT_DONE),
    ROWS.key("assistant_settings", NO_ASSISTANTS),
    ROWS.key("callback_settings", NO_CALLBACKS),
    ROWS.key("credential_list", CREDENTIALS_BESIDE),
    ROWS.key("default_vertex_config", OTHER_PROVIDERS),
    ROWS.key("environment_variables", Works),
    ROWS.key("files_settings", NotDone("files are not served")),
    ROWS.key("finetune_settings", NotDone("fine-tuning is not served")),
    ROWS.key("general_settings", Works),
    ROWS.key("guardrails", NO_GUARDRAILS),
    ROWS.key(
        "include",
        NotProtected("these files are not read, whatever they protect"),
    ),
    ROWS.key("litellm_settings", Works),
    ROWS.key("mcp_servers", MCP_NOT_DONE),
    ROWS.key("mcp_tools", MCP_NOT_DONE),
    ROWS.key("model_list", Works),
    ROWS.key("openapi", NoMeaning("the API describes itself")),
    ROWS.key("policies", NO_POLICIES),
    ROWS.key("policy_attachments", NO_POLICIES),
    ROWS.key("prompts", NO_PROMPTS),
    ROWS.key("router_settings", Works),
    ROWS.key("sandbox_tools", TOOLS_NOT_RUN),
    ROWS.key("search_tools", TOOLS_NOT_RUN),
    ROWS.key(
        "vector_store_registry",
        NotDone("vector stores are not served"),
    ),
    ROWS.key(
        "worker_registry",
        NotDone("this instance manages no others"),
    ),
];
