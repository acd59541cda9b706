//! `output_config`: effort, and answers by a schema; schemas that are compiled.

use serde_json::Value;

use super::{
    super::{super::json::at, super::validate::schemas, MessagesCall},
    MessagesRefusal, MessagesRule, extra, only, refuse, required,
};

pub(super) const RULES: &[MessagesRule] = &[
    MessagesRule {
        name: "effort",
        source: "Anthropic's page on effort; own words where the model has none",
        check: effort,
    },
    MessagesRule {
        name: "answers by a schema",
        source: "Anthropic's and other matrices: Bedrock has them on 4.5 and 4.6; sources disagree for some newer models",
        check: format,
    },
    MessagesRule {
        name: "what is compiled",
        source: "Anthropic's page on structured outputs",
        check: compiled,
    },
];

const LEVELS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];

fn effort(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let config = at(request.body, "/output_config");
    only(config, &["effort", "format"], "output_config")?;
    let Some(effort) = config.get("effort") else {
        return Ok(());
    };
    let claude = request.claude();
    if !request.model.abilities.effort {
        return refuse("This model does not support the effort parameter.");
    }
    let is_known = |level: &&str| match *level {
        "xhigh" => claude.is_new(),
        "max" => claude.since_4_6(),
        _ => true,
    };
    let levels: Vec<&str> = LEVELS.into_iter().filter(is_known).collect();
    if !levels.iter().any(|level| effort == level) {
        let levels: Vec<String> = levels.iter().map(|level| format!("'{level}'")).collect();
        return refuse(format!(
            "output_config.effort: Input should be {}",
            levels.join(" or ")
        ));
    }
    Ok(())
}

fn format(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let format = at(request.body, "/output_config/format");
    if format.is_null() {
        return Ok(());
    }
    let claude = request.claude();
    if claude.is_new() || !claude.since_4_5() || !request.model.abilities.json_schema {
        return extra("output_config.format");
    }
    if at(format, "/type") != "json_schema" {
        return refuse("output_config.format.type: Input should be 'json_schema'");
    }
    only(format, &["type", "schema"], "output_config.format")?;
    match at(format, "/schema") {
        Value::Object(_) => Ok(()),
        _ => required("output_config.format.schema"),
    }
}

fn compiled(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    for (n, tool) in request.tools().iter().enumerate() {
        let schema = at(tool, "/input_schema");
        if !schema.is_null() && !schemas::is_well_formed(schema) {
            return refuse(schemas::invalid(n));
        }
        if !schemas::has_legal_keys(schema) {
            return refuse(schemas::illegal_key(n));
        }
    }
    let strict = request.tools().iter().enumerate();
    let strict = strict.filter(|(_, tool)| at(tool, "/strict") == true);
    let strict = strict.map(|(n, tool)| (format!("tools.{n}.custom"), at(tool, "/input_schema")));
    let format = at(request.body, "/output_config/format/schema");
    let format = (!format.is_null()).then(|| ("output_config.format.schema".to_owned(), format));
    let enforced = strict
        .chain(format)
        .map(|(place, schema)| (place, schema.clone()));
    let enforced: Vec<(String, Value)> = enforced.collect();
    schemas::check_compilable(&enforced).or_else(refuse)?;
    schemas::check_size(&enforced).or_else(refuse)
}
