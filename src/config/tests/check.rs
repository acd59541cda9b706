use super::*;

fn report(source: &str) -> Report {
    report_of(source, false)
}

pub(super) fn report_of(source: &str, strict: bool) -> Report {
    let options = CheckOptions {
        today: TODAY,
        strict,
    };
    Report::new("c.yml", Config::parse("c.yml", source, &|_| None), options)
}

#[test]
fn a_sound_file_is_shown_as_models_chains_and_warnings() {
    let report = report(
        "
model_list:
  - {model_name: sonnet, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0}}
  - {model_name: sonnet, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, aws_region_name: eu-west-1}}
  - {model_name: old, litellm_params: {model: apac.anthropic.claude-3-5-sonnet-20241022-v2:0, aws_region_name: ap-northeast-1}}
  - {model_name: llama, litellm_params: {model: us.meta.llama4-scout-17b-instruct-v1:0}}
  - {model_name: mine, litellm_params: {model: someone.new-v1}}
litellm_settings:
  fallbacks: [{sonnet: [old, llama]}]
  context_window_fallbacks: [{sonnet: [llama]}]
router_settings: {default_model: sonnet, model_group_alias: {best: sonnet}, colour: blue}
",
    );
    assert!(report.sound);
    insta::assert_snapshot!(report.to_string(), @r#"
    c.yml: 4 models, 5 deployments

      MODEL   ON BEDROCK                                      REGION          FORMAT                 CONTEXT  OUTPUT     $ IN    $ OUT  CAN
      sonnet  us.anthropic.claude-sonnet-4-5-20250929-v1:0    us-east-1       by client                 200k     64k      3.3     16.5  caching, thinking, tools, pictures, documents (legacy since 2026-10-08 until 2027-04-08)
      sonnet  us.anthropic.claude-sonnet-4-5-20250929-v1:0    eu-west-1       by client                 200k     64k      3.3     16.5  caching, thinking, tools, pictures, documents (legacy since 2026-10-08 until 2027-04-08)
      old     apac.anthropic.claude-3-5-sonnet-20241022-v2:0  ap-northeast-1  by client                 200k    8192       3*      15*  RETIRED on 2026-07-30
      llama   us.meta.llama4-scout-17b-instruct-v1:0          us-east-1       converse (not Claude)      10M    8192     0.17     0.66  tools (not while streaming), pictures (legacy until 2027-03-30)
      mine    someone.new-v1                                  us-east-1       converse (not Claude)        ?       ?  unknown  unknown  NOT IN THE CATALOG

      Prices are dollars per million tokens.
      * the price of another place: this one's own is not in the catalog.
      FORMAT is how Bedrock is asked. by client: requests to /v1/messages in Claude's own (messages), others by Converse.

    CHAINS: what is asked, in order

      sonnet [also best; for requests that name no model]
        → old (retired)
        → llama
        when the prompt is too long: → llama

      old (retired)

      llama

      mine

    WARNINGS, the most important first

      c.yml:4:50: inference profiles of us cannot be called from eu-west-1 (aws_region_name of an entry, or AWS_REGION for all, says from where): sonnet (us.anthropic.claude-sonnet-4-5-20250929-v1:0)
      c.yml:5:47: only retired models in the chain, which needs a living fallback: old
      c.yml:7:41: not in the catalog: its cost is unknown, and it is taken to have tools and pictures, but neither caching nor thinking (model_info.base_model can name the model behind an id): someone.new-v1
      c.yml:11:77: router_settings.colour: unknown key, ignored

    What works:       3 models: sonnet, llama, mine
    What does not:    no living model that can be called behind old
    What to do next:  give old another model or a fallback; what WARNINGS names says why
    "#);
}

