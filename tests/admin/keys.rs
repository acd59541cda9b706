//! The Keys page.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Visitor;
use crate::support::keys::chat_as;
use crate::support::{TestApp, header, hello};

/// The status of a chat with a key of the gateway.
async fn chat_status(app: &TestApp, key: &str) -> StatusCode {
    let status = chat_as(app, key, &hello("primary")).await.status();
    app.settle().await;
    status
}

/// Makes a key in the form; gives back the key and the path of its page.
async fn made(visitor: &Visitor, form: &[(&str, &str)]) -> (String, String) {
    let response = visitor.submit("/ui/keys/new", form).await;
    let status = response.status();
    let page = response.text().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{page}");
    let between = |start: &str, end: char| -> String {
        let at = page.find(start).expect(start) + start.len();
        page[at..].chars().take_while(|c| *c != end).collect()
    };
    let key = between("<code id=\"key\" class=\"secret\" tabindex=\"0\">", '<');
    let path = format!("/ui/keys/{}", between("href=\"/ui/keys/", '"'));
    (key, path)
}

#[tokio::test]
async fn a_key_is_made_used_blocked_let_in_and_deleted() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let empty = visitor.page("/ui/keys").await;
    assert!(empty.contains("No keys yet."));

    let form = [
        ("key_alias", "maria <b>"),
        ("max_budget", "$10"),
        ("budget_duration", "1d"),
        ("models", "primary, back*"),
        ("rpm_limit", "60"),
        ("duration", "30d"),
    ];
    let (key, path) = made(&visitor, &form).await;
    assert!(key.starts_with("sk-"));
    assert_eq!(chat_status(&app, &key).await, StatusCode::OK);

    for page in ["/ui/keys", &path, "/ui/usage"] {
        let page = visitor.page(page).await;
        assert!(page.contains("maria &#60;b&#62;") && !page.contains("<b>"));
        assert!(page.contains("of $10.00") && page.contains("<rect class=\"bar\""));
        assert!(!page.contains(&key), "shown once");
    }
    let list = visitor.page("/ui/keys").await;
    for text in ["60 requests / min", "primary", "back*", "active", "resets"] {
        assert!(list.contains(text), "{text}: {list}");
    }
    assert!(!list.contains("not in 30 days"), "{list}");

    for (blocked, outcome, status) in [
        ("yes", "The key is blocked.", StatusCode::UNAUTHORIZED),
        ("no", "unblocked", StatusCode::OK),
    ] {
        let response = visitor
            .submit(&format!("{path}/block"), &[("blocked", blocked)])
            .await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert!(
            visitor
                .page(header(&response, "location"))
                .await
                .contains(outcome)
        );
        assert_eq!(chat_status(&app, &key).await, status, "{blocked}");
    }

    let question = visitor.page(&format!("{path}/delete")).await;
    assert!(question.contains("Delete this key?"));
    let response = visitor.submit(&format!("{path}/delete"), &[]).await;
    assert!(
        visitor
            .page(header(&response, "location"))
            .await
            .contains("The key is deleted.")
    );
    assert_eq!(chat_status(&app, &key).await, StatusCode::UNAUTHORIZED);
    assert_eq!(visitor.get(&path).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_clients_are_set_up_with_stands_beside_the_key() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let form = [("models", "backup")];
    let response = visitor.submit("/ui/keys/new", &form).await;
    let page = response.text().await.unwrap();
    let key = page
        .split("tabindex=\"0\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap()
        .to_owned();
    let address = &app.url;
    let setups = [
        format!(
            "ANTHROPIC_BASE_URL={address}\nexport ANTHROPIC_AUTH_TOKEN={key}\nclaude --model backup"
        ),
        format!(
            "OPENAI_API_BASE={address}/v1\nexport OPENAI_API_KEY={key}\naider --model openai/backup"
        ),
        format!("curl {address}/v1/chat/completions"),
        "API Provider: LiteLLM".to_owned(),
        "wire_api = &#34;responses&#34;".to_owned(),
        "data-copies=\"setup-opencode\"".to_owned(),
        "data-copies=\"key\"".to_owned(),
    ];
    for text in &setups {
        assert!(page.contains(text), "{text}: {page}");
    }
    let path = page
        .split("href=\"/ui/keys/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let later = visitor.page(&format!("/ui/keys/{path}")).await;
    assert!(
        later.contains("claude --model backup") && !later.contains(&key),
        "{later}"
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    made(&visitor, &[("key_alias", "taken")]).await;
    for (field, typed, message) in [
        ("max_budget", "much", "must be an amount of US dollars"),
        (
            "max_budget",
            "-1",
            "must be an amount of dollars, 0 or more.",
        ),
        ("budget_duration", "monthly", "must be a time such as"),
        ("rpm_limit", "1.5", "must be a whole number."),
        ("duration", "soon", "or never."),
        (
            "tags",
            "one,<i>,three,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21",
            "20 tags",
        ),
        ("key_alias", "taken", "exists already"),
    ] {
        let form = [(field, typed), ("user_id", "stays")];
        let response = visitor.submit("/ui/keys/new", &form).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let page = response.text().await.unwrap();
        assert!(page.contains("value=\"stays\""), "{field}");
        assert!(!page.contains("<i>"), "{field}");
        let input = page.find(&format!("<input id=\"{field}\"")).unwrap();
        let field_html = &page[input..input + page[input..].find("</div>").unwrap()];
        assert!(field_html.contains("aria-invalid=\"true\""), "{field_html}");
        assert!(field_html.contains(message), "{field_html}");
    }
    let list = visitor.page("/ui/keys").await;
    assert_eq!(list.matches("class=\"badge good\"").count(), 1, "{list}");
}

/// The fields of a key's form as the page has them.
fn fields(page: &str) -> Vec<(String, String)> {
    let start = page.find("<div class=\"sections\">").unwrap();
    let mut fields = Vec::new();
    for input in page[start..].split("<input ").skip(1) {
        let value = |name: &str| -> String {
            let start = format!("{name}=\"");
            let at = input.find(&start).unwrap() + start.len();
            input[at..].chars().take_while(|c| *c != '"').collect()
        };
        fields.push((value("name"), value("value")));
    }
    fields
}

#[tokio::test]
async fn two_people_who_change_different_settings_do_not_undo_each_other() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let (key, path) = made(&visitor, &[("key_alias", "ci"), ("rpm_limit", "10")]).await;
    // What the form does not show is kept.
    let body = json!({"key": key, "metadata": {"a": 1}, "aliases": {"mine": "primary"}});
    app.post("/key/update", &body).send().await.unwrap();
    let seen = fields(&visitor.page(&path).await);
    for (field, value) in [("tpm_limit", "5000"), ("rpm_limit", "")] {
        let changed = seen.iter().map(|(name, was)| {
            let value = if name == field { value } else { was };
            (name.as_str(), value)
        });
        let response = visitor.submit(&path, &changed.collect::<Vec<_>>()).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{field}");
        let page = visitor.page(header(&response, "location")).await;
        assert!(page.contains("Saved.") && page.contains("aliases, metadata"));
    }
    let info: Value = app
        .get(&format!("/key/info?key={key}"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let info = &info["info"];
    assert_eq!(info["tpm_limit"], 5000, "{info}");
    assert_eq!(info["rpm_limit"], Value::Null);
    assert_eq!(info["key_alias"], "ci");
    assert_eq!(info["metadata"], json!({"a": 1}));
}

#[tokio::test]
async fn a_replaced_key_is_good_no_longer_and_its_successor_is() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let (old, path) = made(&visitor, &[("key_alias", "ci")]).await;
    assert!(
        visitor
            .page(&format!("{path}/regenerate"))
            .await
            .contains("Replace this key?")
    );
    let (new, _) = made_by(&visitor, &format!("{path}/regenerate")).await;
    assert_eq!(chat_status(&app, &old).await, StatusCode::UNAUTHORIZED);
    assert_eq!(chat_status(&app, &new).await, StatusCode::OK);
}

async fn made_by(visitor: &Visitor, path: &str) -> (String, String) {
    let page = visitor.submit(path, &[]).await.text().await.unwrap();
    let start = "tabindex=\"0\">sk-";
    let at = page.find(start).expect("a key") + start.len() - "sk-".len();
    (page[at..].chars().take_while(|c| *c != '<').collect(), page)
}

#[tokio::test]
async fn a_model_that_nobody_has_is_pointed_at_on_the_key_s_page() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let form = [("models", "primary, primray, favourite, b*")];
    let response = visitor.submit("/ui/keys/new", &form).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = response.text().await.unwrap();
    assert!(page.contains("No model is called primray."), "{page}");
    assert!(visitor.page("/ui/keys").await.contains("No keys yet."));

    // The API takes it, for the model may come.
    let body = json!({"models": ["primary", "primray", "favourite", "b*"]});
    let key: Value = app
        .post("/key/generate", &body)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let page = visitor
        .page(&format!("/ui/keys/{}", key["token"].as_str().unwrap()))
        .await;
    assert!(page.contains("cannot use it: primray<"), "{page}");
}

#[tokio::test]
async fn a_budget_that_is_spent_is_seen_in_the_list_and_the_most_spent_comes_first() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    made(&visitor, &[("key_alias", "spent"), ("max_budget", "0")]).await;
    made(&visitor, &[("key_alias", "fresh"), ("max_budget", "5")]).await;
    made(&visitor, &[("key_alias", "free")]).await;
    let page = visitor.page("/ui/keys").await;
    assert_eq!(page.matches(">over budget<").count(), 1, "{page}");
    assert_eq!(page.matches(">active<").count(), 2, "{page}");
    let page = visitor.page("/ui/keys?sort=budget").await;
    let places = ["spent", "fresh", "free"].map(|alias| page.find(&format!(">{alias}<")).unwrap());
    assert!(places.is_sorted(), "{page}");
}

#[tokio::test]
async fn a_key_whose_team_or_user_is_blocked_is_not_called_active() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    app.post("/team/new", &json!({"team_id": "red"}))
        .send()
        .await
        .unwrap();
    app.post(
        "/user/new",
        &json!({"user_id": "kim", "auto_create_key": false}),
    )
    .send()
    .await
    .unwrap();
    for (alias, owner, id) in [
        ("a", "team_id", "red"),
        ("b", "user_id", "kim"),
        ("c", "user_id", "lee"),
    ] {
        let key = json!({"key_alias": alias, owner: id});
        let made = app.post("/key/generate", &key).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::OK);
    }
    for (kind, id) in [("team", "red"), ("user", "kim")] {
        let form = [("kind", kind), ("id", id), ("blocked", "yes")];
        assert_eq!(
            visitor.submit("/ui/teams", &form).await.status(),
            StatusCode::SEE_OTHER
        );
    }
    let page = visitor.page("/ui/keys").await;
    for badge in [">team blocked<", ">user blocked<", ">active<"] {
        assert_eq!(page.matches(badge).count(), 1, "{badge}: {page}");
    }
}

