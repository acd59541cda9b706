//! Budgets at every level, without overshoot, and settled once.

use std::time::Duration;

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use bedrock_sidecar::store::{Account, Key, keys, time};
use futures_util::future::join_all;
use jiff::Timestamp;
use reqwest::StatusCode;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{done, sized, team};
use crate::support::keys::{chat_as, dollars, key};
use crate::support::{CONFIG, PRIMARY, TestApp, TestClock, header, tokens};

/// What `sized` may cost at most.
pub(super) async fn bound(app: &TestApp) -> Decimal {
    let key = key(app, json!({"max_budget": 1000})).await;
    let response = chat_as(app, &key, &sized()).await;
    dollars("1000") - dollars(header(&response, "x-litellm-key-remaining-budget"))
}

pub(super) fn number(amount: Decimal) -> Value {
    serde_json::from_str(&amount.to_string()).unwrap()
}

pub(super) async fn account(app: &TestApp, key: &Key) -> Account {
    app.settle().await;
    let account = app.state.table.account(key).await.unwrap();
    account.unwrap_or_default()
}

/// Nothing is held any more, and this much was spent.
pub(super) fn assert_settled(account: &Account, spent: Decimal) {
    assert_eq!(
        (account.spent, account.committed),
        (spent, spent),
        "{account:?}"
    );
    let markers = account.buckets.values().flatten().count();
    assert_eq!((account.holds.len(), markers), (0, 0), "{account:?}");
}

/// Bedrock's answers cost this: nearly what was feared.
pub(super) fn answers(app: &TestApp) -> Decimal {
    let reply = ScriptedReply::text("Hi.").with_usage(tokens(5, 1196));
    app.bedrock.always(PRIMARY, Step::reply(reply));
    dollars("5") * dollars("0.0000033") + dollars("1196") * dollars("0.0000165")
}

#[tokio::test]
async fn every_budget_that_applies_must_have_room_and_the_refusal_names_the_one_that_has_none() {
    let app = TestApp::new().await;
    answers(&app);
    let id = team(
        &app,
        json!({"team_alias": "tools", "max_budget": 0.05, "budget_duration": "1d"}),
    )
    .await;
    done(
        &app,
        "/user/new",
        json!({"user_id": "u", "max_budget": 0.03, "auto_create_key": false}),
    )
    .await;
    let member = json!({"team_id": id, "member": {"user_id": "m"}, "max_budget_in_team": 0.03});
    done(&app, "/team/member_add", member).await;
    for (settings, label, served) in [
        (json!({"user_id": "u"}), "User=u, spent $0.0197505", 1),
        (
            json!({"team_id": id, "user_id": "m"}),
            "TeamMember=m:tools, spent $0.0197505",
            1,
        ),
        (json!({"team_id": id}), "Team=tools, spent $0.039501", 1),
    ] {
        let key = key(&app, settings.clone()).await;
        for _ in 0..served {
            assert_eq!(
                chat_as(&app, &key, &sized()).await.status(),
                200,
                "{settings}"
            );
            app.settle().await;
        }
        let request = crate::support::keys::chat_with(&app, &key, &sized());
        let (status, message) = super::refusal(request).await;
        assert_eq!(status, 422, "{settings}: {message}");
        assert!(message.contains(label), "{message}");
        let raised = message.contains(", raised by /");
        let resets = message.contains(", resets at ");
        assert!(raised && resets == label.starts_with("Team=t"), "{message}");
    }
    let member = keys::member_budget(&id, "m", None);
    let each = answers(&app);
    assert_settled(&account(&app, &member).await, each);
    let window = app.state.clock.now();
    let info = app.get_json(&format!("/team/info?team_id={id}")).await;
    let spend = &info["team_info"]["spend"];
    assert_eq!(
        spend,
        &number((each * dollars("2")).normalize()),
        "{info} {window}"
    );
    let membership = &info["team_memberships"][0];
    assert_eq!(membership["spend"], number(each.normalize()), "{info}");
}

