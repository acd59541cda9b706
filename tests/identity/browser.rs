//! A browser without a script: it keeps cookies, and goes where it is sent when the test says so.

use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};

use crate::support::{TestApp, header};

/// Somebody's browser.
pub struct Browser {
    http: reqwest::Client,
    url: String,
    cookies: Vec<(String, String)>,
}

impl Browser {
    pub fn new(app: &TestApp) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none());
        Self {
            http: http.build().unwrap(),
            url: app.url.clone(),
            cookies: Vec::new(),
        }
    }

    /// A GET of a path of the gateway, or of a whole address.
    pub async fn get(&mut self, address: &str) -> Response {
        let address = match address.starts_with('/') {
            true => format!("{}{address}", self.url),
            false => address.to_owned(),
        };
        let is_own = address.starts_with(&self.url);
        let mut request = self.http.get(address);
        if is_own {
            request = request.header("cookie", self.cookie_line());
        }
        let response = request.send().await.unwrap();
        if is_own {
            self.keep(&response);
        }
        response
    }

    /// A page, which must be one.
    pub async fn page(&mut self, path: &str) -> String {
        let response = self.get(path).await;
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }

    /// A form of a page with the page's token.
    pub async fn submit(&mut self, page: &str, path: &str, form: &[(&str, &str)]) -> Response {
        let page = self.page(page).await;
        let token = crate::admin::token(&page);
        self.post(path, &[form, &[("csrf", &token)]].concat()).await
    }

    /// A form as it stands.
    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Response {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = self
            .http
            .post(format!("{}{path}", self.url))
            .header("cookie", self.cookie_line())
            .header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(body).send().await.unwrap();
        self.keep(&response);
        response
    }

    /// Signs in at the first provider, and returns what the gateway answers when the browser is back.
    pub async fn sign_in(&mut self) -> Response {
        let back = self.go_to_provider().await;
        self.get(&back).await
    }

    /// Goes to the first provider. Returns the address to which that sends the browser back.
    pub async fn go_to_provider(&mut self) -> String {
        let sent = self.get("/ui/sign-in/0").await;
        assert_eq!(sent.status(), StatusCode::SEE_OTHER);
        let at_provider = self.get(header(&sent, "location")).await;
        header(&at_provider, "location").to_owned()
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let mut cookies = self.cookies.iter();
        let found = cookies.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Sets a cookie, whoever would have set it.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    fn cookie_line(&self) -> String {
        let pairs = self.cookies.iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    fn keep(&mut self, response: &Response) {
        for line in response.headers().get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !line.contains("Max-Age=0") {
                self.set_cookie(name, value);
            }
        }
    }
}
