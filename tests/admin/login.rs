//! Who may see the pages.

use axum::body::Body;
use axum::http::Request;
use bedrock_sidecar::{ClientAddress, app as router};
use reqwest::StatusCode;
use tower::ServiceExt;

use super::{Visitor, token};
use crate::support::keys::sha256;
use crate::support::{KEY, TestApp, header};

#[tokio::test]
async fn the_master_key_opens_the_pages_and_signing_out_closes_them_on_every_instance() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let visitor = Visitor::signed_in(&app).await;
    let mut elsewhere = Visitor::new(&other);
    elsewhere.cookie = visitor.cookie.clone();

    let page = elsewhere.page("/ui/models").await;
    assert!(page.contains("Models"));
    let response = visitor.submit("/ui/logout", &[]).await;
    assert_eq!(header(&response, "location"), "/ui/login");
    assert!(header(&response, "set-cookie").contains("Max-Age=0"));
    for visitor in [&visitor, &elsewhere] {
        let response = visitor.get("/ui/models").await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(header(&response, "location"), "/ui/login?next=models");
    }
}

#[tokio::test]
async fn a_page_that_was_linked_is_reached_after_the_login() {
    let app = TestApp::new().await;
    let visitor = Visitor::new(&app);
    let response = visitor.get("/ui/usage?split=key&user=a%26b").await;
    let login = header(&response, "location").to_owned();
    assert_eq!(login, "/ui/login?next=usage%3Fsplit%3Dkey%26user%3Da%2526b");
    let page = visitor.page(&login).await;
    let next = "usage?split=key&user=a%26b";
    assert!(
        page.contains(&format!(
            "name=\"next\" value=\"{}\"",
            next.replace('&', "&#38;")
        )),
        "{page}"
    );
    for (next, home) in [
        (next, "/ui/usage?split=key&user=a%26b"),
        ("", "/ui"),
        // Nothing leads anywhere else.
        ("//evil.example", "/ui///evil.example"),
        ("models\r\nset-cookie: a=b", "/ui"),
        ("a b", "/ui"),
    ] {
        let form = [("user", "admin"), ("password", KEY), ("next", next)];
        let response = visitor.post("/ui/login", &form).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{next}");
        assert_eq!(header(&response, "location"), home, "{next}");
    }
}

#[tokio::test]
async fn no_page_but_the_login_is_open() {
    let app = TestApp::new().await;
    let visitor = Visitor::new(&app);
    for path in [
        "/ui",
        "/ui/models",
        "/ui/sessions",
        "/ui/playground",
        "/ui/docs",
        "/ui/openapi.json",
        "/ui/settings",
        "/ui/usage",
        "/ui/usage.csv",
        "/ui/logs",
        "/ui/keys",
    ] {
        let response = visitor.get(path).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
    }
    assert_eq!(visitor.get("/ui/login").await.status(), StatusCode::OK);
    assert_eq!(header(&visitor.get("/ui").await, "location"), "/ui/login");
}

#[tokio::test]
async fn a_cookie_made_from_the_key_or_its_hash_is_nothing() {
    let app = TestApp::new().await;
    let mut visitor = Visitor::new(&app);
    let once = sha256(KEY);
    let twice = sha256(&once);
    for value in [KEY, &once, &twice, ""] {
        visitor.cookie = Some(format!("sidecar_session={value}"));
        let response = visitor.get("/ui/models").await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{value}");
    }
}

/// The stretch of time over which tries are counted now.
fn stretch() -> i64 {
    jiff::Timestamp::now().as_second().div_euclid(300)
}

