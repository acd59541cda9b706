//! A second opinion on identity providers: signing in at one that shares no code with the one in these tests.

use super::browser::Browser;
use crate::support::other_provider::OtherProvider;
use crate::support::{TestApp, header};

#[tokio::test]
async fn somebody_signs_in_at_another_s_provider() {
    let Some(provider) = OtherProvider::start().await else {
        return;
    };
    let settings = provider.settings();
    let app = TestApp::builder().settings(&settings).start().await;
    let mut browser = Browser::new(&app);
    let sent = browser.get("/ui/sign-in/0").await;
    let form = app.http.post(header(&sent, "location"));
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let form = form.body("sub=maria%40example.com").build().unwrap();
    let answer = client.build().unwrap().execute(form).await.unwrap();
    let back = header(&answer, "location").to_owned();
    let response = browser.get(&back).await;
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    assert!(browser.page("/ui/me").await.contains("maria@example.com"));
    browser.page("/ui/settings").await;
}
