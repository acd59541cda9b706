//! `general_settings`.

use super::LitellmSupport::{NoMeaning, NotDone, NotProtected, Works, WorksDifferently};
use super::reasons::*;
use super::{LitellmKey, Rows, Section};

const ROWS: Rows = Rows(Section::GeneralSettings);

pub(super) const KEYS: &[LitellmKey] = &[
    ROWS.key(
        "admin_only_routes",
        NotProtected(
            "these routes are open to every key; management, spend and GET /health are for the \
             master key alone",
        ),
    ),
    ROWS.key("admission_queue_timeout_seconds", NO_WORKERS),
    ROWS.key("agent_access_default_deny", NO_AGENTS),
    ROWS.key("alert_to_webhook_url", NO_ALERTS),
    ROWS.key("alert_type_config", NO_ALERTS),
    ROWS.key("alert_types", NO_ALERTS),
    ROWS.key("alerting", Works),
    ROWS.key("alerting_args", NO_ALERTS),
    ROWS.key("alerting_threshold", NO_ALERTS),
    ROWS.key("allow_cli_sso_verification_uri_complete", NO_SSO),
    ROWS.key("allow_client_side_credentials", NO_CLIENT_CREDENTIALS),
    ROWS.key(
        "allow_public_health_readiness_details",
        NotDone("GET /health/readiness says nothing but the version, to everybody"),
    ),
    ROWS.key(
        "allow_requests_on_db_unavailable",
        WorksDifferently(
            "while the table does not answer, the master key is served and other keys get a 503",
        ),
    ),
    ROWS.key("allow_unmanaged_response_ids", NO_REPLIES),
    ROWS.key("allow_user_auth", NO_USERS),
    ROWS.key("allowed_file_extensions", NO_FILES),
    ROWS.key("allowed_ips", Works),
    ROWS.key(
        "allowed_routes",
        NotProtected("every key may call all routes but those that are for the master key alone"),
    ),
    ROWS.key("always_include_stream_usage", Works),
    ROWS.key("apply_user_budget_to_team_keys", Works),
    ROWS.key("auto_redirect_ui_login_to_sso", NO_SSO),
    ROWS.key("background_health_check_model_groups", NO_PROBES),
    ROWS.key(
        "background_health_checks",
        NotDone(
            "deployments are not probed in the background; one that fails requests rests, and \
             GET /health asks each",
        ),
    ),
    ROWS.key("blocked_file_extensions", NO_FILES),
    ROWS.key(
        "cancel_on_disconnect",
        WorksDifferently(
            "an answer is read for drain_timeout after its client has gone, so that its tokens \
             are known",
        ),
    ),
    ROWS.key(
        "claude_code_gateway_managed_settings",
        NotProtected("Claude Code gets no managed settings from the gateway"),
    ),
    ROWS.key(
        "completion_model",
        NotProtected(
            "clients choose the model themselves; the models of a key say which it may ask for",
        ),
    ),
    ROWS.key(
        "control_plane_url",
        NotDone("no other instance manages this one"),
    ),
    ROWS.key("coordination_redis", NO_REDIS),
    ROWS.key(
        "custom_auth",
        NotProtected(
            "your own code does not check requests; the master key and keys made here are let in",
        ),
    ),
    ROWS.key("custom_auth_run_common_checks", LIMITS_CHECKED),
    ROWS.key(
        "custom_auth_settings",
        NoMeaning("custom_auth, which it is about, is not run"),
    ),
    ROWS.key("custom_key_generate", NO_OWN_CHECKS_OF_KEYS),
    ROWS.key("custom_key_policy", NO_OWN_CHECKS_OF_KEYS),
    ROWS.key("custom_key_update", NO_OWN_CHECKS_OF_KEYS),
    ROWS.key("custom_sso", NO_SSO),
    ROWS.key("custom_team_metadata_validate", NO_USERS),
    ROWS.key("custom_ui_sso_sign_in_handler", NO_SSO),
    ROWS.key(
        "dangerously_allow_mock_testing_request_params",
        WorksDifferently("mock_testing_fallbacks and the like always work"),
    ),
    ROWS.key(
        "dangerously_permit_weak_or_unset_master_key",
        WorksDifferently("ALLOW_NO_MASTER_KEY=1 starts without a key, on a loopback address only"),
    ),
    ROWS.key("database_args", TABLE_NAME),
    ROWS.key("database_connect_timeout", NO_SQL),
    ROWS.key("database_connection_pool_limit", NO_SQL),
    ROWS.key("database_connection_pool_timeout", NO_SQL),
    ROWS.key("database_connection_timeout", NO_SQL),
    ROWS.key("database_disable_prepared_statements", NO_SQL),
    ROWS.key("database_extra_connection_params", NO_SQL),
    ROWS.key("database_lock_timeout", NO_SQL),
    ROWS.key("database_max_idle_connection_lifetime", NO_SQL),
    ROWS.key("database_socket_timeout", NO_SQL),
    ROWS.key("database_statement_timeout", NO_SQL),
    ROWS.key("database_type", TABLE_NAME),
    ROWS.key("database_url", NO_SQL),
    ROWS.key("default_team_disabled", NO_USERS),
    ROWS.key(
        "disable_adding_master_key_hash_to_db",
        NotDone("records of the master key have its SHA-256"),
    ),
    ROWS.key("disable_auto_add_proxy_admin_to_teams", NO_USERS),
    ROWS.key("disable_batch_input_file_rate_limiting", NO_FILES),
    ROWS.key("disable_bedrock_agent_runtime_passthrough", NO_PASS_THROUGH),
    ROWS.key(
        "disable_budget_reservation",
        WorksDifferently("what an attempt may cost is always held before it begins"),
    ),
    ROWS.key(
        "disable_custom_api_keys",
        NotProtected("the master key may give a new key its text, of 16 characters or more"),
    ),
    ROWS.key(
        "disable_env_credential_login",
        NotProtected(
            "the admin pages stay open to the master key, or to UI_USERNAME and UI_PASSWORD",
        ),
    ),
    ROWS.key(
        "disable_error_logs",
        NotDone("a failed request has a record too"),
    ),
    ROWS.key(
        "disable_fallbacks_on_per_model_rate_limits",
        WorksDifferently("a key over a limit gets a 429, and no fallback is asked"),
    ),
    ROWS.key("disable_key_generate_for_org_admin", NO_USERS),
    ROWS.key(
        "disable_master_key_return",
        WorksDifferently("the master key is never shown"),
    ),
    ROWS.key("disable_model_info_refresh", FROM_FILE),
    ROWS.key(
        "disable_password_login_when_sso_enabled",
        NotProtected("the admin pages stay open to a password"),
    ),
    ROWS.key("disable_prisma_schema_update", NO_SQL),
    ROWS.key(
        "disable_requester_ip_address_logging",
        WorksDifferently("records have no client's address"),
    ),
    ROWS.key(
        "disable_reset_budget",
        NotProtected("a budget starts afresh with every window of its budget_duration"),
    ),
    ROWS.key("disable_responses_id_security", NO_REPLIES),
    ROWS.key(
        "disable_retry_on_max_parallel_request_limit_error",
        WorksDifferently(
            "a deployment that is full is passed over, and a key that is full gets a 429",
        ),
    ),
    ROWS.key(
        "disable_spend_logs",
        NotDone(
            "every request has a record, with its prompt and reply only where that is asked for",
        ),
    ),
    ROWS.key(
        "disable_spend_updates",
        NotDone("what is spent always counts"),
    ),
    ROWS.key("disable_user_auth", NoMeaning("authentication stays on")),
    ROWS.key(
        "drain_endpoint_token",
        NoMeaning("there is no /health/drain"),
    ),
    ROWS.key("embedding_model", CHAT_ONLY),
    ROWS.key(
        "enable_claude_code_gateway",
        NotDone("Claude Code brings a key, it cannot sign in here"),
    ),
    ROWS.key(
        "enable_drain_endpoint",
        NotDone("there is no /health/drain; SIGTERM lets requests under way end"),
    ),
    ROWS.key("enable_health_check_routing", PASSED_OVER),
    ROWS.key(
        "enable_jwt_auth",
        WorksDifferently(
            "an issuer and its audience have to be named (identity, litellm_jwtauth, or JWT_ISSUER with JWT_AUDIENCE), and an \
             admin's bearer token is a member's unless identity.admin_tokens is true",
        ),
    ),
    ROWS.key("enable_mcp_registry", NO_MCP),
    ROWS.key("enable_oauth2_auth", NO_TOKENS),
    ROWS.key("enable_oauth2_proxy_auth", NO_TOKENS),
    ROWS.key("enable_openai_websocket_passthrough", NO_PASS_THROUGH),
    ROWS.key("enable_public_model_hub", LISTED_FOR_KEYS),
    ROWS.key(
        "enforce_fallback_budget",
        WorksDifferently("every attempt has to fit into the budget, those of fallbacks too"),
    ),
    ROWS.key(
        "enforce_fallback_model_access",
        NotProtected("a key may use every model that its own fall back to in this file"),
    ),
    ROWS.key("enforce_rbac", NO_ROLES),
    ROWS.key(
        "enforce_user_param",
        NotProtected("a request without a user is served"),
    ),
    ROWS.key(
        "enforced_params",
        NotProtected("a request without these parameters is served"),
    ),
    ROWS.key(
        "expose_fallback_errors_to_caller",
        WorksDifferently("x-sidecar-trail in the reply says what each attempt came to"),
    ),
    ROWS.key(
        "fail_closed_budget_enforcement",
        WorksDifferently(
            "a budget is always checked in the table, and while it does not answer a key gets \
             a 503",
        ),
    ),
    ROWS.key(
        "fail_closed_rate_limit_enforcement",
        WorksDifferently(
            "limits are always counted in the table, and while it does not answer a key gets a 503",
        ),
    ),
    ROWS.key("failed_login_block_seconds", LOGIN_LIMIT),
    ROWS.key("failed_login_window_seconds", LOGIN_LIMIT),
    ROWS.key("forward_client_headers_to_llm_api", CLIENT_HEADERS),
    ROWS.key("forward_llm_provider_auth_headers", NO_CLIENT_CREDENTIALS),
    ROWS.key("forward_openai_org_id", OTHER_PROVIDERS),
    ROWS.key(
        "global_max_parallel_requests",
        NotProtected(
            "all requests together are not limited; keys and deployments have \
             max_parallel_requests",
        ),
    ),
    ROWS.key("health_check_concurrency", NO_PROBES),
    ROWS.key(
        "health_check_details",
        WorksDifferently("GET /health is open to the master key alone"),
    ),
    ROWS.key("health_check_ignore_transient_errors", NO_PROBES),
    ROWS.key("health_check_interval", NO_PROBES),
    ROWS.key("health_check_skip_disabled_background_models", NO_PROBES),
    ROWS.key("health_check_staleness_threshold", NO_PROBES),
    ROWS.key(
        "hide_default_credentials_hint",
        WorksDifferently("the sign-in page never tells credentials"),
    ),
    ROWS.key("image_generation_model", CHAT_ONLY),
    ROWS.key(
        "include_call_id_in_error_body",
        NotDone("the ids of a request are in the headers of its error, not in the body"),
    ),
    ROWS.key("infer_model_from_keys", FROM_FILE),
    ROWS.key("key_management_settings", NO_SECRET_MANAGER),
    ROWS.key("key_management_system", NO_SECRET_MANAGER),
    ROWS.key("legacy_unscoped_spend_list_endpoints", ADMIN_REPORTS),
    ROWS.key(
        "litellm_jwtauth",
        WorksDifferently(
            "the fields of issuers, user, e-mail, teams and roles are read, users appear by use, and a rule that is not done \
             here refuses every token",
        ),
    ),
    ROWS.key(
        "litellm_key_header_name",
        NotDone("a key comes in Authorization, x-litellm-api-key, api-key or x-api-key"),
    ),
    ROWS.key(
        "litellm_license",
        NoMeaning("no part of the gateway needs a licence key"),
    ),
    ROWS.key("master_key", Works),
    ROWS.key("max_batch_file_records", NO_FILES),
    ROWS.key("max_batch_file_size_mb", NO_FILES),
    ROWS.key("max_batch_file_uploads_per_day", NO_FILES),
    ROWS.key("max_failed_login_attempts", LOGIN_LIMIT),
    ROWS.key("max_failed_login_attempts_per_source", LOGIN_LIMIT),
    ROWS.key(
        "max_failed_login_attempts_per_source_overrides",
        LOGIN_LIMIT,
    ),
    ROWS.key("max_file_downloads_per_minute", NO_FILES),
    ROWS.key("max_file_size_mb", NO_FILES),
    ROWS.key("max_in_flight_requests_per_worker", NO_WORKERS),
    ROWS.key(
        "max_parallel_requests",
        NotProtected(
            "it limits no key and no deployment; each has a max_parallel_requests of its own",
        ),
    ),
    ROWS.key("max_queued_requests_per_worker", NO_WORKERS),
    ROWS.key("max_request_size_mb", Works),
    ROWS.key(
        "max_response_size_mb",
        NotProtected("a reply of any size is passed on; max_tokens limits it"),
    ),
    ROWS.key(
        "maximum_autorouter_session_retention_period",
        NoMeaning("there is no auto-router whose sessions would be kept"),
    ),
    ROWS.key(
        "maximum_daily_tag_spend_retention_period",
        NotDone("the totals of each day, those of tags too, are kept for ever"),
    ),
    ROWS.key("maximum_health_check_retention_period", NO_PROBES),
    ROWS.key("maximum_spend_logs_cleanup_batch_size", NO_CLEANUP),
    ROWS.key("maximum_spend_logs_cleanup_batch_timeout", NO_CLEANUP),
    ROWS.key("maximum_spend_logs_cleanup_cron", NO_CLEANUP),
    ROWS.key("maximum_spend_logs_cleanup_max_batches", NO_CLEANUP),
    ROWS.key("maximum_spend_logs_cleanup_run_budget", NO_CLEANUP),
    ROWS.key("maximum_spend_logs_retention_interval", NO_CLEANUP),
    ROWS.key("maximum_spend_logs_retention_period", Works),
    ROWS.key("mcp_advertised_versions", NO_MCP),
    ROWS.key("mcp_allow_all_keys_respects_mcp_scope", NO_MCP),
    ROWS.key("mcp_allowed_clients", NO_MCP),
    ROWS.key("mcp_client_id_header", NO_MCP),
    ROWS.key("mcp_client_side_auth_header_name", NO_MCP),
    ROWS.key("mcp_disabled_capabilities", NO_MCP),
    ROWS.key("mcp_internal_ip_ranges", NO_MCP),
    ROWS.key("mcp_prefer_client_id_metadata_document", NO_MCP),
    ROWS.key("mcp_require_explicit_server_scope", NO_MCP),
    ROWS.key("mcp_required_fields", NO_MCP),
    ROWS.key("mcp_session_token_signing", NO_MCP),
    ROWS.key("mcp_trusted_proxy_ranges", TRUSTED),
    ROWS.key("mcp_xff_num_trusted_hops", TRUSTED),
    ROWS.key(
        "missing_session_id",
        NotDone("a request without a session's id is served, and its record has none"),
    ),
    ROWS.key(
        "model_list_healthy_only",
        NotDone("models are listed whether or not they are well"),
    ),
    ROWS.key("moderation_model", CHAT_ONLY),
    ROWS.key("oauth2_config_mappings", NO_TOKENS),
    ROWS.key(
        "openai_api_base",
        NoMeaning("every route answers with and without /v1"),
    ),
    ROWS.key("otel", NO_TRACES),
    ROWS.key(
        "pass_through_endpoints",
        NotDone("there are no pass-through routes"),
    ),
    ROWS.key("pass_through_request_timeout", NO_PASS_THROUGH),
    ROWS.key("passthrough_managed_object_ids", NO_PASS_THROUGH),
    ROWS.key("password_policy_check_breached_passwords", NO_USERS),
    ROWS.key("password_policy_min_length", NO_USERS),
    ROWS.key("password_policy_require_lowercase", NO_USERS),
    ROWS.key("password_policy_require_numbers", NO_USERS),
    ROWS.key("password_policy_require_special_characters", NO_USERS),
    ROWS.key("password_policy_require_uppercase", NO_USERS),
    ROWS.key("plugins", NotDone("the admin pages have no plugins")),
    ROWS.key("provider_url_destination_allowed_hosts", NO_DESTINATION),
    ROWS.key("proxy_batch_polling_interval", NO_FILES),
    ROWS.key(
        "proxy_batch_write_at",
        WorksDifferently("every record is written at once"),
    ),
    ROWS.key("proxy_budget_rescheduler_max_time", BY_THE_CLOCK),
    ROWS.key("proxy_budget_rescheduler_min_time", BY_THE_CLOCK),
    ROWS.key("proxy_config_reload_interval_seconds", FROM_FILE),
    ROWS.key(
        "public_routes",
        NotDone("no more routes are open without a key"),
    ),
    ROWS.key(
        "reject_clientside_metadata_tags",
        NotProtected("the tags of a request count in reports beside those of its key"),
    ),
    ROWS.key("require_end_user_mcp_access_defined", NO_MCP),
    ROWS.key("require_key_mcp_access_defined", NO_MCP),
    ROWS.key(
        "responses_websocket_session_limit_seconds",
        NoMeaning("WebSockets are not served"),
    ),
    ROWS.key("role_permissions", NO_ROLES),
    ROWS.key("scheduled_job_stagger", NO_SCHEDULE),
    ROWS.key("scope_spend_list_endpoints_to_caller", ADMIN_REPORTS),
    ROWS.key("search_tool_deny_by_default", NO_TOOLS),
    ROWS.key("search_tools", TOOLS_NOT_RUN),
    ROWS.key(
        "service_account_settings",
        NotProtected("a request without these parameters is served, whoever's key it has"),
    ),
    ROWS.key("skip_batch_input_file_rate_limiting_for_models", NO_FILES),
    ROWS.key(
        "skip_batch_input_file_rate_limiting_for_providers",
        NO_FILES,
    ),
    ROWS.key(
        "spend_capture_rate_check",
        NotDone("spend is not compared with what AWS bills"),
    ),
    ROWS.key(
        "spend_logs_metadata_fields",
        NotProtected(
            "records keep all that is known of the caller: key, user, end user, agent, client \
             program",
        ),
    ),
    ROWS.key(
        "spend_report_frequency",
        NotDone("no reports are sent; they can be read at any time"),
    ),
    ROWS.key(
        "sse_keepalive_ping_interval_seconds",
        NotDone("litellm_settings and router_settings take it"),
    ),
    ROWS.key("store_model_in_db", FROM_FILE),
    ROWS.key("store_prompts_in_spend_logs", Works),
    ROWS.key("supported_db_objects", FROM_FILE),
    ROWS.key("team_metadata_schema", NO_USERS),
    ROWS.key("team_metadata_validation_error_message", NO_USERS),
    ROWS.key("team_metadata_validation_timeout", NO_USERS),
    ROWS.key(
        "token_rate_limit_type",
        WorksDifferently("tokens of prompts and of answers count together"),
    ),
    ROWS.key("tracing", NO_TRACES),
    ROWS.key("track_unmanaged_batch_cost", NO_FILES),
    ROWS.key("transcribe_media_buckets", NO_PASS_THROUGH),
    ROWS.key("trusted_proxy_ranges", TRUSTED),
    ROWS.key(
        "ui_access_mode",
        NotProtected(
            "it does not limit who may open the admin pages: whoever has their login or the master \
             key may, and nobody else",
        ),
    ),
    ROWS.key("use_azure_key_vault", NO_SECRET_MANAGER),
    ROWS.key(
        "use_client_credentials_pass_through_routes",
        NO_PASS_THROUGH,
    ),
    ROWS.key("use_google_kms", NO_SECRET_MANAGER),
    ROWS.key("use_redis_transaction_buffer", NO_REDIS),
    ROWS.key("use_shared_health_check", NO_REDIS),
    ROWS.key("use_spend_logs_partitioning", NO_SQL),
    ROWS.key("use_team_public_model_name", NO_USERS),
    ROWS.key("use_x_forwarded_for", TRUSTED),
    ROWS.key(
        "user_api_key_cache_max_size",
        NoMeaning("how many keys are remembered is fixed"),
    ),
    ROWS.key(
        "user_api_key_cache_ttl",
        WorksDifferently("a key is read again after 10 s at the latest"),
    ),
    ROWS.key("user_header_mappings", END_USER),
    ROWS.key("user_header_name", END_USER),
    ROWS.key("user_mcp_management_mode", NO_MCP),
    ROWS.key("user_url_allowed_hosts", PICTURE_HOSTS),
    ROWS.key("user_url_validation", PICTURES_CHECKED),
    ROWS.key("vector_store_deny_by_default", NO_VECTOR_STORES),
];