#[tokio::test]
async fn a_user_s_budget_holds_for_keys_of_a_team_only_where_the_configuration_says_so() {
    for (line, second) in [("", 200), ("  apply_user_budget_to_team_keys: true\n", 422)] {
        let yaml = format!("{CONFIG}general_settings:\n  log_level: info\n{line}");
        let app = TestApp::builder().config(&yaml).start().await;
        answers(&app);
        let id = team(&app, json!({})).await;
        done(
            &app,
            "/user/new",
            json!({"user_id": "u", "max_budget": 0.03, "auto_create_key": false}),
        )
        .await;
        let key = key(&app, json!({"team_id": id, "user_id": "u"})).await;
        for status in [200, second] {
            let response = chat_as(&app, &key, &sized()).await;
            assert_eq!(response.status(), status, "{line}");
            app.settle().await;
        }
    }
}

#[tokio::test]
async fn an_increase_lasts_until_its_date_and_a_window_until_its_end() {
    // On the last day of a month, tomorrow's account is another one.
    let middle: Timestamp = "2026-11-14T12:00:00Z".parse().unwrap();
    let app = TestApp::builder()
        .clock(TestClock::at(middle))
        .start()
        .await;
    answers(&app);
    let tomorrow = time::day(app.state.clock.now()).tomorrow().unwrap();
    let id = team(&app, json!({"max_budget": 0.015, "budget_duration": "30d"})).await;
    let key = key(&app, json!({"team_id": id})).await;
    let ask = async || {
        let status = chat_as(&app, &key, &sized()).await.status();
        app.settle().await;
        status.as_u16()
    };
    assert_eq!(ask().await, 422);
    let increase = json!({"team_id": id, "temp_budget_increase": 0.01, "temp_budget_expiry": tomorrow.to_string()});
    done(&app, "/team/update", increase).await;
    assert_eq!(ask().await, 200);
    app.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(ask().await, 422);
    done(
        &app,
        "/team/update",
        json!({"team_id": id, "max_budget": 0.03}),
    )
    .await;
    assert_eq!(ask().await, 422);
    // Another month, another account: nothing is reset.
    app.clock.advance(Duration::from_secs(32 * 24 * 60 * 60));
    assert_eq!(ask().await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_at_once_over_fifty_keys_and_four_instances_spend_a_team_s_budget_for_fifty() {
    let app = TestApp::new().await;
    let bound = bound(&app).await;
    let each = answers(&app);
    let max = bound * Decimal::from(50);
    let id = team(&app, json!({"max_budget": number(max)})).await;
    let keys = join_all((0..50).map(|_| key(&app, json!({"team_id": id})))).await;
    let apps = [
        app.another_instance().await,
        app.another_instance().await,
        app.another_instance().await,
    ];
    let apps = [&app, &apps[0], &apps[1], &apps[2]];
    let before = app.bedrock.requests().len();
    let come_again = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    let (body, apps_of, keys_of) = (sized(), &apps, &keys);
    let requests = (0..200).map(|n| {
        let body = &body;
        async move {
            loop {
                let response = chat_as(apps_of[n % 4], &keys_of[n % 50], body).await;
                if !come_again.contains(&response.status()) {
                    break response.status();
                }
            }
        }
    });
    let answers = join_all(requests).await;
    let paid = answers.iter().filter(|status| **status == 200).count();
    let refused = answers.iter().filter(|status| **status == 422).count();
    assert_eq!(paid + refused, 200, "{answers:?}");
    assert!((45..=51).contains(&paid), "{paid}");
    assert_eq!(app.bedrock.requests().len() - before, paid);
    for app in apps {
        app.settle().await;
    }
    let account = account(&app, &keys::team_budget(&id, None)).await;
    assert_settled(&account, each * Decimal::from(paid));
    assert!(account.spent <= max);
}
