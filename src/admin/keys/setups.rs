//! What to type for a program to use a key: ready to be copied.

use super::super::texts::texts;

/// A program and what it is set up with.
pub(super) struct Setup {
    pub(super) name: &'static str,
    /// Where it can be copied from.
    pub(super) id: &'static str,
    pub(super) text: String,
}

/// The set-ups of clients, at this address, with this key, for this model.
pub(super) fn setups(base: &str, key: &str, model: &str) -> Vec<Setup> {
    let setup = |name, id, text: String| Setup { name, id, text };
    vec![
        setup(
            "Claude Code",
            "setup-claude-code",
            format!(
                "export ANTHROPIC_BASE_URL={base}\nexport ANTHROPIC_AUTH_TOKEN={key}\nclaude --model {model}"
            ),
        ),
        setup("Codex", "setup-codex", codex(base, key, model)),
        setup("Cline", "setup-cline", cline(base, key, model)),
        setup("opencode", "setup-opencode", opencode(base, key, model)),
        setup(
            "aider",
            "setup-aider",
            format!(
                "export OPENAI_API_BASE={base}/v1\nexport OPENAI_API_KEY={key}\naider --model openai/{model}"
            ),
        ),
        setup(
            "curl",
            "setup-curl",
            format!(
                "curl {base}/v1/chat/completions \\\n  -H 'Authorization: Bearer {key}' \\\n  \
                 -H 'Content-Type: application/json' \\\n  \
                 -d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'"
            ),
        ),
        setup(
            "Python",
            "setup-python",
            format!(
                "from openai import OpenAI\n\nclient = OpenAI(base_url=\"{base}/v1\", api_key=\"{key}\")\n\
                 reply = client.chat.completions.create(\n    model=\"{model}\",\n    \
                 messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}],\n)\n\
                 print(reply.choices[0].message.content)"
            ),
        ),
        setup(
            "Node",
            "setup-node",
            format!(
                "import OpenAI from \"openai\";\n\n\
                 const client = new OpenAI({{ baseURL: \"{base}/v1\", apiKey: \"{key}\" }});\n\
                 const reply = await client.chat.completions.create({{\n  model: \"{model}\",\n  \
                 messages: [{{ role: \"user\", content: \"Hello\" }}],\n}});\n\
                 console.log(reply.choices[0].message.content);"
            ),
        ),
    ]
}

fn codex(base: &str, key: &str, model: &str) -> String {
    format!(
        "# ~/.codex/config.toml\nmodel = \"{model}\"\nmodel_provider = \"bedrock-sidecar\"\n\
         [model_providers.bedrock-sidecar]\nname = \"bedrock-sidecar\"\nbase_url = \"{base}/v1\"\n\
         env_key = \"BEDROCK_SIDECAR_KEY\"\nwire_api = \"responses\"\n\n\
         # and in the shell: export BEDROCK_SIDECAR_KEY={key}"
    )
}

fn cline(base: &str, key: &str, model: &str) -> String {
    let t = &texts().keys;
    let fields = [
        (t.cline_provider, "LiteLLM"),
        (t.cline_url, base),
        (t.cline_key, key),
        (t.cline_model, model),
    ];
    let lines = fields.map(|(field, value)| format!("{field}: {value}"));
    lines.join("\n")
}

fn opencode(base: &str, key: &str, model: &str) -> String {
    format!(
        "// opencode.json\n{{\n  \"provider\": {{\n    \"bedrock-sidecar\": {{\n      \
         \"npm\": \"@ai-sdk/openai-compatible\",\n      \
         \"options\": {{ \"baseURL\": \"{base}/v1\", \"apiKey\": \"{key}\" }},\n      \
         \"models\": {{ \"{model}\": {{}} }}\n    }}\n  }},\n  \"model\": \"bedrock-sidecar/{model}\"\n}}"
    )
}
