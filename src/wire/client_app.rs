//! Which program a request comes from, for reports: one of a closed list, so that no client makes up names for rows of
//! the totals.

use http::HeaderMap;

/// The programs that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientApp {
    /// Anthropic's agent.
    ClaudeCode,
    /// The agent in VS Code and on the command line.
    Cline,
    /// OpenAI's agent.
    Codex,
    /// The agent of the terminal.
    Opencode,
    /// Pair programming in the terminal.
    Aider,
    /// OpenAI's SDK in any language.
    OpenAiSdk,
    /// Anthropic's SDK in any language.
    AnthropicSdk,
    /// Vercel's AI SDK.
    VercelAiSdk,
    /// LiteLLM, as a library or as a proxy before this gateway.
    LiteLlm,
    /// A page in a browser.
    Browser,
    /// Any other.
    #[default]
    Other,
}

/// The header in which a client that cannot be told by its own may name itself by a word of the list.
const NAMED: &str = "x-sidecar-client";

/// What the user agents of programs begin with, in lower case. An agent stands before the SDK that it may be made of.
const USER_AGENTS: [(&str, ClientApp); 15] = [
    ("claude-cli/", ClientApp::ClaudeCode),
    ("claude-code/", ClientApp::ClaudeCode),
    ("cline/", ClientApp::Cline),
    ("codex", ClientApp::Codex),
    ("opencode/", ClientApp::Opencode),
    ("aider", ClientApp::Aider),
    ("litellm/", ClientApp::LiteLlm),
    ("openai/", ClientApp::OpenAiSdk),
    ("asyncopenai/", ClientApp::OpenAiSdk),
    ("anthropic", ClientApp::AnthropicSdk),
    ("asyncanthropic", ClientApp::AnthropicSdk),
    ("ai-sdk/", ClientApp::VercelAiSdk),
    ("ai/", ClientApp::VercelAiSdk),
    ("mozilla/", ClientApp::Browser),
    ("opera/", ClientApp::Browser),
];

impl ClientApp {
    /// All of them.
    pub const ALL: [ClientApp; 11] = [
        ClientApp::ClaudeCode,
        ClientApp::Cline,
        ClientApp::Codex,
        ClientApp::Opencode,
        ClientApp::Aider,
        ClientApp::OpenAiSdk,
        ClientApp::AnthropicSdk,
        ClientApp::VercelAiSdk,
        ClientApp::LiteLlm,
        ClientApp::Browser,
        ClientApp::Other,
    ];

    /// The program that these headers are of: as it names itself, else by the headers that only it sends, else by its
    /// user agent.
    pub fn of(headers: &HeaderMap) -> ClientApp {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let is_of = |name: &str, word: &str| text(name).is_some_and(|text| begins(text, word));
        if let Some(app) = text(NAMED).and_then(ClientApp::named) {
            return app;
        }
        if headers.contains_key("x-claude-code-session-id") {
            return ClientApp::ClaudeCode;
        }
        if is_of("originator", "codex") {
            return ClientApp::Codex;
        }
        if is_of("x-title", "aider") || is_of("http-referer", "https://aider.chat") {
            return ClientApp::Aider;
        }
        if is_of("x-title", "cline") || is_of("http-referer", "https://cline.bot") {
            return ClientApp::Cline;
        }
        let agent = text("user-agent").unwrap_or_default();
        let mut known = USER_AGENTS.iter();
        let known = known.find(|(beginning, _)| begins(agent, beginning));
        known.map_or(ClientApp::Other, |(_, app)| *app)
    }

    fn named(word: &str) -> Option<ClientApp> {
        let mut apps = ClientApp::ALL.into_iter();
        apps.find(|app| app.as_str().eq_ignore_ascii_case(word.trim()))
    }

    /// Its word in records and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            ClientApp::ClaudeCode => "claude-code",
            ClientApp::Cline => "cline",
            ClientApp::Codex => "codex",
            ClientApp::Opencode => "opencode",
            ClientApp::Aider => "aider",
            ClientApp::OpenAiSdk => "openai-sdk",
            ClientApp::AnthropicSdk => "anthropic-sdk",
            ClientApp::VercelAiSdk => "vercel-ai-sdk",
            ClientApp::LiteLlm => "litellm",
            ClientApp::Browser => "browser",
            ClientApp::Other => "other",
        }
    }
}

fn begins(text: &str, word: &str) -> bool {
    let beginning = text.get(..word.len());
    beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(headers: &[(&str, &str)]) -> &'static str {
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        ClientApp::of(&headers.collect::<HeaderMap>()).as_str()
    }

    #[test]
    fn a_program_is_told_by_what_it_sends() {
        let agents = [
            ("claude-cli/2.1.197 (external, sdk-cli)", "claude-code"),
            ("Cline/3.80.0", "cline"),
            (
                "codex_exec/0.169.0 (Debian 12; x86_64) xterm (codex_exec; 0.169.0)",
                "codex",
            ),
            ("codex_cli_rs/0.169.0", "codex"),
            (
                "opencode/1.18.33 ai-sdk/provider-utils/4.0.23 runtime/bun/1.3.14",
                "opencode",
            ),
            ("OpenAI/Python 3.54.0", "openai-sdk"),
            ("AsyncOpenAI/Python 3.54.0", "openai-sdk"),
            ("OpenAI/JS 6.49.0", "openai-sdk"),
            ("Anthropic/Python 2.12.0", "anthropic-sdk"),
            ("AsyncAnthropic/Python 2.12.0", "anthropic-sdk"),
            (
                "ai/6.0.326 ai-sdk/provider-utils/4.0.66 runtime/node.js/v20.20.2",
                "vercel-ai-sdk",
            ),
            (
                "ai-sdk/openai-compatible/3.0.37 runtime/bun/1.3.13",
                "vercel-ai-sdk",
            ),
            ("litellm/1.106.2", "litellm"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "browser"),
            ("curl/8.5.0", "other"),
            ("", "other"),
        ];
        for (agent, expected) in agents {
            assert_eq!(app(&[("user-agent", agent)]), expected, "{agent}");
        }
        let sdk = ("user-agent", "OpenAI/Python 2.20.0");
        for (header, expected) in [
            (("x-claude-code-session-id", "1"), "claude-code"),
            (("originator", "codex_vscode"), "codex"),
            (("x-title", "Aider"), "aider"),
            (("http-referer", "https://aider.chat"), "aider"),
            (("http-referer", "https://cline.bot"), "cline"),
            (("x-sidecar-client", "Aider"), "aider"),
            (("x-sidecar-client", "my own"), "openai-sdk"),
        ] {
            assert_eq!(app(&[sdk, header]), expected, "{header:?}");
        }
    }
}
