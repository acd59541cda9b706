//! The lists of teams, users and customers.

use askama::Template;

use super::super::budget_bar::BudgetBar;
use super::super::keys::{Badge, holder_badge};
use super::super::layout::{Layout, NavPage};
use super::super::numbers::{TimeText, count, tokens};
use super::super::session::Session;
use super::super::texts::{filled, texts};
use super::form::address;
use super::{TEAM, USER, name_of};
use crate::identity::{Allowance, Customer, Team, User};
use crate::keys::{BudgetUsage, VirtualKey};

#[derive(Template)]
#[template(path = "teams.html", config = "src/admin/askama.toml")]
pub(super) struct TeamsPage {
    layout: Layout,
    is_saved: bool,
    is_cut: bool,
    teams: Vec<HolderRow>,
    users: Vec<HolderRow>,
    customers: Vec<CustomerRow>,
}

/// A team with what is read beside it.
pub(super) struct ListedTeam<'t> {
    pub(super) team: &'t Team,
    pub(super) members: usize,
    pub(super) budget: Option<BudgetUsage>,
}

/// A team or a user.
struct HolderRow {
    id: String,
    address: String,
    name: String,
    badge: Badge,
    is_blocked: bool,
    /// The configuration has it: nothing of it is changed here.
    in_file: bool,
    budget: Option<BudgetBar>,
    limits: Vec<String>,
    models: Vec<String>,
    regions: Vec<String>,
    keys: String,
    members: Option<String>,
}

struct CustomerRow {
    id: String,
    is_blocked: bool,
    last_used: TimeText,
}

impl TeamsPage {
    pub(super) fn new(
        session: &Session,
        teams: &[ListedTeam<'_>],
        users: &[(&User, Option<BudgetUsage>)],
        customers: &[Customer],
        keys: &[VirtualKey],
    ) -> Self {
        let teams = teams.iter().map(|listed| {
            let ListedTeam {
                team,
                members,
                budget,
            } = listed;
            let id = Some(&team.team_id);
            let own = keys
                .iter()
                .filter(|key| key.settings.team_id.as_ref() == id);
            HolderRow {
                name: team.label().to_owned(),
                address: address(TEAM, &team.team_id),
                in_file: team.in_file,
                members: Some(filled(texts().teams.members, [&number(*members)])),
                ..HolderRow::new(
                    &team.team_id,
                    &team.settings.allowance,
                    team.settings.blocked,
                    budget.as_ref(),
                    own.count(),
                )
            }
        });
        let users = users.iter().map(|(user, budget)| {
            let id = Some(&user.user_id);
            let own = keys
                .iter()
                .filter(|key| key.settings.user_id.as_ref() == id);
            HolderRow {
                name: name_of(user).to_owned(),
                address: address(USER, &user.user_id),
                ..HolderRow::new(
                    &user.user_id,
                    &user.settings.allowance,
                    user.settings.blocked,
                    budget.as_ref(),
                    own.count(),
                )
            }
        });
        let customers = customers.iter().map(|customer| CustomerRow {
            id: customer.user_id.clone(),
            is_blocked: customer.blocked,
            last_used: customer.last_used.into(),
        });
        Self {
            layout: Layout::of(NavPage::Teams, session),
            is_saved: false,
            is_cut: false,
            teams: teams.collect(),
            users: users.collect(),
            customers: customers.collect(),
        }
    }

    /// With this said at the top.
    pub(super) fn saying(self, is_saved: bool, is_cut: bool) -> Self {
        Self {
            is_saved,
            is_cut,
            ..self
        }
    }
}

fn number(n: usize) -> String {
    count(u64::try_from(n).unwrap_or(u64::MAX))
}

impl HolderRow {
    fn new(
        id: &str,
        allowance: &Allowance,
        is_blocked: bool,
        budget: Option<&BudgetUsage>,
        keys: usize,
    ) -> Self {
        let t = &texts().keys;
        let limits = [
            (allowance.rpm_limit.map(count), t.rpm),
            (allowance.tpm_limit.map(tokens), t.tpm),
            (allowance.max_parallel_requests.map(count), t.parallel),
        ];
        let limits = limits.into_iter();
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            address: String::new(),
            badge: holder_badge(is_blocked, budget, allowance.soft_budget),
            is_blocked,
            in_file: false,
            budget: budget.map(|budget| BudgetBar::of(budget, allowance.soft_budget)),
            limits: limits
                .filter_map(|(limit, of)| Some(format!("{} {of}", limit?)))
                .collect(),
            models: allowance.models.clone(),
            regions: allowance.allowed_regions.clone(),
            keys: number(keys),
            members: None,
        }
    }
}
