use super::*;
use crate::catalog::{Catalog, LifecycleState};

fn bundled(name: &str) -> Config {
    let (config, warnings) = load(name, &|_| None).unwrap();
    assert_eq!(warnings, [], "{name}");
    config
}

const WORKSHOP: &str = "bedrock-converse-us-claude-3-7-sonnet-v1";

#[test]
fn bundled_files_load_without_a_word_and_know_all_their_models() {
    for (name, _) in BUNDLED {
        let config = bundled(name);
        assert!(
            config
                .deployments()
                .all(|d| d.model.known && d.model.price.is_some()),
            "{name}"
        );
        assert_eq!(config.settings.request_timeout.as_secs(), 30);
        assert!(config.settings.drop_params);
        assert!(!config.general.store_prompts);
        assert_eq!(
            config.routing.default_model.as_deref(),
            Some("claude-sonnet-5-5")
        );
    }
    assert_eq!(bundled("default_config.yml").settings.num_retries, 2);
    assert_eq!(bundled("iam_role_config.yml").settings.num_retries, 2);
}

#[test]
fn what_claude_code_asks_for_by_itself_is_a_model_of_every_file() {
    for (name, _) in BUNDLED {
        let config = bundled(name);
        let group = |model: &str| config.resolve_name(model).map(str::to_owned);
        for model in ["claude-sonnet-4-6", "claude-3-7-sonnet-latest"] {
            assert_eq!(
                group(model).as_deref(),
                Some("claude-sonnet-5-5"),
                "{name}: {model}"
            );
        }
        for model in ["claude-haiku-4-5-20251001", "claude-3-5-haiku-20241022"] {
            assert_eq!(
                group(model).as_deref(),
                Some("claude-haiku-5-5"),
                "{name}: {model}"
            );
        }
        assert_eq!(
            group("claude-sonnet-4-5").as_deref(),
            Some("claude-sonnet-4-5")
        );
        assert!(group("claude-opus-4-7").is_some(), "{name}");
        assert_eq!(group("gpt-5"), None);
        assert!(
            !config
                .listed_names(TODAY)
                .iter()
                .any(|name| name.contains('*'))
        );
    }
}

#[test]
fn the_workshops_names_keep_their_models_and_end_in_a_living_sonnet() {
    let old = [
        (
            WORKSHOP,
            "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
            "us-east-1",
        ),
        (
            "bedrock-us-claude-3-5-sonnet-v2",
            "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
            "us-east-1",
        ),
        (
            "bedrock-apac-claude-3-5-sonnet-v2",
            "apac.anthropic.claude-3-5-sonnet-20241022-v2:0",
            "ap-northeast-1",
        ),
        (
            "bedrock-claude-3-5-sonnet-v1",
            "anthropic.claude-3-5-sonnet-20240620-v1:0",
            "us-east-1",
        ),
    ];
    for file in ["default_config.yml", "iam_role_config.yml"] {
        let config = bundled(file);
        for (name, id, region) in old {
            let deployment = &config.group(name).unwrap().deployments[0];
            assert_eq!(
                (deployment.model_id.as_str(), deployment.region.as_str()),
                (id, region)
            );
            assert!(deployment.model.lifecycle.is_over(TODAY));
            let fallbacks = config.fallbacks_of(name, FallbackKind::General);
            let last = &config.group(fallbacks.last().unwrap()).unwrap().deployments[0];
            assert!(
                last.model.lifecycle.on(TODAY) == LifecycleState::Active
                    && last.model.id.contains("sonnet"),
                "{name}"
            );
        }
        assert_eq!(
            config.fallbacks_of(WORKSHOP, FallbackKind::General),
            [old[1].0, old[2].0, old[3].0, "claude-sonnet-5-5"]
        );
        assert_eq!(
            config.fallbacks_of("claude-sonnet-5-5", FallbackKind::General),
            [
                "claude-sonnet-5-5-global",
                "claude-sonnet-4-5",
                "claude-opus-5-5-global"
            ]
        );
        assert_eq!(
            config.resolve_name("claude-sonnet"),
            Some("claude-sonnet-5-5")
        );
    }
}

#[test]
fn prompt_caching_never_leaves_the_models_that_cache() {
    let config = bundled("prompt_caching.yml");
    assert_eq!(
        config.fallbacks_of(WORKSHOP, FallbackKind::General),
        ["claude-sonnet-5-5"]
    );
    assert!(
        config
            .deployments()
            .all(|d| d.model.abilities.caching.is_some())
    );
    assert!(
        config
            .deployments()
            .all(|d| d.defaults.caching == CachePolicy::Planned)
    );
}

#[test]
fn keys_come_from_the_environment_in_the_default_file_only() {
    let environment = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("x".to_owned()),
        "AWS_REGION_NAME" => Some("eu-central-1".to_owned()),
        _ => None,
    };
    let (local, _) = load("default_config.yml", &environment).unwrap();
    assert!(
        local
            .deployments()
            .all(|d| matches!(d.credentials, Credentials::Keys { .. }))
    );
    let (role, _) = load("iam_role_config.yml", &environment).unwrap();
    assert!(
        role.deployments()
            .all(|d| d.credentials == Credentials::Default)
    );
    let global = role.group("claude-sonnet-5-5-global").unwrap();
    assert_eq!(global.deployments[0].region, "eu-central-1");
}

#[test]
fn a_file_on_disk_goes_before_a_bundled_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.yml");
    std::fs::write(&path, one("")).unwrap();
    let (config, _) = load(path.to_str().unwrap(), &|_| None).unwrap();
    assert_eq!(config.groups().len(), 1);
    let error = load("mine.yml", &|_| None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "mine.yml: no such file, and not one of the bundled ones: default_config.yml, iam_role_config.yml, prompt_caching.yml"
    );
}

/// The newest generation in the catalog is the one the files recommend.
#[test]
fn the_recommended_models_are_in_the_catalog() {
    for id in [
        "us.anthropic.claude-sonnet-5-5",
        "global.anthropic.claude-opus-5-5",
        "us.anthropic.claude-haiku-5-5",
    ] {
        let model = Catalog::bundled().resolve(id, None, None);
        assert!(model.known && !model.price.unwrap().from_base, "{id}");
    }
}
