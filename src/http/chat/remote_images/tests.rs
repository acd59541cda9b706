use std::net::IpAddr;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use tokio::net::TcpListener;

use super::{Fetcher, MAX_BYTES, RemoteImage, is_public};

/// A host of pictures; gives its port.
async fn host() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new()
        .route("/a.png", get(|| async { "picture" }))
        .route("/large", get(|| async { vec![0_u8; MAX_BYTES + 1] }))
        .route("/near", get(|| async { Redirect::temporary("a.png") }))
        .route("/round", get(|| async { Redirect::temporary("/round") }))
        .route(
            "/inside",
            get(|| async { Redirect::temporary("http://169.254.169.254/latest/meta-data") }),
        )
        .route(
            "/file",
            get(|| async { Redirect::temporary("file:///etc/passwd") }),
        );
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    port
}

async fn fetched(
    url: String,
    hosts: &[String],
    may_reach: fn(IpAddr) -> bool,
) -> Result<Vec<u8>, String> {
    let image = RemoteImage {
        param: "here".into(),
        url,
    };
    let found = Fetcher { hosts, may_reach }.all(&[image]).await;
    let found = found.map_err(|error| error.message);
    found.map(|mut pictures| pictures.remove(0).to_vec())
}

#[tokio::test]
async fn a_picture_is_fetched_from_an_allowed_host_alone() {
    let port = host().await;
    let hosts = [
        format!("localhost:{port}"),
        format!("127.0.0.1:{port}"),
        "169.254.169.254".to_owned(),
    ];
    let anywhere = |_: IpAddr| true;
    let but_not_inside = |ip: IpAddr| ip.is_loopback();
    let at = |path: &str| format!("http://localhost:{port}{path}");
    for path in ["/a.png", "/near", "/a.png?x=1#y"] {
        assert_eq!(
            fetched(at(path), &hosts, anywhere).await.unwrap(),
            b"picture",
            "{path}"
        );
    }
    let refused = [
        (at("/large"), "more than"),
        (at("/round"), "more than 3 redirects"),
        (at("/inside"), "leads to a private address"),
        (at("/file"), "names no host"),
        (at("/none"), "answers 404"),
        (
            format!("http://user:password@localhost:{port}/a.png"),
            "user name",
        ),
        ("http://localhost/a.png".to_owned(), "stands on 'localhost'"),
        (
            format!("http://2130706434:{port}/a.png"),
            "stands on '127.0.0.2'",
        ),
        (
            format!("https://localhost:{port}/a.png"),
            "cannot be reached",
        ),
        ("http://".to_owned(), "no valid address"),
        (
            format!("http://bücher.example:{port}/a.png"),
            "its 'xn--…' form",
        ),
        (
            format!("http://b%C3%BCcher.example:{port}/a.png"),
            "its 'xn--…' form",
        ),
        (
            format!("http://xn--bcher-kva.example:{port}/a.png"),
            "stands on 'xn--bcher-kva.example'",
        ),
    ];
    for (url, why) in refused {
        let error = fetched(url.clone(), &hosts, but_not_inside)
            .await
            .unwrap_err();
        assert!(
            error.starts_with("'here' ") && error.contains(why),
            "{url}: {error}"
        );
    }
    // The list does not open the inside: a name on it may still lead there.
    for host in ["localhost", "127.0.0.1"] {
        let error = fetched(format!("http://{host}:{port}/a.png"), &hosts, is_public).await;
        assert!(error.unwrap_err().contains("leads to a private address"));
    }
}

#[test]
fn a_list_names_hosts_and_what_is_below_them() {
    let hosts = [
        "*.example.com".to_owned(),
        "Pictures.example.org".to_owned(),
    ];
    let fetcher = Fetcher {
        hosts: &hosts,
        may_reach: is_public,
    };
    let cases = [
        ("https://a.example.com/x", true),
        ("https://a.b.example.com/x", true),
        ("https://example.com/x", false),
        ("https://evilexample.com/x", false),
        ("https://a.example.com:8443/x", false),
        ("https://PICTURES.example.org/x", true),
        ("https://xn--bcher-kva.example.com/x", true),
        ("https://pictures.example.org.evil.net/x", false),
    ];
    for (url, allowed) in cases {
        assert_eq!(
            fetcher.allowed(&url.parse().unwrap()).is_ok(),
            allowed,
            "{url}"
        );
    }
}
