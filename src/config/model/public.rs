//! What of an entry of `model_list` may be shown, and to whom.

use serde_json::{Map, Value};
use serde_yaml::Mapping;

/// What the name of a field has in it that says where something is called.
const ADDRESS_PARTS: [&str; 3] = ["endpoint", "api_base", "base_url"];
/// Words in the name of a field that say where something is called.
const ADDRESS_WORDS: [&str; 6] = ["url", "uri", "host", "hostname", "address", "proxy"];

/// What the name of a field has in it that lets somebody in.
const SECRET_PARTS: [&str; 3] = ["secret", "password", "authorization"];
/// Its end.
const SECRET_ENDS: [&str; 3] = ["_token", "api_key", "apikey"];

/// Fields of `litellm_params` without those that tell as whom Bedrock is called, and without secrets.
pub(super) fn params(fields: &Mapping) -> Map<String, Value> {
    let mut shown = json(fields);
    shown.retain(|name, _| !says_as_whom(name));
    hide_secrets(&mut shown);
    shown
}

/// Fields of `model_info` without secrets.
pub(super) fn info(fields: &Mapping) -> Map<String, Value> {
    let mut shown = json(fields);
    hide_secrets(&mut shown);
    shown
}

/// Takes out of fields of an entry, however deep, whatever says where something is called: for those who may use a
/// model, but have no business behind it.
pub fn hide_addresses(fields: &mut Map<String, Value>) {
    fields.retain(|name, value| {
        // What can be done with addresses is said by `true`, not by a text.
        let is_text = matches!(value, Value::String(_) | Value::Array(_) | Value::Object(_));
        !(is_text && is_address(name)) && hide_addresses_in(value)
    });
}

/// False: the value is an address itself.
fn hide_addresses_in(value: &mut Value) -> bool {
    match value {
        Value::String(text) => return !text.contains("://"),
        Value::Object(fields) => hide_addresses(fields),
        Value::Array(items) => items.retain_mut(hide_addresses_in),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    true
}

fn says_as_whom(name: &str) -> bool {
    let is_place = matches!(name, "aws_region_name" | "aws_bedrock_runtime_endpoint");
    name.starts_with("aws_") && !is_place
}

fn hide_secrets(fields: &mut Map<String, Value>) {
    fields.retain(|name, _| !is_secret(name));
    for (name, value) in fields {
        hide_secrets_of(value, is_address(name));
    }
}

/// Of a value; `is_address`: its field's name says that it is one.
fn hide_secrets_of(value: &mut Value, is_address: bool) {
    match value {
        Value::Object(inner) => hide_secrets(inner),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| hide_secrets_of(item, is_address)),
        Value::String(text) if is_address => *text = address_without_user(text),
        Value::String(text) => *text = text_without_users(text),
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    let name = plain(name);
    let lets_in = SECRET_PARTS.iter().any(|part| name.contains(part))
        || SECRET_ENDS.iter().any(|end| name.ends_with(end));
    // What a token costs is no secret.
    lets_in && !name.contains("cost")
}

fn is_address(name: &str) -> bool {
    let name = plain(name);
    ADDRESS_PARTS.iter().any(|part| name.contains(part))
        || name.split('_').any(|word| ADDRESS_WORDS.contains(&word))
}

/// A field's name as it is compared: headers are spelled `X-Api-Key`.
fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

/// An address without the user and the password before its host. Whatever it looks like, nothing before its last `@`
/// but the scheme is left.
fn address_without_user(address: &str) -> String {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('@') => (Some(scheme), rest),
        _ => (None, address),
    };
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    match scheme {
        Some(scheme) => format!("{scheme}://{host}"),
        None => host.to_owned(),
    }
}

/// A text whose addresses are all without users and passwords.
fn text_without_users(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part
            .find(|c: char| matches!(c, '/' | '\\' | '?' | '#' | '"') || c.is_whitespace())
            .unwrap_or(part.len());
        let (authority, rest) = part.split_at(end);
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        shown.extend(["://", host, rest]);
    }
    shown
}

fn json(fields: &Mapping) -> Map<String, Value> {
    match serde_json::to_value(fields) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Mapping {
        serde_yaml::from_value(serde_yaml::to_value(value).unwrap()).unwrap()
    }

    #[test]
    fn nobody_sees_secrets_however_deep_or_the_user_of_an_address() {
        let written = json!({
            "model": "bedrock/m",
            "aws_role_name": "arn",
            "aws_bedrock_runtime_endpoint": "https://u:p@ss@h.example:8443/x",
            "api_base": "u:p@h.example",
            "output_cost_per_token": 1,
            "extra_headers": {"Authorization": "Bearer b", "X-Api-Key": "k", "x-team": "blue"},
            "more": [{"password": "p", "see": "http://u:p@one/a@b and https://two"}],
        });
        let shown = json!({
            "model": "bedrock/m",
            "aws_bedrock_runtime_endpoint": "https://h.example:8443/x",
            "api_base": "h.example",
            "output_cost_per_token": 1,
            "extra_headers": {"x-team": "blue"},
            "more": [{"see": "http://one/a@b and https://two"}],
        });
        assert_eq!(Value::Object(params(&fields(written))), shown);
    }

    #[test]
    fn an_address_keeps_its_scheme_its_host_and_its_port_alone() {
        for (address, shown) in [
            ("https://h", "https://h"),
            ("https://u@h:1", "https://h:1"),
            ("https://u:a/b@h", "https://h"),
            ("https:u:p@h", "h"),
            ("u:p@h", "h"),
            ("h:4000", "h:4000"),
            ("u:p@https://h", "https://h"),
        ] {
            assert_eq!(address_without_user(address), shown, "{address}");
        }
    }

    #[test]
    fn addresses_can_be_hidden_whole() {
        let mut shown = json!({
            "model": "bedrock/m",
            "api_base": "h",
            "aws_bedrock_runtime_endpoint": "h",
            "supports_url_context": true,
            "note": "at https://h",
            "notes": ["http://h", {"Base-URL": "h", "rpm": 1}, "plain"],
        });
        hide_addresses(shown.as_object_mut().unwrap());
        let left = json!({
            "model": "bedrock/m",
            "supports_url_context": true,
            "notes": [{"rpm": 1}, "plain"],
        });
        assert_eq!(shown, left);
    }
}
