//! `general_settings.identity`, and the reference system's words for it.

use super::*;
use crate::config::{Preset, TokenAlgorithm, TokenKind};

/// A file with these lines in its `general_settings`.
fn file(lines: &str) -> String {
    let models =
        "model_list: [{model_name: a, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}}]\n";
    format!("{models}general_settings:\n{lines}")
}

/// The same with an issuer of these fields.
fn issuer(fields: &str) -> String {
    file(&format!(
        "  identity:\n    issuers:\n      - {{{fields}}}\n"
    ))
}

fn error(source: &str) -> String {
    Config::parse("c.yml", source, &|_| None)
        .unwrap_err()
        .to_string()
}

#[test]
fn what_would_let_strangers_in_stops_the_start_and_says_what_would_be_right() {
    let entra = "https://login.microsoftonline.com/1-2/v2.0";
    let rows = [
        (
            "audience: g",
            "general_settings.identity.issuers[0]: the field `issuer` is missing",
        ),
        (
            "issuer: 'http://idp.example', audience: g",
            "expected an address that begins with https://",
        ),
        ("issuer: idp.example, audience: g", "expected a URL"),
        (
            "issuer: 'https://u:p@idp.example', audience: g",
            "found a user name in issuer",
        ),
        (
            "issuer: 'https://idp.example?x=1', audience: g",
            "a query or a fragment",
        ),
        (
            "issuer: 'https://idp.example'",
            "expected an audience, or sign_in",
        ),
        (
            "issuer: 'https://idp.example', audience: ['']",
            "found an empty audience",
        ),
        (
            "issuer: 'https://idp.example', audience: g, algorithms: [HS256]",
            "unknown variant `HS256`",
        ),
        (
            "issuer: 'https://idp.example', audience: g, algorithms: []",
            "found no algorithm",
        ),
        (
            "issuer: 'https://idp.example', audience: g, jwks: 'http://idp.example/keys'",
            "begins with https://",
        ),
        (
            "issuer: 'https://idp.example', audience: g, requierd: {a: b}",
            "unknown field `requierd`",
        ),
        (
            "issuer: 'https://idp.example', audience: g, required: {a: []}",
            "found no value for the claim a",
        ),
        (
            "issuer: 'https://idp.example', audience: g, claims: {user: ''}",
            "a claim's name, or a list of them",
        ),
        (
            "issuer: 'https://idp.example', audience: g, team_map: {a: b}",
            "expected claims.teams beside it",
        ),
        (
            "issuer: 'https://idp.example', audience: g, token_use: id",
            "which only the preset cognito has",
        ),
        (
            "issuer: 'https://idp.example', audience: g, roles: {owner: {a: b}}",
            "unknown field `owner`",
        ),
        (
            "issuer: 'https://login.microsoftonline.com/common/v2.0', audience: g",
            "all of Microsoft's tenants",
        ),
        (
            &format!("issuer: '{entra}', preset: entra, audience: g, allowed_email_domains: [a.b]"),
            "its e-mail claim is no proof",
        ),
        (
            "issuer: 'https://accounts.google.com', audience: g",
            "anybody can have an account at Google",
        ),
        (
            "issuer: 'https://x.tokens.sts.global.api.aws', preset: aws-sts, audience: g",
            "expected required with sub",
        ),
        (
            "issuer: 'https://x.tokens.sts.global.api.aws', preset: aws-sts, audience: g, required: {aud: g}",
            "expected required with sub",
        ),
        (
            "issuer: 'https://x.tokens.sts.global.api.aws', preset: aws-sts, audience: g, required: {sub: '*'}",
            "expected required with sub",
        ),
        (
            "issuer: 'https://x.tokens.sts.global.api.aws', preset: aws-sts, audience: g, \
             required: {'/https:~1~1sts.amazonaws.com~1/request_tags/team': a}",
            "expected required with sub",
        ),
    ];
    for (fields, expected) in rows {
        let error = error(&issuer(fields));
        assert!(error.contains(expected), "{fields}: {error}");
        assert!(error.starts_with("c.yml:5:"), "{fields}: {error}");
        assert!(
            error.contains("general_settings.identity.issuers[0]"),
            "{error}"
        );
    }
    let error = error(&file("  public_url: gateway.example.com\n"));
    assert!(
        error.contains("c.yml:3:15: general_settings.public_url: found \"gateway.example.com\""),
        "{error}"
    );
}

#[test]
fn a_provider_that_is_known_needs_few_words() {
    let parsed = |fields: &str| {
        let (config, warnings) = Config::parse("c.yml", &issuer(fields), &|_| None).unwrap();
        assert_eq!(warnings, [], "{fields}");
        config.general.identity.issuers.into_iter().next().unwrap()
    };
    let aws = parsed(
        "issuer: 'https://x.tokens.sts.global.api.aws', preset: aws-sts, audience: g, \
         required: {'/https:~1~1sts.amazonaws.com~1/org_id': o-1}",
    );
    assert_eq!(
        aws.user[0].to_string(),
        "/https:~1~1sts.amazonaws.com~1/identity_store_user_id"
    );
    assert_eq!(
        aws.algorithms,
        [
            TokenAlgorithm::RS256,
            TokenAlgorithm::ES256,
            TokenAlgorithm::ES384
        ]
    );
    assert_eq!(aws.name, "x.tokens.sts.global.api.aws");
    let cognito =
        parsed("issuer: 'https://c.example/pool', preset: cognito, audience: g, team_map: {a: b}");
    assert_eq!(
        (cognito.preset, cognito.kind),
        (Some(Preset::Cognito), TokenKind::CognitoAccess)
    );
    assert_eq!(cognito.teams.unwrap().to_string(), "cognito:groups");
    let entra = parsed(
        "issuer: 'https://login.microsoftonline.com/1-2/v2.0', preset: entra, sign_in: {client_id: c}",
    );
    assert_eq!(entra.entra_tenant().as_deref(), Some("1-2"));
    assert!(entra.audience.is_empty());
    assert_eq!(
        entra.sign_in.unwrap().scopes,
        ["openid", "email", "profile"]
    );
}

