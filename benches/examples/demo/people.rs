//! The company: six teams, their people, and sixty keys.

use std::sync::Arc;

use bedrock_sidecar::keys::{KeyChanges, Keyring, VirtualKey};
use bedrock_sidecar::store::{Account, Table, keys, time};
use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;
use serde_json::json;

use super::Error;

/// A team's id, its name, and what it may spend in a month.
const TEAMS: [(&str, &str, u32); 6] = [
    ("platform", "Platform", 4_000),
    ("payments", "Payments", 2_500),
    ("mobile", "Mobile apps", 2_000),
    ("data", "Data & analytics", 3_000),
    ("research", "Research", 6_000),
    ("support", "Customer support", 800),
];
const PEOPLE: [&str; 24] = [
    "maria", "jonas", "yuki", "amara", "luca", "sofia", "kenji", "priya", "tom", "ines", "olga",
    "david", "mei", "pedro", "nadia", "haruto", "clara", "samuel", "aiko", "felix", "zoe", "omar",
    "lena", "ravi",
];
const JOBS: [&str; 12] = [
    "ci-nightly",
    "code-review",
    "release-notes",
    "ticket-triage",
    "docs-bot",
    "eval-runner",
    "data-labels",
    "translation",
    "incident-bot",
    "search-index",
    "support-replies",
    "backfill",
];
const MAKER: &str = "demo";
/// Keys without a budget.
const UNBOUND: usize = 3;

/// Who asks.
pub struct Company {
    pub keys: Vec<Arc<VirtualKey>>,
}

impl Company {
    /// Makes the teams, the people and the keys: two for each person, one for each job.
    pub async fn found(keyring: &Keyring) -> Result<Self, Error> {
        for (id, name, max) in TEAMS {
            let changes = serde_json::from_value(json!({"team_alias": name}))?;
            let mut team: bedrock_sidecar::identity::TeamChanges = changes;
            team.allowance =
                serde_json::from_value(json!({"max_budget": max, "budget_duration": "1mo"}))?;
            keyring
                .directory
                .new_team(Some(id.to_owned()), &team, MAKER)
                .await?;
        }
        let mut found = Vec::new();
        for (n, person) in PEOPLE.into_iter().enumerate() {
            let (team, _, _) = TEAMS[n % TEAMS.len()];
            let user = json!({"user_email": format!("{person}@example.com")});
            keyring
                .directory
                .new_user(Some(person.to_owned()), &serde_json::from_value(user)?)
                .await?;
            for device in ["laptop", "desktop"] {
                let alias = format!("{person}-{device}");
                found.push(key(keyring, n, &alias, Some(person), team).await?);
            }
        }
        for (n, job) in JOBS.into_iter().enumerate() {
            let (team, _, _) = TEAMS[n % TEAMS.len()];
            found.push(key(keyring, n, job, None, team).await?);
        }
        // One left the company, one key has run out.
        keyring.block(&found[5].hash, true).await?;
        Ok(Self { keys: found })
    }

    /// What the budgets have spent: from nothing to more than all.
    pub async fn spend(&self, table: &Table, now: Timestamp) -> Result<(), Error> {
        for (n, key) in self.keys.iter().enumerate() {
            let settings = &key.settings;
            let (Some(max), Some(period)) = (settings.max_budget, settings.budget_duration) else {
                continue;
            };
            let share = match n % 15 {
                3 => 104,
                7 => 93,
                11 => 82,
                other => u32::try_from(other)? * 5,
            };
            let spent = max * Decimal::from(share) / Decimal::ONE_HUNDRED;
            let window = period.window(now);
            let account = keys::budget(&key.account, Some(window.start));
            table.put(Account::new_item(&account, spent, None)).await?;
        }
        for (n, (team, _, max)) in TEAMS.into_iter().enumerate() {
            let start = time::beginning(time::day(now).first_of_month());
            let share = Decimal::from(20 + 15 * u32::try_from(n)?);
            let spent = Decimal::from(max) * share / Decimal::ONE_HUNDRED;
            let account = keys::team_budget(team, Some(start));
            table.put(Account::new_item(&account, spent, None)).await?;
        }
        Ok(())
    }
}

async fn key(
    keyring: &Keyring,
    n: usize,
    alias: &str,
    user: Option<&str>,
    team: &str,
) -> Result<Arc<VirtualKey>, Error> {
    let mut settings = json!({"key_alias": alias, "team_id": team, "user_id": user});
    if let Some(fields) = settings.as_object_mut() {
        if n >= UNBOUND || user.is_some() {
            fields.insert("max_budget".to_owned(), json!([20, 50, 100, 250][n % 4]));
            fields.insert("budget_duration".to_owned(), json!("30d"));
        }
        if n % 6 == 2 {
            fields.insert("soft_budget".to_owned(), json!(15));
        }
        if user.is_none() {
            fields.insert("tags".to_owned(), json!(["job", alias]));
            fields.insert("rpm_limit".to_owned(), json!(60));
        }
        if alias == "ravi-desktop" {
            fields.insert("duration".to_owned(), json!("1s"));
        }
    }
    let settings: KeyChanges = serde_json::from_value(settings)?;
    Ok(keyring.generate(&settings, None, MAKER).await?.stored)
}

/// The first instant of the day `days` before `now`.
pub fn day_before(now: Timestamp, days: u64) -> Result<Timestamp, Error> {
    let day = time::day(now).checked_sub(i64::try_from(days)?.days())?;
    Ok(time::beginning(day))
}