#[tokio::test]
async fn nothing_about_keys_is_done_without_a_session_and_its_token() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let (key, path) = made(&visitor, &[]).await;
    let stranger = Visitor::new(&app);
    for path in ["/ui/keys", "/ui/keys/new", &path] {
        assert_eq!(stranger.get(path).await.status(), StatusCode::SEE_OTHER);
    }
    for action in ["", "/block", "/delete", "/regenerate"] {
        let path = format!("{path}{action}");
        let form = [("blocked", "yes")];
        assert_eq!(
            stranger.post(&path, &form).await.status(),
            StatusCode::SEE_OTHER
        );
        assert_eq!(
            visitor.post(&path, &form).await.status(),
            StatusCode::FORBIDDEN
        );
    }
    assert_eq!(
        visitor.post("/ui/keys/new", &[]).await.status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(chat_status(&app, &key).await, StatusCode::OK);
    for path in ["/ui/keys/nonsense", &format!("/ui/keys/{}", "0".repeat(64))] {
        assert_eq!(visitor.get(path).await.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn keys_are_found_by_name_user_or_team_and_come_page_by_page() {
    let app = TestApp::new().await;
    let team = json!({"team_id": "red", "team_alias": "Rote Gruppe"});
    app.post("/team/new", &team).send().await.unwrap();
    let keys = (0..43).map(|n| match n {
        0 => json!({"key_alias": "first", "user_id": "maria"}),
        1 => json!({"key_alias": "second", "team_id": "red"}),
        n => json!({"key_alias": format!("other-{n}")}),
    });
    for key in keys {
        let made = app.post("/key/generate", &key).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::OK);
    }
    let visitor = Visitor::signed_in(&app).await;
    let list = async |query: &str| visitor.page(&format!("/ui/keys{query}")).await;
    for (find, found) in [
        ("FIRST", "first"),
        ("mari", "first"),
        ("rote", "second"),
        ("red", "second"),
    ] {
        let page = list(&format!("?find={find}")).await;
        assert!(page.contains(&format!(">{found}</a>")), "{find}: {page}");
        assert!(page.contains("1 to 1 of 1"), "{find}: {page}");
    }
    assert!(list("?find=nobody").await.contains("There is no such key."));
    let page = list("").await;
    assert!(
        page.contains("1 to 40 of 43") && page.contains("href=\"/ui/keys?skip=40\""),
        "{page}"
    );
    let page = list("?skip=40").await;
    assert!(
        page.contains("41 to 43 of 43") && page.contains("rel=\"prev\" href=\"/ui/keys\""),
        "{page}"
    );
    // The last page, wherever it is asked for.
    for skip in ["900", "18446744073709551615", "-1", "x"] {
        list(&format!("?skip={skip}")).await;
    }
}