#[test]
fn two_providers_whose_people_are_called_alike_are_told() {
    let two = |prefix: &str| {
        file(&format!(
            "  identity:\n    issuers:\n      - {{issuer: 'https://a.example', audience: g}}\n      - {{issuer: \
             'https://b.example', audience: g{prefix}}}\n"
        ))
    };
    let warnings = |source: &str| Config::parse("c.yml", source, &|_| None).unwrap().1;
    let told = warnings(&two(""));
    assert_eq!(told.len(), 1);
    assert!(told[0].to_string().starts_with("c.yml:6:"), "{}", told[0]);
    assert!(told[0].to_string().contains("user_prefix"), "{}", told[0]);
    assert_eq!(warnings(&two(", user_prefix: 'b:'")), []);
}

#[test]
fn the_reference_system_s_file_means_the_same() {
    const VARIABLES: [(&str, &str); 3] = [
        ("JWT_ISSUER", "https://idp.example"),
        ("JWT_AUDIENCE", "gateway"),
        (
            "JWT_PUBLIC_KEY_URL",
            "https://idp.example/.well-known/openid-configuration",
        ),
    ];
    let lines = "  enable_jwt_auth: true\n  litellm_jwtauth:\n    user_id_jwt_field: user.id\n    \
                 user_email_jwt_field: email\n    team_ids_jwt_field: groups\n    team_id_default: all\n    \
                 user_allowed_email_domain: example.com\n    user_roles_jwt_field: resource_access.gateway.roles\n    \
                 user_allowed_roles: [user]\n    issuers: [{issuer: 'https://other.example', audience: [a, b], \
                 jwks_url: 'https://other.example/keys', team_id_jwt_field: team}]\n";
    let environment = |name: &str| {
        let found = VARIABLES.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let (config, warnings) = Config::parse("c.yml", &file(lines), &environment).unwrap();
    let issuers = config.general.identity.issuers;
    assert_eq!(issuers.len(), 2);
    let (named, of_environment) = (&issuers[0], &issuers[1]);
    assert_eq!(named.audience, ["a", "b"]);
    assert_eq!(
        named.jwks.as_ref().unwrap().as_str(),
        "https://other.example/keys"
    );
    assert_eq!(of_environment.jwks, None);
    assert_eq!(of_environment.user[0].to_string(), "/user/id");
    assert_eq!(of_environment.teams.as_ref().unwrap().to_string(), "groups");
    assert_eq!(of_environment.default_team.as_deref(), Some("all"));
    assert_eq!(of_environment.allowed_email_domains, ["example.com"]);
    assert_eq!(
        of_environment.required[0].claim.to_string(),
        "/resource_access/gateway/roles"
    );
    assert_eq!(
        of_environment.roles.admin[0].values,
        ["litellm_proxy_admin"]
    );
    assert!(
        warnings
            .iter()
            .any(|warning| warning.key() == "enable_jwt_auth"),
        "{warnings:?}"
    );
}

#[test]
fn a_rule_of_the_reference_system_that_is_not_done_here_refuses_every_token() {
    for (lines, expected) in [
        ("", "no issuer is named"),
        (
            "  litellm_jwtauth: {issuers: [{issuer: 'https://a.example', disable_audience_validation: true}]}\n",
            "expected an audience",
        ),
        (
            "  litellm_jwtauth: {enforce_rbac: true, issuers: [{issuer: 'https://a.example', audience: g}]}\n",
            "enforce_rbac is not done here",
        ),
    ] {
        let source = file(&format!("  enable_jwt_auth: true\n{lines}"));
        let (config, warnings) = Config::parse("c.yml", &source, &|_| None).unwrap();
        assert_eq!(config.general.identity.issuers, []);
        let told = warnings
            .iter()
            .any(|warning| warning.to_string().contains(expected));
        assert!(told, "{lines}: {warnings:?}");
    }
}

#[test]
fn pages_that_nobody_can_open_are_a_warning_and_once() {
    let bearer = "      - {issuer: 'https://idp.example', audience: g}\n";
    let pages = "      - {issuer: 'https://idp.example', sign_in: {client_id: c}}\n";
    for (lines, told) in [
        ("  identity: {password_sign_in: false}\n".to_owned(), 1),
        (
            format!("  identity:\n    password_sign_in: false\n    issuers:\n{bearer}"),
            1,
        ),
        (
            format!("  identity:\n    password_sign_in: false\n    issuers:\n{pages}"),
            0,
        ),
        (format!("  identity:\n    issuers:\n{bearer}"), 0),
        (String::from("  log_level: info\n"), 0),
    ] {
        let (_, warnings) = Config::parse("c.yml", &file(&lines), &|_| None).unwrap();
        let found = warnings.iter().map(ToString::to_string);
        let found: Vec<_> = found
            .filter(|text| text.contains("nobody can sign in"))
            .collect();
        assert_eq!(found.len(), told, "{lines}: {found:?}");
        assert!(found.iter().all(|text| text.contains("password_sign_in")));
    }
}