#[tokio::test]
async fn after_a_few_wrong_passwords_the_right_one_has_to_wait_too() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    // When a stretch ends in between, the count begins anew, and so does the test.
    let (wait, elsewhere) = loop {
        let began = stretch();
        let mut visitor = Visitor::new(&app);
        // A right one does not count.
        visitor.sign_in("admin", KEY).await;
        for _ in 0..5 {
            let response = visitor.sign_in("admin", "sk-wrong").await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        }
        let response = visitor.sign_in("admin", KEY).await;
        let elsewhere = Visitor::new(&other).sign_in("admin", KEY).await.status();
        if stretch() == began {
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
            break (header(&response, "retry-after").to_owned(), elsewhere);
        }
    };
    assert!((1..=300).contains(&wait.parse().unwrap()), "{wait}");
    assert_eq!(elsewhere, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn tries_are_counted_by_address() {
    let app = TestApp::new().await;
    let gateway = router(app.state.clone());
    let status = async |address: &str, password: &str| {
        let request = Request::post("/ui/login")
            .extension(ClientAddress(address.parse().unwrap()))
            .body(Body::from(format!("user=admin&password={password}")))
            .unwrap();
        gateway.clone().oneshot(request).await.unwrap().status()
    };
    for _ in 0..5 {
        assert_eq!(status("192.0.2.1", "x").await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(
        status("192.0.2.1", KEY).await,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(status("192.0.2.2", KEY).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_of_another_site_or_of_another_session_changes_nothing() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let other = Visitor::signed_in(&app).await;
    let own = token(&visitor.page("/ui/models").await);
    let foreign = token(&other.page("/ui/models").await);
    assert_ne!(own, foreign);
    for form in [vec![], vec![("csrf", "")], vec![("csrf", foreign.as_str())]] {
        let response = visitor.post("/ui/logout", &form).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    }
    for origin in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ] {
        let form = [("csrf", own.as_str())];
        let response = visitor.post_with("/ui/logout", &form, &[origin]).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{origin:?}");
        let form = [("user", "admin"), ("password", KEY)];
        let response = visitor.post_with("/ui/login", &form, &[origin]).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{origin:?}");
    }
    assert_eq!(visitor.get("/ui/models").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn where_the_cookie_would_be_lost_the_page_says_so() {
    let app = TestApp::new().await;
    let visitor = Visitor::new(&app);
    let form = [("user", "admin"), ("password", KEY)];
    let there = [
        ("host", "gateway.example"),
        ("origin", "http://gateway.example"),
    ];
    let response = visitor.post_with("/ui/login", &form, &there).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(response.text().await.unwrap().contains("only over HTTPS"));
    let behind_a_proxy = [
        ("host", "gateway.example"),
        ("origin", "https://gateway.example"),
    ];
    let response = visitor.post_with("/ui/login", &form, &behind_a_proxy).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert!(header(&response, "set-cookie").contains("Secure"));
}

#[tokio::test]
async fn every_reply_forbids_what_a_page_does_not_need() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    for path in ["/ui/login", "/ui/models", "/ui/nothing", "/ui"] {
        let response = visitor.get(path).await;
        assert_eq!(header(&response, "cache-control"), "no-store", "{path}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "same-origin");
        let policy = header(&response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'"));
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    }
}

#[tokio::test]
async fn files_are_kept_for_ever_under_an_address_that_changes_with_them() {
    let app = TestApp::new().await;
    let visitor = Visitor::new(&app);
    let page = visitor.page("/ui/login").await;
    for file in ["style.css", "page.js", "icon.svg"] {
        let end = page.find(file).expect(file);
        let start = page[..end].rfind('"').unwrap() + 1;
        let address = &page[start..end + file.len()];
        let response = visitor.get(address).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(header(&response, "cache-control").contains("immutable"));
        let old = visitor.get(&format!("/ui/assets/0/{file}")).await;
        assert_eq!(header(&old, "cache-control"), "no-store");
    }
    let nothing = visitor.get("/ui/assets/0/secrets.txt").await;
    assert_eq!(nothing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_error_is_a_page() {
    let app = TestApp::new().await;
    let visitor = Visitor::new(&app);
    let response = visitor.get("/ui/nothing").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(header(&response, "content-type").starts_with("text/html"));
    assert!(response.text().await.unwrap().contains("Page not found."));
    let response = visitor.post("/ui/models", &[]).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(header(&response, "content-type").starts_with("text/html"));
}
