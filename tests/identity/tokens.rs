//! Tokens as keys: whom they let in, and everything that is refused, each for its own reason.

use serde_json::{Value, json};

use super::{gateway, said};
use crate::support::identity_provider::{SigningKey, base64, changed, unsigned};
use crate::support::{KEY, TestApp, hello};

#[tokio::test]
async fn a_token_is_a_key_where_its_issuer_is_believed_and_nowhere_else() {
    let (app, provider) = gateway("").await;
    let token = provider.token(json!({}));
    for header in ["x-api-key", "api-key", "x-litellm-api-key"] {
        let url = format!("{}/v1/models", app.url);
        let response = app
            .http
            .get(url)
            .header(header, &token)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{header}");
    }
    assert_eq!(said(&app, &token).await.0, 200);
    let response = app.http.post(format!("{}/v1/chat/completions", app.url));
    let response = response
        .bearer_auth(&token)
        .json(&hello("primary"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);

    let elsewhere = TestApp::new().await;
    let (status, message) = said(&elsewhere, &token).await;
    assert_eq!(status, 401);
    assert!(message.contains("A key begins with 'sk-'"), "{message}");
}

/// A token that is wrong in one way, and what is said of it.
type Attack = (&'static str, String, u16, &'static str);

#[tokio::test]
async fn every_attack_is_refused_for_its_own_reason() {
    let (app, provider) = gateway(
        "        claims: {email: email}\n        allowed_email_domains: [example.com]\n        \
         required: {department: [tools, 'apps-*']}\n",
    )
    .await;
    let rsa = SigningKey::rsa("rsa-1", 0, "RS256");
    let stranger = SigningKey::rsa("rsa-1", 1, "RS256");
    let claims = changed(
        provider.claims(),
        json!({"email": "maria@example.com", "department": "tools"}),
    );
    let now = claims["iat"].as_i64().unwrap();
    let with = |changes: Value| rsa.sign(&rsa.header(), &changed(claims.clone(), changes));
    let headed = |changes: Value| rsa.sign(&changed(rsa.header(), changes), &claims);
    let good = with(json!({}));
    assert_eq!(said(&app, &good).await.0, 200);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let none = unsigned(
        &json!({"alg": "none", "typ": "JWT", "kid": "rsa-1"}),
        &claims,
    );
    let other_claims = base64(
        changed(claims.clone(), json!({"sub": "admin"}))
            .to_string()
            .as_bytes(),
    );

    let attacks: Vec<Attack> = vec![
        ("no signature", format!("{none}."), 401, "not its key's"),
        (
            "no signature, key's alg",
            format!("{message}."),
            401,
            "signature is wrong",
        ),
        (
            "the public key as a secret",
            headed(json!({"alg": "HS256"})),
            401,
            "not its key's",
        ),
        (
            "a way of another key",
            headed(json!({"alg": "ES256"})),
            401,
            "not its key's",
        ),
        (
            "a way that is not taken",
            headed(json!({"alg": "RS512"})),
            401,
            "not its key's",
        ),
        (
            "another's key",
            stranger.sign(&rsa.header(), &claims),
            401,
            "signature is wrong",
        ),
        (
            "other claims",
            format!("{header}.{other_claims}.{signature}"),
            401,
            "signature is wrong",
        ),
        (
            "a cut signature",
            good[..good.len() - 2].to_owned(),
            401,
            "signature is wrong",
        ),
        ("no kid", headed(json!({"kid": null})), 401, "'kid'"),
        (
            "an unknown kid",
            headed(json!({"kid": "other"})),
            401,
            "no key of the id",
        ),
        (
            "a kid as a path",
            headed(json!({"kid": "../../dev/null"})),
            401,
            "no key of the id",
        ),
        (
            "a kid as SQL",
            headed(json!({"kid": "' OR 1=1"})),
            401,
            "no key of the id",
        ),
        (
            "a kid that is no text",
            headed(json!({"kid": 1})),
            401,
            "header is not JSON",
        ),
        (
            "a critical extension",
            headed(json!({"crit": ["exp"], "exp": 1})),
            401,
            "'crit'",
        ),
        (
            "an empty critical extension",
            headed(json!({"crit": []})),
            401,
            "'crit'",
        ),
        (
            "a token for logging out",
            headed(json!({"typ": "logout+jwt"})),
            401,
            "another type",
        ),
        (
            "another issuer",
            with(json!({"iss": "https://issuer.example"})),
            401,
            "'iss'",
        ),
        (
            "an issuer with a slash",
            with(json!({"iss": format!("{}/", provider.url)})),
            401,
            "'iss'",
        ),
        (
            "an issuer as a list",
            with(json!({"iss": [provider.url]})),
            401,
            "'iss'",
        ),
        ("no issuer", with(json!({"iss": null})), 401, "'iss'"),
        (
            "another audience",
            with(json!({"aud": "other"})),
            401,
            "another audience",
        ),
        (
            "other audiences",
            with(json!({"aud": ["other", "gateway2"]})),
            401,
            "another audience",
        ),
        ("no audience", with(json!({"aud": null})), 401, "'aud'"),
        (
            "an audience that is a number",
            with(json!({"aud": 1})),
            401,
            "'aud'",
        ),
        (
            "an audience in an object",
            with(json!({"aud": {"gateway": 1}})),
            401,
            "'aud'",
        ),
        (
            "expired",
            with(json!({"exp": now - 1, "iat": now - 60})),
            401,
            "expired",
        ),
        ("no end", with(json!({"exp": null})), 401, "'exp'"),
        (
            "an end that is a text",
            with(json!({"exp": (now + 60).to_string()})),
            401,
            "'exp'",
        ),
        (
            "an end beyond all time",
            with(json!({"exp": 1e300})),
            401,
            "'exp'",
        ),
        (
            "not yet",
            with(json!({"nbf": now + 120})),
            401,
            "not valid yet",
        ),
        (
            "made in the future",
            with(json!({"iat": now + 120})),
            401,
            "not valid yet",
        ),
        (
            "a beginning that is a text",
            with(json!({"nbf": "0"})),
            401,
            "'nbf'",
        ),
        (
            "of the day before",
            with(json!({"iat": now - 90_000})),
            401,
            "older than a day",
        ),
        (
            "for a year, and who knows since when",
            with(json!({"iat": null, "exp": now + 31_536_000})),
            401,
            "older than a day",
        ),
        ("nobody", with(json!({"sub": null})), 401, "'sub'"),
        ("an empty name", with(json!({"sub": " "})), 401, "'sub'"),
        (
            "a long name",
            with(json!({"sub": "m".repeat(201)})),
            401,
            "'sub'",
        ),
        (
            "a name in an object",
            with(json!({"sub": {"id": "maria"}})),
            401,
            "'sub'",
        ),
        (
            "an address that is not proven",
            with(json!({"email_verified": false})),
            403,
            "not verified",
        ),
        (
            "the same as a text",
            with(json!({"email_verified": "false"})),
            403,
            "not verified",
        ),
        (
            "the same as a number",
            with(json!({"email_verified": 0})),
            403,
            "not verified",
        ),
        (
            "another domain",
            with(json!({"email": "maria@example.com.evil.test"})),
            403,
            "domain",
        ),
        (
            "a domain in the name",
            with(json!({"email": "example.com@evil.test"})),
            403,
            "domain",
        ),
        (
            "no address",
            with(json!({"email": null})),
            403,
            "'email' is missing",
        ),
        (
            "another department",
            with(json!({"department": "toolsmith"})),
            403,
            "'department'",
        ),
        (
            "no department",
            with(json!({"department": null})),
            403,
            "'department' is missing",
        ),
        (
            "a department in an object",
            with(json!({"department": {"tools": 1}})),
            401,
            "'department'",
        ),
        (
            "departments elsewhere",
            with(json!({"department": null, "_claim_names": {"department": "src1"}})),
            403,
            "too many groups",
        ),
        ("no token", "eyJ.eyJ.x".to_owned(), 401, "not base64url"),
        ("padding", format!("{good}=="), 401, "not base64url"),
        (
            "no JSON",
            format!("eyJh.{}", message.split_once('.').unwrap().1) + ".AA",
            401,
            "header is not JSON",
        ),
        (
            "too long",
            with(json!({"more": "x".repeat(20_000)})),
            401,
            "too long",
        ),
    ];
    for (what, token, status, reason) in attacks {
        let (found, message) = said(&app, &token).await;
        assert_eq!(found.as_u16(), status, "{what}: {message}");
        assert!(message.contains(reason), "{what}: {message}");
    }
    // What a header brings of its own is not looked at, and what was wrong passes when it is mended.
    let attacker = SigningKey::rsa("rsa-1", 1, "RS256").public();
    for (what, token) in [
        ("a key of its own", headed(json!({"jwk": attacker}))),
        (
            "an address of keys",
            headed(json!({"jku": "https://evil.test/keys", "x5u": "https://evil.test"})),
        ),
        ("a type in capitals", headed(json!({"typ": "AT+JWT"}))),
        ("no type", headed(json!({"typ": null}))),
        (
            "ours among the audiences",
            with(json!({"aud": ["other", "gateway"]})),
        ),
        (
            "a clock that goes before",
            with(json!({"iat": now + 30, "nbf": now + 30})),
        ),
        (
            "a department by its pattern",
            with(json!({"department": ["x", "apps-7"]})),
        ),
        (
            "a proven address",
            with(json!({"email_verified": true, "email": "m@EXAMPLE.com"})),
        ),
    ] {
        let (status, message) = said(&app, &token).await;
        assert_eq!(status, 200, "{what}: {message}");
    }
    let own_key = stranger.sign(
        &changed(rsa.header(), json!({"jwk": stranger.public()})),
        &claims,
    );
    assert!(said(&app, &own_key).await.1.contains("signature is wrong"));
}

#[tokio::test]
async fn a_token_may_be_signed_as_its_key_signs_and_the_configuration_says() {
    let (app, provider) =
        gateway("        algorithms: [RS256, PS256, ES256, ES384, EdDSA]\n").await;
    let keys = [
        SigningKey::rsa("pss", 1, "PS256"),
        SigningKey::ecdsa("p256", "ES256"),
        SigningKey::ecdsa("p384", "ES384"),
        SigningKey::ed25519("ed"),
    ];
    for key in keys {
        let (id, alg) = (key.id.clone(), key.alg);
        provider.add_key(key, true);
        app.clock.advance(std::time::Duration::from_secs(61));
        assert_eq!(
            said(&app, &provider.token(json!({}))).await.0,
            200,
            "{id} {alg}"
        );
    }
    let (usual, provider) = gateway("").await;
    provider.add_key(SigningKey::rsa("pss", 1, "PS256"), true);
    let (status, message) = said(&usual, &provider.token(json!({}))).await;
    assert_eq!(status, 401);
    assert!(message.contains("'alg'"), "{message}");
}

#[tokio::test]
async fn a_token_ends_when_it_says_so_also_where_it_was_good_before() {
    let (app, provider) = gateway("").await;
    let now = provider.claims()["iat"].as_i64().unwrap();
    let token = provider.token(json!({"exp": now + 300}));
    assert_eq!(said(&app, &token).await.0, 200);
    app.clock.advance(std::time::Duration::from_secs(299));
    assert_eq!(said(&app, &token).await.0, 200);
    app.clock.advance(std::time::Duration::from_secs(1));
    let (status, message) = said(&app, &token).await;
    assert_eq!(status, 401);
    assert!(message.contains("expired"), "{message}");
}

#[tokio::test]
async fn a_token_is_refused_before_the_body_is_read_and_asks_no_model() {
    let (app, provider) = gateway("").await;
    let token = provider.token(json!({"aud": "other"}));
    let request = app.http.post(format!("{}/v1/chat/completions", app.url));
    let response = request.bearer_auth(token).body("{").send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(app.bedrock.requests().is_empty());
}

#[tokio::test]
async fn an_admin_s_token_is_a_member_s_unless_the_configuration_says_otherwise() {
    const ROLES: &str = "        roles: {admin: {groups: gateway-admins}}\n";
    let admin = json!({"groups": ["gateway-admins"]});
    for (switch, status) in [("", 403), ("    admin_tokens: true\n", 200)] {
        let (app, provider) = gateway(&format!("{ROLES}{switch}")).await;
        for (claims, expected) in [(admin.clone(), status), (json!({}), 403)] {
            let token = provider.token(claims.clone());
            let request = app.http.get(format!("{}/key/list", app.url));
            let response = request.bearer_auth(&token).send().await.unwrap();
            assert_eq!(response.status(), expected, "{switch} {claims}");
        }
        assert_eq!(
            app.get("/key/list").send().await.unwrap().status(),
            200,
            "{KEY}"
        );
    }
}

#[tokio::test]
async fn the_tokens_of_well_known_providers_are_taken_as_these_write_them() {
    const AWS: &str = "https://sts.amazonaws.com/";
    let arn =
        "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_1a2b";
    let aws = "        preset: aws-sts\n        required: {sub: 'arn:aws:iam::123456789012:role/aws-reserved/*'}\n";
    let cognito = "        preset: cognito\n";
    let okta = "        preset: okta\n";
    let identity = json!({"sub": arn, AWS: {"identity_store_user_id": "9067-aaaa", "aws_account": "123456789012"}});
    let role = json!({"sub": arn, AWS: {"aws_account": "123456789012"}});
    let access = json!({"aud": null, "client_id": "gateway", "token_use": "access"});
    type Row<'r> = (&'r str, Value, u16, &'r str);
    let rows: Vec<Row> = vec![
        (aws, identity, 200, "9067-aaaa"),
        (aws, role, 200, arn),
        (
            aws,
            json!({"sub": "arn:aws:iam::123456789012:role/other"}),
            403,
            "'sub'",
        ),
        (cognito, access.clone(), 200, "maria"),
        (
            cognito,
            changed(access.clone(), json!({"client_id": "other"})),
            401,
            "client_id",
        ),
        (
            cognito,
            changed(access.clone(), json!({"token_use": "id"})),
            401,
            "token_use",
        ),
        (
            cognito,
            changed(access, json!({"client_id": null, "aud": "gateway"})),
            401,
            "client_id",
        ),
        (cognito, json!({"token_use": "id"}), 401, "token_use"),
        (
            "        preset: cognito\n        token_use: id\n",
            json!({"token_use": "id"}),
            200,
            "maria",
        ),
        (
            okta,
            json!({"uid": "00u1", "sub": "maria@example.com"}),
            200,
            "00u1",
        ),
        (okta, json!({"sub": "00u1"}), 200, "00u1"),
        (
            "        preset: okta\n        required: {groups: gateway}\n",
            json!({"sub": "00u1"}),
            403,
            "'groups' is missing. At Okta, add it to the claims",
        ),
    ];
    for (entry, claims, status, expected) in rows {
        let (app, provider) = gateway(entry).await;
        let token = provider.token(claims.clone());
        let (found, message) = said(&app, &token).await;
        assert_eq!(found.as_u16(), status, "{entry} {claims}: {message}");
        if status == 200 {
            app.settle().await;
            let users = app.get_json("/user/list").await;
            assert_eq!(users["users"][0]["user_id"], expected, "{users}");
        } else {
            assert!(message.contains(expected), "{message}");
        }
    }
}

#[tokio::test]
async fn who_has_more_groups_than_fit_into_a_token_is_told_what_to_do() {
    let entry = "        claims: {teams: groups}\n        default_team: all\n";
    let (app, provider) = gateway(&format!("{entry}  teams: [{{team_id: all}}]\n")).await;
    assert_eq!(
        said(&app, &provider.token(json!({"groups": []}))).await.0,
        200
    );
    for overage in [
        json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph"}}}),
        json!({"hasgroups": true}),
    ] {
        let (status, message) = said(&app, &provider.token(overage)).await;
        assert_eq!(status, 403);
        assert!(message.contains("app roles"), "{message}");
    }
}