#[test]
fn what_is_no_chat_model_or_has_no_day_is_shown_as_that() {
    let report = report(
        "
model_list:
  - {model_name: embed, litellm_params: {model: us.cohere.embed-v4:0}}
  - {model_name: order, litellm_params: {model: cohere.rerank-v3-5:0}}
  - {model_name: marengo, litellm_params: {model: us.twelvelabs.marengo-embed-3-0-v1:0}}
  - {model_name: canvas, litellm_params: {model: amazon.nova-canvas-v1:0}}
  - {model_name: titan, litellm_params: {model: amazon.titan-text-express-v1}}
  - {model_name: opus, litellm_params: {model: us.anthropic.claude-opus-4-1-20250805-v1:0}}
  - {model_name: gpt, litellm_params: {model: us.openai.gpt-5.4}}
  - {model_name: embed, litellm_params: {model: amazon.titan-embed-text-v2:0}}
  - {model_name: embed, litellm_params: {model: cohere.embed-v4:0, aws_region_name: us-west-2}}
litellm_settings: {fallbacks: [{canvas: [opus]}, {titan: [opus]}, {embed: [marengo]}]}
",
    );
    assert!(report.sound);
    let text = report.to_string();
    for shown in [
        "128k       0     0.12        0  vectors of 1536, 1024, 512, 256\n",
        "4096       0        0        0  the order of documents, $0.002 for 100\n",
        "?       ?  unknown  unknown  NO CHAT MODEL (embedding)\n",
        "?       ?  unknown  unknown  RETIRED on 2026-09-30\n",
        "0.2      0.6  RETIRED on an unknown day\n",
        "documents (legacy since 2026-07-08 until 2027-01-08)\n",
        "not served by Converse, as AWS's model card has it: gpt (us.openai.gpt-5.4)\n",
        "calling it fails, for nothing here knows how to ask this model of the kind embedding: marengo (us.twelvelabs.marengo-embed-3-0-v1:0)\n",
        "never asked in its place, for another model's vectors do not fit among its own: embed (amazon.titan-embed-text-v2:0), marengo (us.twelvelabs.marengo-embed-3-0-v1:0): embed\n",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(!text.contains("only retired models"), "{text}");
}

#[test]
fn the_format_in_which_each_deployment_is_asked_is_shown_with_its_reason() {
    let report = report(
        "
model_list:
  - {model_name: free, litellm_params: {model: bedrock/converse/us.anthropic.claude-opus-5-5}}
  - {model_name: own, litellm_params: {model: us.anthropic.claude-opus-5-5, dialect: messages}}
  - {model_name: pinned, litellm_params: {model: us.anthropic.claude-opus-5-5, dialect: converse}}
  - {model_name: guarded, litellm_params: {model: us.anthropic.claude-opus-5-5, dialect: messages, guardrailConfig: {guardrailIdentifier: g, guardrailVersion: '1'}}}
  - {model_name: nova, litellm_params: {model: us.amazon.nova-pro-v1:0, dialect: messages}}
  - {model_name: order, litellm_params: {model: cohere.rerank-v3-5:0}}
  - {model_name: \"all-*\", litellm_params: {model: bedrock/us.anthropic.*}}
",
    );
    let text = report.to_string();
    let expected = [
        ("free", "  by client  ", Some(("messages", "converse"))),
        (
            "own",
            "  messages (dialect)  ",
            Some(("messages", "messages")),
        ),
        (
            "pinned",
            "  converse (dialect)  ",
            Some(("converse", "converse")),
        ),
        (
            "guarded",
            "  converse (guardrail)  ",
            Some(("converse", "converse")),
        ),
        (
            "nova",
            "  converse (not Claude)  ",
            Some(("converse", "converse")),
        ),
        ("order", " us-east-1  ", None),
        ("all-*", " us-east-1  ", None),
    ];
    let json = serde_json::to_value(&report).unwrap();
    for (name, shown, choice) in expected {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(name));
        assert!(
            line.is_some_and(|line| line.contains(shown)),
            "{name}: {text}"
        );
        let models = json["models"].as_array().unwrap();
        let row = models.iter().find(|row| row["model"] == name).unwrap();
        let dialect = &row["dialect"];
        let choice = choice.map_or(serde_json::Value::Null, |(for_messages, for_others)| {
            assert!(dialect["reason"].as_str().unwrap().len() > 10);
            serde_json::json!({"for_messages": for_messages, "for_others": for_others, "reason": dialect["reason"]})
        });
        assert_eq!(*dialect, choice, "{name}");
    }
    for warning in [
        "c.yml:6:51: dialect: messages has no effect, for Bedrock refuses a guardrail in that format: guarded",
        "c.yml:7:48: dialect: messages has no effect, for only Claude can be asked in that format: nova",
    ] {
        assert!(text.contains(warning), "{warning}: {text}");
    }
}

#[test]
fn a_pattern_is_shown_with_what_it_stands_for() {
    let report = report(
        "
model_list:
  - {model_name: \"claude-*\", litellm_params: {model: bedrock/us.anthropic.claude-*}}
  - {model_name: pro, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}}
litellm_settings: {fallbacks: [{\"claude-*\": [pro]}, {pro: [claude-opus-5-5]}]}
",
    );
    let text = report.to_string();
    let mut words = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let stands_for = "claude-* us.anthropic.claude-* us-east-1 ? ? unknown unknown whatever is asked for, such as ";
    assert!(words.any(|line| line.starts_with(stands_for)), "{text}");
    assert!(
        text.contains("  claude-*\n    → pro\n\n  pro\n    → claude-opus-5-5\n"),
        "{text}"
    );
    assert!(!text.contains("price of another place") && !text.contains("WARNINGS"));
}

#[test]
fn an_unsound_file_is_shown_as_its_error() {
    let report = report("model_list: []\n");
    assert!(!report.sound);
    insta::assert_snapshot!(report.to_string());
}

#[test]
fn the_bundled_files_give_no_concern() {
    for (name, source) in BUNDLED {
        let (config, _) = Config::parse(name, source, &|_| None).unwrap();
        assert_eq!(config.warnings(TODAY), Vec::new(), "{name}");
    }
}
