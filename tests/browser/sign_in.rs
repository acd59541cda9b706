//! Signing in at an identity provider, as a browser does it: its cookies, its rules for what comes from other sites.

use serde_json::json;

use super::{Browser, run};
use crate::support::identity_provider::IdentityProvider;
use crate::support::other_provider::OtherProvider;
use crate::support::{TestApp, TestClock};

/// Waits until the page after the way back, which goes on by itself, has led here.
async fn arrived(browser: &Browser, address: &str) {
    for _ in 0..200 {
        if browser.address().await == address {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("{} instead of {address}", browser.address().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_signs_in_at_a_provider_and_makes_a_key() {
    let clock = TestClock::default();
    let provider = IdentityProvider::start(clock.clock().now()).await;
    let settings = provider.settings(
        "        name: Example\n        sign_in: {client_id: pages}\n        \
         roles: {admin: {groups: admins}}\n",
    );
    let app = TestApp::builder()
        .clock(clock)
        .settings(&settings)
        .start()
        .await;
    // Another site than the gateway, as a provider is.
    let gateway = app.url.replace("127.0.0.1", "localhost");
    run(async |browser| {
        provider.person(json!({"sub": "maria", "email": "maria@example.com"}));
        browser.open(&format!("{gateway}/ui")).await;
        browser.inspect("login-with-provider").await;
        browser.press("a.button.main").await;
        arrived(browser, &format!("{gateway}/ui/me")).await;
        assert!(browser.text().await.contains("maria@example.com"));
        browser.inspect("me").await;
        browser.fill("#alias", "laptop").await;
        browser.fill("#duration", "7d").await;
        browser.press("form.stacked button.main").await;
        let text = browser.text().await;
        assert!(
            text.contains("sk-") && text.contains("ANTHROPIC_BASE_URL"),
            "{text}"
        );
        browser.inspect("me-made").await;
        browser.press("nav a[href='/ui/playground']").await;
        assert!(browser.text().await.contains("maria@example.com"));
        browser.inspect("me-playground").await;
        browser.press(".out button").await;
        assert!(browser.address().await.ends_with("/ui/login"));

        provider.person(json!({"sub": "mario", "groups": ["admins"]}));
        browser.press("a.button.main").await;
        for _ in 0..200 {
            if browser.address().await.ends_with("/ui") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        browser.open(&format!("{gateway}/ui/audit")).await;
        let text = browser.text().await;
        assert!(
            text.contains("/ui/me/keys") && text.contains("maria@example.com"),
            "{text}"
        );
        browser.inspect("audit").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_signs_in_at_another_s_provider() {
    let Some(provider) = OtherProvider::start().await else {
        return;
    };
    let settings = provider.settings();
    let app = TestApp::builder().settings(&settings).start().await;
    let gateway = app.url.replace("127.0.0.1", "localhost");
    run(async |browser| {
        browser.open(&format!("{gateway}/ui")).await;
        browser.press("a.button.main").await;
        let address = browser.address().await;
        assert!(address.starts_with(&provider.issuer), "{address}");
        browser.fill("input[name=sub]", "maria@example.com").await;
        browser.press("form button[type=submit]").await;
        arrived(browser, &format!("{gateway}/ui")).await;
        browser.open(&format!("{gateway}/ui/me")).await;
        assert!(browser.text().await.contains("maria@example.com"));
        browser.open(&format!("{gateway}/ui/settings")).await;
        assert!(browser.address().await.ends_with("/ui/settings"));
    })
    .await;
}
