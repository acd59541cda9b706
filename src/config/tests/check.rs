use super::*;

fn report(source: &str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.yml");
    std::fs::write(&path, source).unwrap();
    let mut report = super::super::check(path.to_str().unwrap(), &|_| None, TODAY);
    report.text = report.text.replace(path.to_str().unwrap(), "c.yml");
    report
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
    insta::assert_snapshot!(report.text, @r#"
    c.yml: 4 models, 5 deployments

      MODEL   ON BEDROCK                                      REGION          CONTEXT  OUTPUT     $ IN    $ OUT  CAN
      sonnet  us.anthropic.claude-sonnet-4-5-20250929-v1:0    us-east-1          200k     64k      3.3     16.5  caching, thinking, tools, pictures, documents (until 2027-04-08)
      sonnet  us.anthropic.claude-sonnet-4-5-20250929-v1:0    eu-west-1          200k     64k      3.3     16.5  caching, thinking, tools, pictures, documents (until 2027-04-08)
      old     apac.anthropic.claude-3-5-sonnet-20241022-v2:0  ap-northeast-1     200k    8192       3*      15*  RETIRED on 2026-07-30
      llama   us.meta.llama4-scout-17b-instruct-v1:0          us-east-1           10M    8192     0.17     0.66  tools (not while streaming), pictures (until 2027-03-30)
      mine    someone.new-v1                                  us-east-1             ?       ?  unknown  unknown  NOT IN THE CATALOG

      Prices are dollars per million tokens.
      * the price of the base model: this profile's own is not in the catalog.

    CHAINS: what is asked, in order

      sonnet [also best; for requests that name no model]
        → old (retired)
        → llama
        when the prompt is too long: → llama

      old (retired)

      llama

      mine

    WARNINGS

      c.yml:7:41: model someone.new-v1 is not in the catalog: its cost is unknown and it is taken to have tools and pictures, but neither caching nor thinking. model_info.base_model can name the model behind it
      c.yml:11:77: router_settings.colour: unknown key, ignored
      sonnet: a us inference profile cannot be called from eu-west-1
      only retired models in the chain of old: give it a living fallback
    "#);
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
    let stands_for = "us.anthropic.claude-*    us-east-1        ?       ?  unknown  unknown  whatever is asked for, such as ";
    assert!(report.text.contains(stands_for), "{}", report.text);
    assert!(
        report
            .text
            .contains("  claude-*\n    → pro\n\n  pro\n    → claude-opus-5-5\n"),
        "{}",
        report.text
    );
    assert!(!report.text.contains("price of the base model") && !report.text.contains("WARNINGS"));
}

#[test]
fn an_unsound_file_is_shown_as_its_error() {
    let report = report("model_list: []\n");
    assert!(!report.sound);
    assert_eq!(
        report.text,
        "c.yml:1:13: model_list: found no models, expected at least one\n"
    );
}

#[test]
fn the_bundled_files_give_no_concern() {
    for (name, source) in BUNDLED {
        let (config, _) = Config::parse(name, source, &|_| None).unwrap();
        assert_eq!(config.warnings(TODAY), Vec::<String>::new(), "{name}");
    }
}
