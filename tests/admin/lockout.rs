//! Guessing passwords leads nowhere, and keeps nobody out who has the right one.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bedrock_sidecar::{ClientAddress, app as router};
use jiff::Timestamp;
use reqwest::StatusCode;
use tower::ServiceExt;

use crate::support::process::Gateway;
use crate::support::{CONFIG, KEY, TestApp};

/// A login from this address.
async fn login(gateway: &Router, address: &str, password: &str) -> StatusCode {
    let request = Request::post("/ui/login")
        .extension(ClientAddress(address.parse().unwrap()))
        .body(Body::from(format!("user=admin&password={password}")))
        .unwrap();
    gateway.clone().oneshot(request).await.unwrap().status()
}

/// What a test finds within one stretch of time of those over which tries are counted: it is repeated on a new gateway
/// when one ends meanwhile.
async fn within_one_stretch(test: impl AsyncFn(TestApp)) {
    let stretch = || Timestamp::now().as_second().div_euclid(300);
    loop {
        let seconds_left = 300 - Timestamp::now().as_second().rem_euclid(300);
        // No test takes so long: near the end it is better to wait for the next stretch.
        tokio::time::sleep(std::time::Duration::from_secs(match seconds_left {
            left @ ..20 => left as u64,
            _ => 0,
        }))
        .await;
        let began = stretch();
        test(TestApp::new().await).await;
        if stretch() == began {
            return;
        }
    }
}

#[tokio::test]
async fn an_address_that_has_signed_in_before_is_not_locked_out_by_failures_elsewhere() {
    within_one_stretch(async |app| {
        let gateway = router(app.state.clone());
        let elsewhere = router(app.another_instance().await.state.clone());
        assert_eq!(login(&gateway, "198.51.100.7", KEY).await, 303);
        // More than all strangers together may try.
        for n in 0..21 {
            for _ in 0..5 {
                login(&gateway, &format!("203.0.113.{n}"), "wrong").await;
            }
        }
        assert_eq!(login(&gateway, "192.0.2.1", KEY).await, 429, "a new one");
        for gateway in [&gateway, &elsewhere] {
            assert_eq!(login(gateway, "198.51.100.7", "wrong").await, 401);
            assert_eq!(login(gateway, "198.51.100.7", KEY).await, 303);
        }
    })
    .await;
}

#[tokio::test]
async fn nor_is_it_by_a_few_failures_of_others_who_share_the_address() {
    within_one_stretch(async |app| {
        let gateway = router(app.state.clone());
        assert_eq!(login(&gateway, "198.51.100.7", KEY).await, 303);
        for _ in 0..30 {
            assert_eq!(login(&gateway, "198.51.100.7", "wrong").await, 401);
        }
        assert_eq!(login(&gateway, "198.51.100.7", KEY).await, 303);
        // But guessing has an end there too.
        for _ in 0..70 {
            login(&gateway, "198.51.100.7", "wrong").await;
        }
        assert_eq!(login(&gateway, "198.51.100.7", KEY).await, 429);
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_makes_no_address_a_known_one() {
    within_one_stretch(async |app| {
        let gateway = router(app.state.clone());
        for _ in 0..5 {
            assert_eq!(login(&gateway, "203.0.113.9", "wrong").await, 401);
        }
        assert_eq!(login(&gateway, "203.0.113.9", KEY).await, 429);
        assert_eq!(login(&gateway, "203.0.113.9", KEY).await, 429);
    })
    .await;
}

#[tokio::test]
async fn the_many_addresses_of_one_customer_of_ipv6_count_as_one() {
    within_one_stretch(async |app| {
        let gateway = router(app.state.clone());
        for n in 0..5 {
            let address = format!("2001:db8:1:2::{n}");
            assert_eq!(login(&gateway, &address, "wrong").await, 401);
        }
        assert_eq!(login(&gateway, "2001:db8:1:2:ffff::1", KEY).await, 429);
        assert_eq!(login(&gateway, "2001:db8:1:3::1", KEY).await, 303);
    })
    .await;
}

/// Logins at a process through a proxy on this machine.
struct Proxied {
    gateway: Gateway,
    http: reqwest::Client,
}

impl Proxied {
    async fn start(trusted: &str) -> Self {
        let settings = format!("general_settings: {{trusted_proxies: {trusted}}}\n");
        let none: [(&str, &str); 0] = [];
        let redirects = reqwest::redirect::Policy::none();
        Self {
            gateway: Gateway::start(&format!("{CONFIG}{settings}"), &none).await,
            http: (reqwest::Client::builder().redirect(redirects).build()).unwrap(),
        }
    }

    async fn login(&self, headers: &[(&str, &str)], password: &str) -> u16 {
        let url = format!("{}/ui/login", self.gateway.url);
        let mut request = self.http.post(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let form = format!("user=admin&password={password}");
        request.body(form).send().await.unwrap().status().as_u16()
    }

    /// Whether wrong passwords with these headers come to an end. Of eleven six fall into one stretch of time.
    async fn is_locked_out(&self, headers: impl Fn(u8) -> Vec<(&'static str, String)>) -> bool {
        let mut statuses = Vec::new();
        for n in 0..11 {
            let headers = headers(n);
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, v)| (*name, v.as_str()))
                .collect();
            statuses.push(self.login(&headers, "wrong").await);
        }
        statuses.contains(&429)
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_clients_are_told_apart_by_what_it_says_and_not_by_what_they_say() {
    let proxied = Proxied::start("[127.0.0.0/8]").await;
    let forged = |n: u8| vec![("x-forwarded-for", format!("192.0.2.{n}, 203.0.113.9"))];
    assert!(proxied.is_locked_out(forged).await);
    let forged = |n: u8| vec![("forwarded", format!("for=192.0.2.{n}, for=203.0.113.8"))];
    assert!(proxied.is_locked_out(forged).await);
    // The proxy writes one of the two, and hands on the other.
    let forged = |n: u8| {
        vec![
            ("x-forwarded-for", "203.0.113.7".to_owned()),
            ("forwarded", format!("for=192.0.2.{n}")),
        ]
    };
    assert!(proxied.is_locked_out(forged).await);
    for own in [
        [("x-forwarded-for", "198.51.100.7")],
        [("forwarded", "for=198.51.100.8")],
    ] {
        assert_eq!(proxied.login(&own, KEY).await, 303, "{own:?}");
    }
}

#[tokio::test]
async fn a_client_that_is_no_trusted_proxy_is_not_believed_and_the_log_says_so() {
    let proxied = Proxied::start("[10.0.0.0/8]").await;
    assert!(!proxied.gateway.log().contains("trusted_proxies"));
    let forged = |n: u8| vec![("x-forwarded-for", format!("192.0.2.{n}"))];
    assert!(proxied.is_locked_out(forged).await);
    let log = proxied.gateway.log();
    assert_eq!(log.matches("general_settings.trusted_proxies").count(), 1);
}
