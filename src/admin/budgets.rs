//! The budgets that are nearest to their limits, or over them: those of keys and of teams.

use std::cmp::Reverse;

use futures_util::future::try_join_all;
use rust_decimal::Decimal;

use super::budget_bar::BudgetBar;
use super::error::PageError;
use super::keys::{self, Badge, of_budget, used};
use super::links;
use super::names::KeysAndTeams;
use crate::app::AppState;
use crate::keys::{BudgetUsage, KeyError};

/// So many are shown; a link leads to the rest.
const MOST_SHOWN: usize = 5;

/// A budget.
pub(super) struct BudgetView {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) meter: BudgetBar,
    /// What is to be said of it.
    pub(super) badge: Option<Badge>,
    used: Decimal,
}

impl BudgetView {
    /// `None`: it has no limit.
    fn new(
        name: &str,
        address: String,
        budget: &BudgetUsage,
        soft: Option<Decimal>,
    ) -> Option<Self> {
        Some(Self {
            name: name.to_owned(),
            address,
            meter: BudgetBar::of(budget, soft),
            badge: of_budget(budget, soft),
            used: used(budget)?,
        })
    }
}

/// The most spent budgets of these keys and teams, as they stand now.
pub(super) async fn most_spent(
    app: &AppState,
    KeysAndTeams { keys, teams, .. }: &KeysAndTeams,
) -> Result<Vec<BudgetView>, PageError> {
    let limited: Vec<_> = (keys.iter())
        .filter(|key| key.settings.max_budget.is_some())
        .collect();
    let living: Vec<_> = (teams.iter())
        .filter(|team| team.deleted_at.is_none())
        .collect();
    let of_teams = living.iter().map(|team| app.keys.team_budget_usage(team));
    let (of_keys, of_teams) =
        tokio::join!(app.keys.budget_usages(&limited), try_join_all(of_teams));
    let (of_keys, of_teams) = (of_keys?, of_teams.map_err(KeyError::Store)?);
    let keys = limited.iter().zip(of_keys).filter_map(|(key, budget)| {
        let soft = key.settings.soft_budget;
        BudgetView::new(key.label(), keys::address(key), &budget?, soft)
    });
    let teams = living.iter().zip(of_teams).filter_map(|(team, budget)| {
        let soft = team.settings.allowance.soft_budget;
        BudgetView::new(
            team.label(),
            links::to("/ui/team", &[("id", &team.team_id)]),
            &budget?,
            soft,
        )
    });
    let mut budgets: Vec<BudgetView> = keys.chain(teams).collect();
    budgets.sort_by_key(|budget| Reverse(budget.used));
    budgets.truncate(MOST_SHOWN);
    Ok(budgets)
}
