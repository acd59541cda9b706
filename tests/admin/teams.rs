//! The page of teams, users and customers.

use reqwest::StatusCode;
use serde_json::json;

use super::Visitor;
use crate::support::keys::{chat_as, key, made, send};
use crate::support::{CONFIG, TestApp, header, hello, hello_with};

#[tokio::test]
async fn teams_users_and_customers_are_listed_and_blocked() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let empty = visitor.page("/ui/teams").await;
    assert!(empty.contains("No teams yet.") && empty.contains("No users yet."));
    let team = json!({"team_id": "t", "team_alias": "<Tools>", "max_budget": 10, "models": ["primary"], "rpm_limit": 60});
    send(app.post("/team/new", &team)).await;
    let user = json!({"user_id": "u", "user_email": "maria@example.com", "auto_create_key": false, "teams": ["t"]});
    send(app.post("/user/new", &user)).await;
    made(&app, json!({"team_id": "t", "user_id": "u"})).await;
    let key = key(&app, json!({"team_id": "t"})).await;
    let body = hello_with("primary", "user", json!("acme"));
    assert_eq!(chat_as(&app, &key, &body).await.status(), 200);
    app.settle().await;

    let page = visitor.page("/ui/teams").await;
    for shown in [
        "&#60;Tools&#62;",
        "1 members",
        "of $10.00",
        "60 requests / min",
        "maria@example.com",
        "acme",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    for (kind, id) in [("team", "t"), ("user", "u"), ("customer", "acme")] {
        let form = [("kind", kind), ("id", id), ("blocked", "yes")];
        let response = visitor.submit("/ui/teams", &form).await;
        assert_eq!(response.status(), 303, "{kind}");
    }
    let page = visitor.page("/ui/teams").await;
    assert_eq!(page.matches("badge bad").count(), 3, "{page}");
    assert_eq!(chat_as(&app, &key, &hello("primary")).await.status(), 401);
    let form = [("kind", "team"), ("id", "t"), ("blocked", "no")];
    visitor.submit("/ui/teams", &form).await;
    assert_eq!(chat_as(&app, &key, &hello("primary")).await.status(), 200);
    assert_eq!(chat_as(&app, &key, &body).await.status(), 403);
    let unknown = [("kind", "planet"), ("id", "t"), ("blocked", "no")];
    assert_eq!(visitor.submit("/ui/teams", &unknown).await.status(), 400);
    // A form of another page, or of none.
    assert_eq!(visitor.post("/ui/teams", &form).await.status(), 403);
}

/// Sends a form that must be taken; gives back the page that follows.
async fn taken(visitor: &Visitor, path: &str, form: &[(&str, &str)]) -> String {
    let response = visitor.submit(path, form).await;
    let status = response.status();
    if status != StatusCode::SEE_OTHER {
        panic!("{path}: {status} {}", response.text().await.unwrap());
    }
    let next = header(&response, "location").to_owned();
    visitor.page(&next).await
}

