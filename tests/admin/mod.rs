//! The admin pages, as a browser without a script sees them.

mod agent_sessions;
mod docs;
mod keys;
mod language;
mod lockout;
mod login;
mod logs;
mod models;
mod overview;
mod playground;
mod sessions;
mod settings;
mod teams;
mod usage;

use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};

use crate::support::{KEY, TestApp};

/// Somebody at the pages, with the cookie that he was given.
pub struct Visitor {
    http: reqwest::Client,
    url: String,
    pub cookie: Option<String>,
}

impl Visitor {
    /// Somebody who has not signed in.
    pub fn new(app: &TestApp) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none());
        Self {
            http: http.build().unwrap(),
            url: app.url.clone(),
            cookie: None,
        }
    }

    /// Somebody who has signed in with the master key.
    pub async fn signed_in(app: &TestApp) -> Self {
        let mut visitor = Self::new(app);
        let response = visitor.sign_in("admin", KEY).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        visitor
    }

    /// The same one, who has chosen Japanese.
    pub fn in_japanese(mut self) -> Self {
        let cookie = self.cookie.unwrap_or_default();
        self.cookie = Some(format!("{cookie}; sidecar_language=ja"));
        self
    }

    pub async fn sign_in(&mut self, user: &str, password: &str) -> Response {
        let form = [("user", user), ("password", password)];
        let response = self.post("/ui/login", &form).await;
        if let Some(cookie) = response.headers().get("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            self.cookie = Some(pair.to_owned());
        }
        response
    }

    pub async fn get(&self, path: &str) -> Response {
        let mut request = self.http.get(format!("{}{path}", self.url));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        request.send().await.unwrap()
    }

    /// As a browser that comes from another page asks.
    pub async fn get_from(&self, path: &str, referer: &str) -> Response {
        let request = self.http.get(format!("{}{path}", self.url));
        let cookie = self.cookie.as_deref().unwrap_or_default();
        let request = request.header("cookie", cookie).header("referer", referer);
        request.send().await.unwrap()
    }

    /// A page, which must be one.
    pub async fn page(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }

    /// A form as it stands, without the page's token.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.post_with(path, form, &[]).await
    }

    pub async fn post_with(
        &self,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Response {
        let mut request = self.http.post(format!("{}{path}", self.url));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .unwrap()
    }

    /// A form with the token of this page.
    pub async fn submit(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let token = token(&self.page("/ui/models").await);
        let mut form = form.to_vec();
        form.push(("csrf", &token));
        self.post(path, &form).await
    }
}

/// The token in a page's forms.
pub fn token(page: &str) -> String {
    let field = "name=\"csrf\" value=\"";
    let at = page.find(field).expect("a form with a token") + field.len();
    page[at..].chars().take_while(|c| *c != '"').collect()
}
