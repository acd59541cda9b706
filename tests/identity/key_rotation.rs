//! The keys of an identity provider: when they are read, how long they are good, and what becomes of it when the provider
//! is away.

use std::time::Duration;

use serde_json::json;

use super::{gateway, said};
use crate::support::identity_provider::{Fault, SigningKey};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn keys_are_read_once_an_hour_by_all_instances_together() {
    let (app, provider) = gateway("").await;
    for _ in 0..3 {
        assert_eq!(
            said(&app, &provider.token(json!({"jti": "a"}))).await.0,
            200
        );
    }
    let other = app.another_instance().await;
    assert_eq!(
        said(&other, &provider.token(json!({"jti": "b"}))).await.0,
        200
    );
    assert_eq!(provider.key_fetches(), 1);
    app.clock.advance(61 * MINUTE);
    provider.advance(61 * MINUTE);
    assert_eq!(
        said(&app, &provider.token(json!({"jti": "c"}))).await.0,
        200
    );
    assert_eq!(provider.key_fetches(), 2);
}

#[tokio::test]
async fn a_new_key_is_found_and_an_unknown_one_makes_the_provider_no_work() {
    let (app, provider) = gateway("").await;
    assert_eq!(said(&app, &provider.token(json!({}))).await.0, 200);
    app.clock.advance(MINUTE);
    provider.add_key(SigningKey::ecdsa("new", "ES256"), true);
    assert_eq!(said(&app, &provider.token(json!({}))).await.0, 200);
    assert_eq!(provider.key_fetches(), 2);

    // Whoever invents keys has them looked for once a minute, whichever instance is asked.
    let stranger = SigningKey::rsa("nobody's", 1, "RS256");
    let token = |n: u32| stranger.sign(&stranger.header(), &json!({"iss": provider.url, "jti": n}));
    let other = app.another_instance().await;
    app.clock.advance(MINUTE);
    other.clock.advance(MINUTE);
    for n in 0..5 {
        for app in [&app, &other] {
            let (status, message) = said(app, &token(n)).await;
            assert_eq!(status, 401);
            assert!(message.contains("no key of the id"), "{message}");
        }
    }
    assert_eq!(provider.key_fetches(), 3);
}

#[tokio::test]
async fn a_key_that_was_taken_back_opens_nothing_once_the_keys_are_read_anew() {
    let (app, provider) = gateway("").await;
    let old = SigningKey::rsa("rsa-1", 0, "RS256");
    let claims = |n: u32| {
        let mut claims = provider.claims();
        claims["jti"] = json!(n);
        claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 7200);
        claims
    };
    assert_eq!(
        said(&app, &old.sign(&old.header(), &claims(1))).await.0,
        200
    );
    provider.add_key(SigningKey::ecdsa("new", "ES256"), false);
    app.clock.advance(61 * MINUTE);
    let (status, message) = said(&app, &old.sign(&old.header(), &claims(2))).await;
    assert_eq!(status, 401);
    assert!(message.contains("no key of the id"), "{message}");
}

#[tokio::test]
async fn keys_stay_good_for_an_hour_while_the_provider_is_away_and_no_longer() {
    let (app, provider) = gateway("").await;
    assert_eq!(said(&app, &provider.token(json!({}))).await.0, 200);
    provider.fault(Some(Fault::Down));
    app.clock.advance(119 * MINUTE);
    provider.advance(119 * MINUTE);
    assert_eq!(said(&app, &provider.token(json!({}))).await.0, 200);
    let other = app.another_instance().await;
    assert_eq!(
        said(&other, &provider.token(json!({}))).await.0,
        200,
        "from the table"
    );
    app.clock.advance(2 * MINUTE);
    provider.advance(2 * MINUTE);
    let (status, message) = said(&app, &provider.token(json!({}))).await;
    assert_eq!(status, 503);
    assert!(message.contains("cannot be read just now"), "{message}");
    // Of a token that is known nothing has to be found out.
    provider.fault(None);
    app.clock.advance(MINUTE);
    assert_eq!(said(&app, &provider.token(json!({}))).await.0, 200);
}

#[tokio::test]
async fn what_a_provider_says_of_itself_is_believed_only_where_it_is_its_own() {
    for fault in [
        Fault::Down,
        Fault::OtherIssuer,
        Fault::NoKeys,
        Fault::HugeKeys,
        Fault::Redirect,
    ] {
        let (app, provider) = gateway("").await;
        provider.fault(Some(fault));
        let (status, message) = said(&app, &provider.token(json!({}))).await;
        assert_eq!(status, 503, "{fault:?}: {message}");
        provider.fault(None);
        assert_eq!(
            said(&app, &provider.token(json!({}))).await.0,
            503,
            "{fault:?}: asked once a minute"
        );
        app.clock.advance(MINUTE);
        assert_eq!(
            said(&app, &provider.token(json!({}))).await.0,
            200,
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn keys_may_be_where_the_configuration_says() {
    let clock = crate::support::TestClock::default();
    let provider =
        crate::support::identity_provider::IdentityProvider::start(clock.clock().now()).await;
    let settings = provider.settings(&format!("        jwks: {}/keys\n", provider.url));
    let app = crate::support::TestApp::builder()
        .clock(clock)
        .settings(&settings)
        .start()
        .await;
    provider.fault(Some(Fault::OtherIssuer));
    assert_eq!(said(&app, &provider.token(json!({}))).await.0, 200);
}