#[tokio::test]
async fn a_team_is_made_changed_and_deleted_on_its_page() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let form = [
        ("team_id", "apps & more"),
        ("team_alias", "Apps <b>"),
        ("models", "primary"),
        ("max_budget", "$100"),
        ("budget_duration", "30d"),
        ("rpm_limit", "60"),
        ("allowed_regions", "us-*"),
        ("team_member_budget", "5"),
    ];
    let page = taken(&visitor, "/ui/team/new", &form).await;
    let path = "/ui/team?id=apps+%26+more";
    assert!(page.contains("Apps &#60;b&#62;") && !page.contains("<b>"));
    assert!(page.contains("of $100.00") && page.contains("value=\"us-*\""));
    assert!(
        visitor
            .page("/ui/teams")
            .await
            .contains(&format!("href=\"{}\"", path.replace('&', "&#38;")))
    );

    let settings =
        json!({"team_id": "apps & more", "user_id": "maria", "key_alias": "maria-laptop"});
    let key = key(&app, settings).await;
    let status = async |model| chat_as(&app, &key, &hello(model)).await.status().as_u16();
    assert_eq!([status("primary").await, status("last").await], [200, 403]);
    let page = visitor.page(path).await;
    assert!(page.contains("maria-laptop"), "{page}");

    // What was not changed in the form is not changed, and what is wrong is said beside its field.
    let form = [
        ("models", "primary, last"),
        ("was-models", "primary"),
        ("max_budget", ""),
        ("was-max_budget", ""),
        ("temp_budget_increase", "20"),
        ("temp_budget_expiry", "soon"),
    ];
    let refused = visitor.submit(path, &form).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused
            .text()
            .await
            .unwrap()
            .contains("must be a date such as")
    );
    let form = [
        &form[..4],
        &[
            ("temp_budget_increase", "20"),
            ("temp_budget_expiry", "2099-01-01"),
        ],
    ]
    .concat();
    let page = taken(&visitor, path, &form).await;
    assert!(page.contains("of $120.00"), "{page}");
    assert_eq!(status("last").await, 200);

    // Members: one is made a user, changed, and removed.
    let id = ("team", "apps & more");
    let member =
        |more: &[(&'static str, &'static str)]| [&[id, ("user_id", "maria")], more].concat();
    let form = member(&[
        ("do", "add"),
        ("role", "admin"),
        ("max_budget_in_team", "2"),
    ]);
    let page = taken(&visitor, "/ui/team/member", &form).await;
    assert!(
        page.contains("href=\"/ui/user?id=maria\"") && page.contains("of $2.00"),
        "{page}"
    );
    let again = visitor.submit("/ui/team/member", &form).await;
    assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.text().await.unwrap().contains("is a member of team"));
    let page = visitor.page(&format!("{path}&member=maria")).await;
    assert!(
        page.contains("Change a member")
            && page.contains("name=\"was-max_budget_in_team\" value=\"2\"")
    );
    let form = member(&[
        ("do", "change"),
        ("max_budget_in_team", "3"),
        ("was-max_budget_in_team", "2"),
        ("was-user_id", "maria"),
    ]);
    let page = taken(&visitor, "/ui/team/member", &form).await;
    assert!(
        page.contains("of $3.00") && page.contains("<td>admin</td>"),
        "{page}"
    );
    let user = visitor.page("/ui/user?id=maria").await;
    assert!(
        user.contains("maria-laptop") && user.contains("apps &#38; more"),
        "{user}"
    );
    let page = taken(&visitor, "/ui/team/member", &member(&[("do", "remove")])).await;
    assert!(page.contains("No members yet."));

    let question = visitor.page("/ui/team/delete?id=apps+%26+more").await;
    assert!(question.contains("Its keys are refused"));
    let page = taken(&visitor, "/ui/team/delete?id=apps+%26+more", &[]).await;
    assert!(page.contains("No teams yet."));
    assert_eq!(status("primary").await, 401);
    assert_eq!(visitor.get(path).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_user_is_made_and_changed_on_its_page() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let form = [
        ("user_id", "jo"),
        ("user_email", "jo@example.com"),
        ("max_budget", "-1"),
    ];
    let refused = visitor.submit("/ui/user/new", &form).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let form = [
        ("user_id", "jo"),
        ("user_email", "jo@example.com"),
        ("rpm_limit", "1"),
    ];
    let page = taken(&visitor, "/ui/user/new", &form).await;
    assert!(page.contains("value=\"jo@example.com\""), "{page}");
    let again = visitor.submit("/ui/user/new", &form).await;
    assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let key = key(&app, json!({"user_id": "jo"})).await;
    let status = async || {
        chat_as(&app, &key, &hello("primary"))
            .await
            .status()
            .as_u16()
    };
    assert_eq!([status().await, status().await], [200, 429]);
    let form = [
        ("rpm_limit", ""),
        ("was-rpm_limit", "1"),
        ("was-user_email", ""),
        ("user_email", ""),
    ];
    taken(&visitor, "/ui/user?id=jo", &form).await;
    assert_eq!(status().await, 200);
    let user = app.get_json("/user/info?user_id=jo").await;
    assert_eq!(user["user_info"]["user_email"], "jo@example.com");
}

#[tokio::test]
async fn a_team_of_the_configuration_is_shown_and_not_changed() {
    let yaml = format!("{CONFIG}general_settings: {{teams: [{{team_id: apps, max_budget: 5}}]}}\n");
    let app = TestApp::builder().config(&yaml).start().await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/team?id=apps").await;
    assert!(
        page.contains("is in the configuration") && !page.contains("/ui/team/delete"),
        "{page}"
    );
    for path in ["/ui/team?id=apps", "/ui/team/delete?id=apps"] {
        let refused = visitor.submit(path, &[("max_budget", "9")]).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT, "{path}");
    }
}
