//! Files and what they mean. Every test brings its own environment.

use super::*;

mod bundled;
mod check;
mod documented;
mod errors;
mod identity;
mod litellm_files;
mod migrate;
mod models;
mod names;
mod patterns;
mod values;

/// Variables, as pairs.
type Pairs<'a> = &'a [(&'a str, &'a str)];

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 23);

/// Reads a file in an environment of pairs.
fn parse_in(source: &str, pairs: Pairs<'_>) -> Result<(Config, Vec<String>), String> {
    let environment = |name: &str| {
        let pair = pairs.iter().find(|(known, _)| *known == name);
        pair.map(|(_, value)| (*value).to_owned())
    };
    match Config::parse("c.yml", source, &environment) {
        Ok((config, warnings)) => {
            let warnings = warnings.iter().map(ToString::to_string).collect();
            Ok((config, warnings))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// A sound file, which must have nothing to warn of.
fn sound(source: &str) -> Config {
    let (config, warnings) = parse_in(source, &[]).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    config
}

/// A file of one deployment with these `litellm_params` beside its model.
fn one(params: &str) -> String {
    format!(
        "model_list:\n  - model_name: a\n    litellm_params:\n      model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0\n{params}"
    )
}

fn first(config: &Config) -> &Deployment {
    config.deployments().next().unwrap()
}
