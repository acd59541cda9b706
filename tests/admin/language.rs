//! The pages in Japanese.

use reqwest::StatusCode;
use reqwest::redirect::Policy;

use super::Visitor;
use crate::support::{TestApp, header};

#[tokio::test]
async fn the_pages_are_in_the_language_of_their_reader() {
    let app = TestApp::new().await;
    let http = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()
        .unwrap();
    let login = |headers: &'static [(&'static str, &'static str)]| {
        let mut request = http.get(format!("{}/ui/login", app.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        async move { request.send().await.unwrap() }
    };
    for (headers, tag, words) in [
        (&[][..], "en", "Sign in"),
        (&[("accept-language", "ja,en;q=0.5")], "ja", "サインイン"),
        (
            &[("accept-language", "en"), ("cookie", "sidecar_language=ja")],
            "ja",
            "サインイン",
        ),
    ] {
        let response = login(headers).await;
        assert_eq!(header(&response, "content-language"), tag);
        let page = response.text().await.unwrap();
        assert!(
            page.contains(&format!("<html lang=\"{tag}\">")) && page.contains(words),
            "{page}"
        );
    }
    let switch = http.get(format!("{}/ui/language?to=ja", app.url));
    let response = switch
        .header("referer", format!("{}/ui/usage?period=7", app.url))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(&response, "location"), "/ui/usage?period=7");
    assert!(
        header(&response, "set-cookie").starts_with("sidecar_language=ja; SameSite=Lax; Path=/")
    );
}

#[tokio::test]
async fn every_page_is_there_in_japanese() {
    let app = TestApp::new().await;
    let mut visitor = Visitor::signed_in(&app).await;
    visitor.cookie = visitor
        .cookie
        .map(|cookie| format!("{cookie}; sidecar_language=ja"));
    for (path, title) in [
        ("/ui", "概要"),
        ("/ui/usage", "利用量"),
        ("/ui/logs", "リクエスト"),
        ("/ui/sessions", "セッション"),
        ("/ui/models", "モデル"),
        ("/ui/playground", "プレイグラウンド"),
        ("/ui/keys", "キー"),
        ("/ui/keys/new", "キーを作成"),
        ("/ui/teams", "チーム"),
        ("/ui/alerts", "アラート"),
        ("/ui/settings", "設定"),
        ("/ui/docs", "API"),
    ] {
        let page = visitor.page(path).await;
        assert!(
            page.contains(&format!("<h1>{title}</h1>")),
            "{path}: {page}"
        );
    }
}

#[tokio::test]
async fn the_audit_log_keeps_no_language_and_is_read_in_the_reader_s() {
    let app = TestApp::new().await;
    let english = Visitor::signed_in(&app).await;
    let japanese = Visitor {
        cookie: english
            .cookie
            .clone()
            .map(|cookie| format!("{cookie}; sidecar_language=ja")),
        ..Visitor::signed_in(&app).await
    };
    let form = [("user_id", "kim")];
    let response = japanese.submit("/ui/user/new", &form).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    app.settle().await;
    let log = app.get_json("/audit").await;
    let kept = "the password of the pages";
    assert_eq!(log["audit_logs"][0]["changed_by"], kept, "{log}");
    let (en, ja) = ("admin (password)", "管理者（パスワード）");
    let page = english.page("/ui/audit").await;
    assert!(page.contains(en) && !page.contains(ja), "{page}");
    let page = japanese.page("/ui/audit").await;
    assert!(page.contains(ja) && !page.contains(en), "{page}");
}

#[tokio::test]
async fn the_first_page_of_all_speaks_the_browser_s_language() {
    let app = TestApp::new().await;
    for (accepted, language, said) in [
        ("ja-JP,ja;q=0.9", "ja", "管理画面"),
        ("en", "en", "admin pages"),
        ("de", "en", "admin pages"),
    ] {
        let request = reqwest::Client::new().get(&app.url);
        let request = request.header("accept-language", accepted);
        let response = request.send().await.unwrap();
        assert_eq!(
            header(&response, "content-language"),
            language,
            "{accepted}"
        );
        let page = response.text().await.unwrap();
        assert!(
            page.starts_with(&format!("<!doctype html>\n<html lang=\"{language}\">")),
            "{page}"
        );
        assert!(page.contains(said) && page.ends_with("</html>\n"), "{page}");
    }
}
