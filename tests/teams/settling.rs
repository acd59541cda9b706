//! Budgets that many share are settled though the table is late, once, and nobody lacks what a request that ended has held.

use std::time::Duration;

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use bedrock_sidecar::store::keys;
use serde_json::json;

use super::budgets::{account, answers, assert_settled, bound, number};
use super::{sized, team};
use crate::support::keys::{chat_as, dollars, key};
use crate::support::table_proxy::{Fault, TableProxy, behind_a_network};
use crate::support::{PRIMARY, TestApp, tokens};

/// Has a request of this key answered, and lets the table's faults begin while Bedrock answers: after what the request holds,
/// before it is settled.
async fn answered_while(app: &TestApp, proxy: &TableProxy, key: &str, begin: impl FnOnce()) {
    let slow = ScriptedReply::text("Hi.").with_usage(tokens(5, 1196));
    let slow = Step::reply(slow).slow_first_event(Duration::from_secs(1));
    app.bedrock.script(PRIMARY, [slow]);
    let before = app.bedrock.requests().len();
    let away = async {
        while app.bedrock.requests().len() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        proxy.strike_updates();
        begin();
    };
    let body = sized();
    let (response, ()) = tokio::join!(chat_as(app, key, &body), away);
    assert_eq!(response.status(), 200);
    app.settle().await;
}

#[tokio::test]
async fn a_settlement_is_tried_until_the_table_takes_it_and_counts_once() {
    let (app, proxy) = behind_a_network().await;
    let each = answers(&app);
    let id = team(&app, json!({"max_budget": 100})).await;
    let key = key(&app, json!({"team_id": id})).await;
    let faults = [
        Fault::Throttled,
        Fault::InternalError,
        Fault::Conflict,
        Fault::ResetBefore,
        Fault::Throttled,
        Fault::InternalError,
        Fault::ResetAfter,
    ];
    let before = proxy.calls("UpdateItem");
    answered_while(&app, &proxy, &key, || proxy.script(faults)).await;
    let settled = account(&app, &keys::team_budget(&id, None)).await;
    assert_settled(&settled, each);
    // The last fault made the update and lost its answer: what follows finds it made.
    assert!(proxy.calls("UpdateItem") - before > faults.len());
}

#[tokio::test]
async fn what_an_ended_request_has_left_in_a_full_budget_is_settled_before_anybody_is_refused() {
    // A moment later, and when its time is over, too.
    for later in [11, 20 * 60] {
        let (app, proxy) = behind_a_network().await;
        let each = answers(&app);
        let id = team(&app, json!({})).await;
        // It has room for one beside what another has cost, and not beside what another may cost. The second one's prompt
        // is counted before it is refused, so it may cost less than the first by estimate: the middle is between the two.
        let max = each + (bound(&app).await + each) / dollars("2");
        let body = json!({"team_id": id, "max_budget": number(max)});
        super::done(&app, "/team/update", body).await;
        let key = key(&app, json!({"team_id": id})).await;
        let budget = keys::team_budget(&id, None);
        let refuse = || proxy.always(Some(Fault::Denied));
        answered_while(&app, &proxy, &key, refuse).await;
        proxy.always(None);
        let there = account(&app, &budget).await;
        let held = there.buckets.values().flatten().count();
        assert_eq!((held, there.spent), (1, dollars("0")), "{there:?}");

        // Somebody else's request may be under way still.
        let status = async || chat_as(&app, &key, &sized()).await.status();
        assert_eq!(status().await, 422);
        app.clock.advance(Duration::from_secs(later));
        assert_eq!(status().await, 200, "{later} s later");
        let settled = account(&app, &budget).await;
        assert_settled(&settled, each * dollars("2"));
    }
}

#[tokio::test]
async fn a_record_whose_team_was_not_told_is_settled_when_its_time_is_over() {
    let (app, proxy) = behind_a_network().await;
    let each = answers(&app);
    let id = team(&app, json!({"max_budget": 100})).await;
    let key = key(&app, json!({"team_id": id})).await;
    let budget = keys::team_budget(&id, None);
    let slow = ScriptedReply::text("Hi.").with_usage(tokens(5, 1196));
    let slow = Step::reply(slow).slow_first_event(Duration::from_secs(1));
    app.bedrock.script(PRIMARY, [slow]);
    // The record is written; the update of the team's account is not.
    let body = sized();
    let away = async {
        while app.bedrock.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        proxy.strike_updates();
        proxy.always(Some(Fault::Denied));
    };
    let (response, ()) = tokio::join!(chat_as(&app, &key, &body), away);
    assert_eq!(response.status(), 200);
    app.settle().await;
    proxy.always(None);
    let there = account(&app, &budget).await;
    assert_eq!(there.buckets.values().flatten().count(), 1, "{there:?}");
    assert_eq!(there.spent, dollars("0"));
    // What it holds counts as spent when its time is over, until another request meets the marker.
    app.clock.advance(Duration::from_secs(20 * 60));
    let now = app.state.clock.now();
    assert!(there.spent_at(now) > each, "{there:?}");
    assert_eq!(chat_as(&app, &key, &sized()).await.status(), 200);
    let settled = account(&app, &budget).await;
    assert_settled(&settled, each * dollars("2"));
}
