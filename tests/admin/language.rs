//! The pages in Japanese.

use std::sync::Arc;

use bedrock_sidecar::store::Embedded;
use reqwest::StatusCode;
use reqwest::redirect::Policy;

use super::Visitor;
use crate::support::table_proxy::{Fault, TableProxy};
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
    let visitor = Visitor::signed_in(&app).await.in_japanese();
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
    let japanese = Visitor::signed_in(&app).await.in_japanese();
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
async fn what_is_wrong_is_said_in_japanese_too() {
    let app = TestApp::new().await;
    let english = Visitor::signed_in(&app).await;
    let japanese = Visitor::signed_in(&app).await.in_japanese();
    let made = english
        .submit("/ui/keys/new", &[("key_alias", "a <b>")])
        .await;
    assert_eq!(made.status(), StatusCode::OK);
    for path in ["/ui/team/new", "/ui/user/new"] {
        let form = [("team_id", "taken"), ("user_id", "taken")];
        let made = english.submit(path, &form).await;
        assert_eq!(made.status(), StatusCode::SEE_OTHER);
    }
    let member = |action| {
        let form = [("team", "taken"), ("user_id", "taken"), ("do", action)];
        form.to_vec()
    };
    let added = english.submit("/ui/team/member", &member("add")).await;
    assert_eq!(added.status(), StatusCode::SEE_OTHER);
    let save = ("do", "save");
    let to_itself = vec![
        ("fallbacks:primary", ""),
        ("fallbacks:primary", "primary"),
        save,
    ];
    for (path, form, en, ja) in [
        (
            "/ui/keys/new",
            vec![("max_budget", "-1")],
            "must be an amount of dollars, 0 or more.",
            "は 0 以上の米ドルの金額を入力してください。",
        ),
        (
            "/ui/keys/new",
            vec![("key_alias", "a <b>")],
            "a key with the alias &#34;a &#60;b&#62;&#34; exists already: aliases are unique",
            "エイリアス &#34;a &#60;b&#62;&#34; は別のキーで使われています。",
        ),
        (
            "/ui/keys/new",
            vec![("team_id", "none")],
            "Team doesn&#39;t exist in db. Team=none.",
            "チーム none は存在しません。",
        ),
        (
            "/ui/team/new",
            vec![("team_id", "taken")],
            "Team id = taken already exists",
            "チーム ID taken は既に使われているか",
        ),
        (
            "/ui/team/new",
            vec![("soft_budget", "-1")],
            "must be an amount of dollars",
            "は 0 以上の米ドルの金額",
        ),
        (
            "/ui/user/new",
            vec![("user_id", "taken")],
            "User with id=taken already exists",
            "ユーザー ID taken は既に使われています。",
        ),
        (
            "/ui/team/member",
            member("add"),
            "User taken is a member of team taken already.",
            "ユーザー taken は既にチーム taken のメンバーです。",
        ),
        (
            "/ui/settings",
            to_itself,
            "&#34;primary&#34; falls back to itself",
            "&#34;primary&#34; のフォールバック先に &#34;primary&#34; 自身が指定されています。",
        ),
    ] {
        for (visitor, said, other) in [(&english, en, ja), (&japanese, ja, en)] {
            let response = visitor.submit(path, &form).await;
            assert_eq!(
                response.status(),
                StatusCode::UNPROCESSABLE_ENTITY,
                "{path}"
            );
            let page = response.text().await.unwrap();
            assert!(
                page.contains(said) && !page.contains(other),
                "{said}: {page}"
            );
        }
    }
    for (path, en, ja) in [
        (
            "/ui/keys/nothing",
            "There is no such key.",
            "このキーは存在しません。",
        ),
        (
            "/ui/team?id=none",
            "Team not found, passed team id: none.",
            "チームが見つかりません：none",
        ),
    ] {
        for (visitor, said) in [(&english, en), (&japanese, ja)] {
            let response = visitor.get(path).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND);
            let page = response.text().await.unwrap();
            assert!(page.contains(said), "{said}: {page}");
        }
    }
}

#[tokio::test]
async fn a_table_that_fails_is_told_in_japanese_too() {
    let table = Arc::new(Embedded::in_memory().await.unwrap());
    let proxy = TableProxy::start(table.endpoint()).await;
    let builder = TestApp::builder().table(&table, "test");
    let app = builder.table_at(&proxy.url).start().await;
    let english = Visitor::signed_in(&app).await;
    let japanese = Visitor::signed_in(&app).await.in_japanese();
    proxy.strike("Query");
    proxy.always(Some(Fault::InternalError));
    for (visitor, said) in [
        (&english, "The table answers with errors of its own. "),
        (&japanese, "テーブルがエラーを返しています。 "),
    ] {
        let response = visitor.get("/ui/keys").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let page = response.text().await.unwrap();
        assert!(page.contains(said), "{said}: {page}");
    }
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
