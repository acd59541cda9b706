//! The configuration of a gateway under test that is given no other.

/// What Bedrock is asked for when a request names `primary`.
pub const PRIMARY: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
/// The first fallback's model.
pub const BACKUP: &str = "global.anthropic.claude-haiku-4-5-20251001-v1:0";
/// The second fallback's model, of another family.
pub const LAST: &str = "us.amazon.nova-pro-v1:0";

/// A chain of three; no retries, so that a test says how many it wants.
pub const CONFIG: &str = r#"
model_list:
  - model_name: primary
    litellm_params: {model: bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0, aws_region_name: us-east-1}
  - model_name: backup
    litellm_params: {model: bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0, aws_region_name: us-west-2}
  - model_name: last
    litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, aws_region_name: us-east-1}
litellm_settings:
  fallbacks: [{primary: [backup, last]}]
  num_retries: 0
router_settings:
  model_group_alias: {favourite: primary}
"#;
