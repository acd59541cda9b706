//! What the public Terraform provider for LiteLLM sends and reads: unset is `null`, an info that is gone is a 404, and
//! what it reads back is in `team_info` or at the top.

use serde_json::{Value, json};

use super::{done, refusal};
use crate::support::TestApp;
use crate::support::keys::send;

/// The provider's resource of a team, with what it leaves unset.
fn resource(max_budget: Value, models: Value) -> Value {
    json!({"team_id": "platform", "team_alias": "Platform", "organization_id": null, "metadata": {"cost_center": "42"},
        "tpm_limit": 100_000, "rpm_limit": null, "max_budget": max_budget, "budget_duration": "30d", "models": models,
        "blocked": false, "tags": null, "model_aliases": null, "model_rpm_limit": null, "model_tpm_limit": null,
        "team_member_permissions": null, "team_member_budget": null, "team_member_rpm_limit": null,
        "team_member_tpm_limit": null, "guardrails": null})
}

/// What the provider reads of an answer.
fn read(answer: &Value) -> &Value {
    let info = &answer["team_info"];
    if info.is_object() { info } else { answer }
}

#[tokio::test]
async fn a_team_is_created_read_changed_and_gone_as_the_provider_does_it() {
    let app = TestApp::new().await;
    let made = done(&app, "/team/new", resource(json!(10.5), json!(["primary"]))).await;
    assert_eq!(read(&made)["team_id"], "platform");

    let info = app.get_json("/team/info?team_id=platform").await;
    let team = read(&info);
    assert_eq!(info["team_id"], "platform");
    for (field, value) in [
        ("team_alias", json!("Platform")),
        ("organization_id", Value::Null),
        ("tpm_limit", json!(100_000)),
        ("rpm_limit", Value::Null),
        ("max_budget", json!(10.5)),
        ("budget_duration", json!("30d")),
        ("blocked", json!(false)),
        ("models", json!(["primary"])),
        ("metadata", json!({"cost_center": "42"})),
        ("tags", json!([])),
        ("model_aliases", json!({})),
        ("spend", json!(0)),
    ] {
        assert_eq!(team[field], value, "{field}: {info}");
    }

    let changed = done(&app, "/team/update", resource(Value::Null, json!([]))).await;
    assert_eq!(changed["team_id"], "platform");
    assert_eq!(changed["data"]["max_budget"], Value::Null);
    let info = app.get_json("/team/info?team_id=platform").await;
    assert_eq!(read(&info)["max_budget"], Value::Null);
    assert_eq!(read(&info)["models"], json!([]));

    // What is read is sent back as it came.
    done(&app, "/team/update", read(&info).clone()).await;

    done(&app, "/team/block", json!({"team_id": "platform"})).await;
    let info = app.get_json("/team/info?team_id=platform").await;
    assert_eq!(read(&info)["blocked"], true);
    done(&app, "/team/unblock", json!({"team_id": "platform"})).await;

    done(&app, "/team/delete", json!({"team_ids": ["platform"]})).await;
    let (status, message) = refusal(app.get("/team/info?team_id=platform")).await;
    assert_eq!(status, 404);
    assert_eq!(message, "Team not found, passed team id: platform.");
}

#[tokio::test]
async fn members_are_added_changed_and_removed_as_the_provider_does_it() {
    let app = TestApp::new().await;
    done(&app, "/team/new", json!({"team_id": "t"})).await;
    let added = json!({"team_id": "t", "member": [{"user_id": "u1", "user_email": "u1@example.com", "role": "admin"},
        {"user_email": "u2@example.com", "role": "user"}], "max_budget_in_team": 5});
    let answer = done(&app, "/team/member_add", added.clone()).await;
    assert_eq!(answer["updated_users"].as_array().unwrap().len(), 2);
    assert_eq!(
        answer["updated_team_memberships"][0]["litellm_budget_table"]["max_budget"],
        5
    );
    assert_eq!(answer["members_with_roles"].as_array().unwrap().len(), 2);
    assert_eq!(answer["admins"], json!(["u1"]));

    let (status, again) = send(app.post("/team/member_add", &added)).await;
    assert_eq!(status, 400);
    assert_eq!(again["error"]["type"], "team_member_already_in_team");

    let change = json!({"team_id": "t", "user_email": "u2@example.com", "max_budget_in_team": 7, "role": "admin"});
    let changed = done(&app, "/team/member_update", change).await;
    assert_eq!(changed["litellm_budget_table"]["max_budget"], 7);
    let user = changed["user_id"].as_str().unwrap();

    let info = app.get_json("/team/info?team_id=t").await;
    assert_eq!(info["team_memberships"].as_array().unwrap().len(), 2);
    let of_user = app.get_json(&format!("/user/info?user_id={user}")).await;
    assert_eq!(of_user["teams"][0]["team_id"], "t");

    done(
        &app,
        "/team/member_delete",
        json!({"team_id": "t", "user_id": user}),
    )
    .await;
    let info = app.get_json("/team/info?team_id=t").await;
    assert_eq!(info["team_info"]["members"], json!(["u1"]));
    // And again.
    let again = json!({"team_id": "t", "member": {"user_id": user, "role": "user"}});
    done(&app, "/team/member_add", again).await;
}
