//! Signing in at an identity provider: what lets somebody in, as what, and what does not.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use bedrock_sidecar::{DomainName, app as router};
use reqwest::StatusCode;
use serde_json::json;
use tower::ServiceExt;

use super::browser::Browser;
use super::gateway;
use crate::support::identity_provider::{Fault, IdentityProvider};
use crate::support::{KEY, TestApp, header};

const SIGN_IN: &str = "        sign_in: {client_id: pages}\n        name: Example\n        \
                       roles: {admin: {groups: admins}, viewer: {groups: viewers}, member: {groups: '*'}}\n";

async fn signing_in() -> (TestApp, IdentityProvider) {
    gateway(SIGN_IN).await
}

fn of(groups: &[&str]) -> serde_json::Value {
    json!({"sub": "maria", "email": "maria@example.com", "groups": groups})
}

#[tokio::test]
async fn an_admin_signs_in_by_a_link_and_goes_on_to_the_pages() {
    let (app, provider) = signing_in().await;
    provider.person(of(&["admins"]));
    let mut browser = Browser::new(&app);
    let login = browser.page("/ui/login").await;
    assert!(
        login.contains("href=\"/ui/sign-in/0\">Sign in with Example"),
        "{login}"
    );

    let sent = browser.get("/ui/sign-in/0").await;
    let address = header(&sent, "location").to_owned();
    assert!(
        address.starts_with(&format!("{}/authorize?", provider.url)),
        "{address}"
    );
    for part in [
        "response_type=code",
        "client_id=pages",
        "code_challenge_method=S256",
        "scope=openid+email+profile",
    ] {
        assert!(address.contains(part), "{part}: {address}");
    }
    let cookie = header(&sent, "set-cookie");
    assert!(
        cookie.contains("SameSite=Lax") && cookie.contains("HttpOnly"),
        "{cookie}"
    );
    let back = browser.get(&address).await;
    let back = header(&back, "location").to_owned();
    let response = browser.get(&back).await;
    assert_eq!(
        response.status(),
        StatusCode::OK,
        "a page, so that a strict cookie comes along"
    );
    let set: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert!(
        set.iter()
            .any(|line| line.to_str().unwrap().contains("SameSite=Strict")),
        "{set:?}"
    );
    let page = response.text().await.unwrap();
    assert!(
        page.contains("http-equiv=\"refresh\" content=\"0;url=/ui\""),
        "{page}"
    );
    assert_eq!(browser.cookie("sidecar_sign_in"), None, "used once");
    browser.page("/ui/models").await;

    let exchanges = provider.exchanges();
    assert_eq!(exchanges.len(), 1);
    assert_eq!(
        exchanges[0].get("client_secret"),
        None,
        "the function holds no secret"
    );
    assert_eq!(
        exchanges[0]["redirect_uri"],
        format!("{}/ui/sign-in/callback", app.url)
    );
    // The code is worth nothing a second time, nor is the cookie that is gone.
    assert_eq!(browser.get(&back).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn roles_say_what_is_seen_and_changed() {
    let (app, provider) = signing_in().await;
    let made = crate::support::keys::made(&app, json!({"key_alias": "target"})).await;
    let hash = made["token"].as_str().unwrap().to_owned();
    for (groups, models, settings, change) in [
        (&["x", "admins"][..], 200, 200, StatusCode::SEE_OTHER),
        (&["viewers"], 200, 200, StatusCode::FORBIDDEN),
        (&["x"], 303, 303, StatusCode::FORBIDDEN),
    ] {
        provider.person(of(groups));
        let mut browser = Browser::new(&app);
        assert_eq!(browser.sign_in().await.status(), 200, "{groups:?}");
        for (path, expected) in [
            ("/ui/models", models),
            ("/ui/settings", settings),
            ("/ui/keys", models),
        ] {
            assert_eq!(
                browser.get(path).await.status().as_u16(),
                expected,
                "{groups:?} {path}"
            );
        }
        let block = format!("/ui/keys/{hash}/block");
        let response = browser
            .submit("/ui/me", &block, &[("blocked", "yes")])
            .await;
        assert_eq!(response.status(), change, "{groups:?}");
        let ended = browser.submit("/ui/me", "/ui/logout/everywhere", &[]).await;
        assert_eq!(
            ended.status(),
            change,
            "{groups:?}: ends the sessions of others too"
        );
        if change == StatusCode::FORBIDDEN {
            assert_eq!(
                browser.submit("/ui/me", "/ui/logout", &[]).await.status(),
                303
            );
        }
        assert_eq!(
            header(&browser.get("/ui/me").await, "location"),
            "/ui/login?next=me"
        );
    }
    provider.person(json!({"sub": "maria", "groups": []}));
    let response = Browser::new(&app).sign_in().await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(
        response
            .text()
            .await
            .unwrap()
            .contains("none of your groups")
    );
}

#[tokio::test]
async fn a_viewer_sees_nothing_of_what_was_said() {
    let (app, provider) = gateway(&format!("{SIGN_IN}  store_prompts_in_spend_logs: true\n")).await;
    let body =
        json!({"model": "primary", "messages": [{"role": "user", "content": "the secret word"}]});
    let reply = app.chat_json(&body).await;
    app.settle().await;
    let path = format!("/ui/logs/{}", reply["id"].as_str().unwrap());
    for (group, sees) in [("admins", true), ("viewers", false)] {
        provider.person(of(&[group]));
        let mut browser = Browser::new(&app);
        browser.sign_in().await;
        assert_eq!(
            browser.page(&path).await.contains("the secret word"),
            sees,
            "{group}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_sign_in_lets_nobody_in() {
    let (app, provider) = signing_in().await;
    provider.person(of(&["admins"]));
    for fault in [
        Fault::WrongNonce,
        Fault::Unsigned,
        Fault::NoToken,
        Fault::WrongIss,
    ] {
        provider.fault(Some(fault));
        let mut browser = Browser::new(&app);
        let response = browser.sign_in().await;
        assert!(
            response.status().as_u16() >= 400,
            "{fault:?}: {}",
            response.status()
        );
        assert_eq!(browser.cookie("sidecar_session"), None, "{fault:?}");
    }
    provider.fault(None);
    for person in [
        json!({"sub": "maria", "groups": ["admins"], "email_verified": false}),
        json!({"sub": "maria", "groups": ["admins"], "aud": "other"}),
        json!({"sub": "maria", "groups": ["admins"], "aud": ["pages", "other"]}),
        json!({"sub": "maria", "groups": ["admins"], "azp": "other"}),
        json!({"sub": "maria", "groups": ["admins"], "iss": "https://issuer.example"}),
        json!({"sub": "maria", "groups": ["admins"], "exp": 1}),
    ] {
        provider.person(person.clone());
        let response = Browser::new(&app).sign_in().await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{person}");
    }
    // Another's browser cannot be signed in, nor signed in as somebody else.
    provider.person(of(&["admins"]));
    let mut attacker = Browser::new(&app);
    let back = attacker.go_to_provider().await;
    let mut victim = Browser::new(&app);
    assert_eq!(
        victim.get(&back).await.status(),
        StatusCode::BAD_REQUEST,
        "no cookie"
    );
    victim.go_to_provider().await;
    assert_eq!(
        victim.get(&back).await.status(),
        StatusCode::BAD_REQUEST,
        "another state"
    );
    let mut tossed = Browser::new(&app);
    let own = tossed.go_to_provider().await;
    tossed.set_cookie(
        "sidecar_sign_in",
        attacker.cookie("sidecar_sign_in").unwrap(),
    );
    assert_eq!(
        tossed.get(&own).await.status(),
        StatusCode::BAD_REQUEST,
        "two cookies of one name"
    );
    let mut late = Browser::new(&app);
    let back = late.go_to_provider().await;
    app.clock.advance(Duration::from_secs(601));
    assert_eq!(
        late.get(&back).await.status(),
        StatusCode::BAD_REQUEST,
        "after ten minutes"
    );
    for query in [
        "",
        "?code=1",
        "?error=access_denied",
        "?state=x&code=1&error_description=%1b[31m",
    ] {
        let path = format!("/ui/sign-in/callback{query}");
        assert_eq!(
            late.get(&path).await.status(),
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
    for n in ["1", "9", "x", "-1"] {
        assert!(
            late.get(&format!("/ui/sign-in/{n}"))
                .await
                .status()
                .is_client_error(),
            "{n}"
        );
    }
}

#[tokio::test]
async fn a_session_ends_with_its_time_its_person_and_its_provider() {
    let (app, provider) = signing_in().await;
    provider.person(of(&["admins"]));
    let mut browser = Browser::new(&app);
    browser.sign_in().await;
    assert_eq!(browser.get("/ui/models").await.status(), 200);

    let without = app.another().config(crate::support::CONFIG).start().await;
    let mut there = Browser::new(&without);
    there.set_cookie(
        "sidecar_session",
        browser.cookie("sidecar_session").unwrap(),
    );
    assert_eq!(
        there.get("/ui/models").await.status(),
        303,
        "the provider is not configured any more"
    );

    let blocked = json!({"user_id": "maria", "blocked": true});
    assert_eq!(
        app.post("/user/update", &blocked)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(browser.get("/ui/models").await.status(), 303);
    let freed = json!({"user_id": "maria", "blocked": false});
    assert_eq!(
        app.post("/user/update", &freed)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(browser.get("/ui/models").await.status(), 200);
    app.clock.advance(Duration::from_secs(12 * 60 * 60));
    assert_eq!(
        browser.get("/ui/models").await.status(),
        303,
        "after twelve hours"
    );
}

#[tokio::test]
async fn two_cookies_of_one_name_are_none() {
    let (app, provider) = signing_in().await;
    provider.person(of(&["admins"]));
    let mut browser = Browser::new(&app);
    browser.sign_in().await;
    browser.set_cookie("sidecar_session", "somebody else's");
    assert_eq!(browser.get("/ui/models").await.status(), 303);
}

#[tokio::test]
async fn a_provider_that_wants_a_secret_is_quoted_and_the_way_out_is_said() {
    let (app, provider) = signing_in().await;
    provider.fault(Some(Fault::WantsSecret));
    let response = Browser::new(&app).sign_in().await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    let page = response.text().await.unwrap();
    for said in [
        "invalid_client: The &#60;client&#62; needs a client_secret.",
        "public client with PKCE",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    provider.fault(Some(Fault::NoToken));
    let page = Browser::new(&app).sign_in().await.text().await.unwrap();
    assert!(
        page.contains("invalid_grant") && !page.contains("public client"),
        "{page}"
    );
}

#[tokio::test]
async fn what_a_thin_identity_token_lacks_is_asked_for_and_only_of_its_person() {
    // As the authorization server of an Okta organization: neither address nor groups are in its identity tokens.
    let (app, provider) = gateway(
        "        preset: okta\n        sign_in: {client_id: pages, scopes: [openid, email, groups]}\n        \
         allowed_email_domains: [example.com]\n        roles: {admin: {groups: admins}}\n",
    )
    .await;
    let thin = json!({"sub": "00u1"});
    provider.person(thin.clone());
    // Without an answer for such tokens, the person is told which claim is missing, and what to set.
    let response = Browser::new(&app).sign_in().await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let page = response.text().await.unwrap();
    assert!(
        page.contains("&#39;email&#39; is missing. At Okta, add it"),
        "{page}"
    );

    let fresh = app.another();
    provider.userinfo(json!({"sub": "00u1", "email": "maria@example.com", "email_verified": true, "groups": ["admins"]}));
    // The discovery document is kept for an hour.
    app.clock.advance(Duration::from_secs(3601));
    provider.advance(Duration::from_secs(3601));
    let app = fresh.clock(app.clock.another()).start().await;
    let mut browser = Browser::new(&app);
    assert_eq!(browser.sign_in().await.status(), 200);
    let page = browser.page("/ui/me").await;
    assert!(page.contains("maria@example.com"), "{page}");
    browser.page("/ui/settings").await;
    // Another's words, and an address that was not proven, let nobody in.
    for said in [
        json!({"sub": "00u2", "email": "maria@example.com", "groups": ["admins"]}),
        json!({"sub": "00u1", "email": "maria@example.com", "email_verified": false, "groups": ["admins"]}),
        json!({"sub": "00u1", "email": "maria@evil.example", "groups": ["admins"]}),
    ] {
        provider.userinfo(said.clone());
        let response = Browser::new(&app).sign_in().await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{said}");
    }
    // What the token says itself is not changed by it.
    provider.person(json!({"sub": "00u1", "email": "maria@example.com", "groups": []}));
    provider.userinfo(json!({"sub": "00u1", "groups": ["admins"]}));
    let mut browser = Browser::new(&app);
    assert_eq!(browser.sign_in().await.status(), 200);
    assert_eq!(
        browser.get("/ui/settings").await.status(),
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn the_password_can_be_switched_off() {
    let (app, provider) = gateway(SIGN_IN).await;
    let mut before = Browser::new(&app);
    let form = [("user", "admin"), ("password", KEY)];
    assert_eq!(before.post("/ui/login", &form).await.status(), 303);

    let off = app
        .another()
        .settings("    password_sign_in: false\n")
        .start()
        .await;
    let mut browser = Browser::new(&off);
    assert!(
        !browser
            .page("/ui/login")
            .await
            .contains("name=\"password\"")
    );
    assert_eq!(
        browser.post("/ui/login", &form).await.status(),
        StatusCode::FORBIDDEN
    );
    browser.set_cookie("sidecar_session", before.cookie("sidecar_session").unwrap());
    assert_eq!(
        browser.get("/ui/models").await.status(),
        303,
        "nor does an old session"
    );
    provider.person(of(&["admins"]));
    let mut browser = Browser::new(&off);
    assert_eq!(browser.sign_in().await.status(), 200);
}

#[tokio::test]
async fn the_address_that_people_are_sent_back_to_is_never_a_header_s() {
    let (app, provider) = signing_in().await;
    let redirect_of = async |state: bedrock_sidecar::AppState, host: &str, domain: Option<&str>| {
        let request = Request::get("/ui/sign-in/0")
            .header("host", host)
            .header("x-forwarded-host", "evil.example")
            .header("forwarded", "host=evil.example;proto=https");
        let mut request = request.body(Body::empty()).unwrap();
        if let Some(domain) = domain {
            request
                .extensions_mut()
                .insert(DomainName(domain.to_owned()));
        }
        let response = router(state).oneshot(request).await.unwrap();
        let location = response.headers().get("location")?.to_str().unwrap();
        let location = url::Url::parse(location).unwrap();
        let mut pairs = location.query_pairs();
        let cookie = response.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .to_owned();
        let redirect = pairs
            .find(|(name, _)| name == "redirect_uri")
            .unwrap()
            .1
            .into_owned();
        Some((redirect, cookie))
    };
    // Without a word of the configuration, nobody is sent anywhere but on this machine and on Lambda.
    assert_eq!(
        redirect_of(app.state.clone(), "evil.example", None).await,
        None
    );
    let domain = Some("abc.lambda-url.us-east-1.on.aws");
    let (redirect, cookie) = redirect_of(app.state.clone(), "evil.example", domain)
        .await
        .unwrap();
    assert_eq!(
        redirect,
        "https://abc.lambda-url.us-east-1.on.aws/ui/sign-in/callback"
    );
    assert!(cookie.starts_with("__Host-sidecar_sign_in="), "{cookie}");
    assert!(cookie.contains("; Secure; Path=/;"), "{cookie}");

    let clock = app.clock.another();
    let settings = provider.settings(&format!(
        "{SIGN_IN}  public_url: https://gateway.example.com/\n"
    ));
    let configured = TestApp::builder()
        .clock(clock)
        .settings(&settings)
        .start()
        .await;
    for (host, domain) in [("evil.example", None), ("127.0.0.1", None), ("x", domain)] {
        let (redirect, cookie) = redirect_of(configured.state.clone(), host, domain)
            .await
            .unwrap();
        assert_eq!(redirect, "https://gateway.example.com/ui/sign-in/callback");
        assert!(cookie.starts_with("__Host-sidecar_sign_in="), "{cookie}");
    }
}

#[tokio::test]
async fn the_pages_may_stand_below_a_path() {
    let clock = crate::support::TestClock::default();
    let provider = IdentityProvider::start(clock.clock().now()).await;
    let settings = provider.settings(&format!(
        "{SIGN_IN}  public_url: http://localhost/gateway/\n"
    ));
    let app = TestApp::builder()
        .clock(clock)
        .settings(&settings)
        .start()
        .await;
    let mut browser = Browser::new(&app);
    let home = browser.get("/ui").await;
    assert_eq!(header(&home, "location"), "/gateway/ui/login");
    let page = browser.page("/ui/login").await;
    assert!(page.contains("href=\"/gateway/ui/sign-in/0\""), "{page}");
    assert!(page.contains("action=\"/gateway/ui/login\""), "{page}");
    assert!(page.contains("src=\"/gateway/ui/assets/"), "{page}");
    assert!(!page.contains("=\"/ui"), "{page}");
    let sent = browser.get("/ui/sign-in/0").await;
    assert!(
        header(&sent, "location")
            .contains("redirect_uri=http%3A%2F%2Flocalhost%2Fgateway%2Fui%2Fsign-in%2Fcallback")
    );
    assert!(header(&sent, "set-cookie").contains("Path=/gateway/ui"));
}
