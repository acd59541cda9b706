//! Budgets: what may be spent in a window, and how much of it is left.

use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::alerts::BudgetUse;
use crate::config::Period;
use crate::identity::{Allowance, KeyOwners, Member, Team, User};
use crate::store::{Account, Key, StoreError, keys};

use super::{Caller, Denied, Keyring, OverBudget, VirtualKey};

/// An account outlives its window, for records that are replayed late.
const ACCOUNT_RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const READS_AT_ONCE: usize = 16;

/// What may be spent in a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Budget {
    /// The budget's owner, as the caller knows it.
    pub(super) label: String,
    /// Its account in the window.
    pub(super) key: Key,
    /// The first instant after the window; `None`: it is for ever.
    pub(super) ends: Option<Timestamp>,
    /// US dollars; `None`: it is only watched.
    pub(super) max: Option<Decimal>,
    /// US dollars above which the log is warned.
    pub(super) soft: Option<Decimal>,
    pub(super) level: Level,
}

/// Whose a budget is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// The key's own.
    Key,
    /// A member's of the key's team.
    Member,
    /// The key's team's.
    Team,
    /// The key's team's, where the configuration's file has the team.
    TeamInFile,
    /// The key's user's.
    User,
    /// That of all keys together.
    All,
}

impl Level {
    /// Its word in LiteLLM's alerts.
    fn group(self) -> &'static str {
        match self {
            Level::Key => "key",
            Level::Member => "team_member",
            Level::Team | Level::TeamInFile => "team",
            Level::User => "user",
            Level::All => "proxy",
        }
    }

    /// Whether so many requests may use its account at the same time that it is settled after the record.
    pub(super) fn is_shared(self) -> bool {
        !matches!(self, Level::Key | Level::Member)
    }

    /// The widths of budgets, from those of one person to that of all.
    pub(super) const WIDTHS: [u8; 3] = [0, 1, 2];

    /// How many share it: one person's keys, a team's, or all.
    pub(super) fn width(self) -> u8 {
        match self {
            Level::Key | Level::Member | Level::User => 0,
            Level::Team | Level::TeamInFile => 1,
            Level::All => 2,
        }
    }

    /// How it is raised by whoever may.
    pub(super) fn raised_by(self) -> &'static str {
        match self {
            Level::Key => "/key/update",
            Level::Member => "/team/member_update",
            Level::Team => "/team/update",
            Level::TeamInFile => "general_settings.teams in the configuration",
            Level::User => "/user/update",
            Level::All => "general_settings.max_budget in the configuration",
        }
    }
}

/// How a budget stands, for its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetUsage {
    /// US dollars in a window.
    pub max: Option<Decimal>,
    /// US dollars spent in this one.
    pub spent: Decimal,
    /// US dollars that are neither spent nor held for requests under way; of a budget without a limit, none.
    pub remaining: Option<Decimal>,
    /// When the next window begins.
    pub resets_at: Option<Timestamp>,
}

/// The budget of all virtual keys together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommonBudget {
    /// US dollars.
    pub max: Decimal,
    /// The window; `None`: for ever.
    pub period: Option<Period>,
}

impl Budget {
    /// The budget that a key has in the window of this instant, if it has one.
    pub(super) fn of_key(key: &VirtualKey, now: Timestamp) -> Option<Budget> {
        let settings = &key.settings;
        let has_budget = settings.max_budget.is_some() || settings.soft_budget.is_some();
        has_budget.then(|| Budget::of_window(key, now))
    }

    /// The window of this instant, with what a key may spend in it.
    pub(super) fn of_window(key: &VirtualKey, now: Timestamp) -> Budget {
        let settings = &key.settings;
        let window = settings.budget_duration.map(|period| period.window(now));
        Budget {
            label: format!("Key={}", key.label()),
            key: keys::budget(&key.account, window.map(|window| window.start)),
            ends: window.map(|window| window.end),
            max: settings.max_at(now),
            soft: settings.soft_budget,
            level: Level::Key,
        }
    }

    /// What a team, a member or a user may spend in the window of this instant, if there is a budget. `account` names
    /// the account of the window that begins then.
    fn of_allowance(
        level: Level,
        label: String,
        allowance: &Allowance,
        account: impl Fn(Option<Timestamp>) -> Key,
        now: Timestamp,
    ) -> Option<Budget> {
        let max = allowance.max_at(now);
        let soft = allowance.soft_budget;
        if max.is_none() && soft.is_none() {
            return None;
        }
        let window = allowance.budget_duration.map(|period| period.window(now));
        Some(Budget {
            label,
            key: account(window.map(|window| window.start)),
            ends: window.map(|window| window.end),
            max,
            soft,
            level,
        })
    }

    /// The budget of a team, if it has one.
    fn of_team(team: &Team, now: Timestamp) -> Option<Budget> {
        let level = if team.in_file {
            Level::TeamInFile
        } else {
            Level::Team
        };
        let label = format!("Team={}", team.label());
        let account = |window| keys::team_budget(&team.team_id, window);
        Budget::of_allowance(level, label, &team.settings.allowance, account, now)
    }

    /// The budget of a member of a team, if there is one.
    fn of_member(team: &Team, user: &str, allowance: &Allowance, now: Timestamp) -> Option<Budget> {
        let label = format!("TeamMember={user}:{}", team.label());
        let account = |window| keys::member_budget(&team.team_id, user, window);
        Budget::of_allowance(Level::Member, label, allowance, account, now)
    }

    /// The budget of a user, if there is one.
    fn of_user(user: &User, now: Timestamp) -> Option<Budget> {
        let label = format!("User={}", user.user_id);
        let account = |window| keys::user_budget(&user.user_id, window);
        Budget::of_allowance(Level::User, label, &user.settings.allowance, account, now)
    }

    /// The budget of all virtual keys in the window of this instant.
    pub(super) fn of_all(common: CommonBudget, now: Timestamp) -> Budget {
        let window = common.period.map(|period| period.window(now));
        Budget {
            label: "all keys together".to_owned(),
            key: keys::common_budget(window.map(|window| window.start)),
            ends: window.map(|window| window.end),
            max: Some(common.max),
            soft: None,
            level: Level::All,
        }
    }

    /// When its account may be forgotten; `None`: never.
    pub(super) fn expires(&self) -> Option<Timestamp> {
        self.ends?.checked_add(ACCOUNT_RETENTION).ok()
    }

    /// The refusal of a request that has a prompt of this cost, in US dollars, and no answer.
    fn denial(&self, account: &Account, prompt: Decimal, now: Timestamp) -> Denied {
        let (spent, max) = (account.spent_at(now), self.max.unwrap_or_default());
        Denied::OverBudget(Box::new(OverBudget {
            label: self.label.clone(),
            spent,
            held: account.committed - spent,
            left: (max - account.committed).max(Decimal::ZERO),
            max,
            cost: prompt,
            prompt,
            resets_at: self.ends,
            raised_by: self.level.raised_by(),
            longest_answer: None,
        }))
    }

    /// So much of it is spent, for alerts.
    pub(super) fn used(&self, spent: Decimal) -> BudgetUse {
        BudgetUse {
            account: self.key.clone(),
            group: self.level.group(),
            label: self.label.clone(),
            max: self.max,
            soft: self.soft,
            spent,
            resets_at: self.ends,
        }
    }

    pub(super) fn usage(&self, account: &Account, now: Timestamp) -> BudgetUsage {
        let remaining = self.max.map(|max| max - account.committed);
        BudgetUsage {
            max: self.max,
            spent: account.spent_at(now),
            remaining: remaining.map(|left| left.max(Decimal::ZERO)),
            resets_at: self.ends,
        }
    }
}

impl Keyring {
    /// How a key's budget stands now; `None`: it has none.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn budget_usage(&self, key: &VirtualKey) -> Result<Option<BudgetUsage>, StoreError> {
        self.budget_usage_of(Budget::of_key(key, self.clock.now()))
            .await
    }

    /// How a team's budget stands now; `None`: it has none.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn team_budget_usage(&self, team: &Team) -> Result<Option<BudgetUsage>, StoreError> {
        self.budget_usage_of(Budget::of_team(team, self.clock.now()))
            .await
    }

    /// How the budget of a member of a team stands now; `None`: there is none.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn member_budget_usage(
        &self,
        team: &Team,
        member: &Member,
    ) -> Result<Option<BudgetUsage>, StoreError> {
        let (now, allowance) = (self.clock.now(), team.allowance_of(Some(member)));
        self.budget_usage_of(Budget::of_member(team, &member.user_id, &allowance, now))
            .await
    }

    /// How a user's budget in a team stands now, by the membership as the table knows it; `None`: there is none.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn own_member_budget_usage(
        &self,
        team: &Team,
        user: &str,
    ) -> Result<Option<BudgetUsage>, StoreError> {
        let known = self.directory.known(Some(&team.team_id), Some(user));
        let Some(allowance) = known.and_then(|known| known.member) else {
            return Ok(None);
        };
        let budget = Budget::of_member(team, user, &allowance, self.clock.now());
        self.budget_usage_of(budget).await
    }

    /// How a user's budget stands now; `None`: there is none.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn user_budget_usage(&self, user: &User) -> Result<Option<BudgetUsage>, StoreError> {
        self.budget_usage_of(Budget::of_user(user, self.clock.now()))
            .await
    }

    async fn budget_usage_of(
        &self,
        budget: Option<Budget>,
    ) -> Result<Option<BudgetUsage>, StoreError> {
        let now = self.clock.now();
        let Some(budget) = budget else {
            return Ok(None);
        };
        let account = self.table.account(&budget.key).await?.unwrap_or_default();
        if let Err(error) = self.tidy(&budget, &account, now).await {
            tracing::warn!(%error, "holds whose time is over could not be moved");
        }
        Ok(Some(budget.usage(&account, now)))
    }

    /// How the budgets of these keys stand now, in their order; `None`: a key has none.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn budget_usages(
        &self,
        keys: &[&VirtualKey],
    ) -> Result<Vec<Option<BudgetUsage>>, StoreError> {
        let mut usages = Vec::with_capacity(keys.len());
        for some in keys.chunks(READS_AT_ONCE) {
            let mut reads = Vec::with_capacity(some.len());
            for key in some {
                reads.push(self.budget_usage(key));
            }
            usages.extend(try_join_all(reads).await?);
        }
        Ok(usages)
    }

    /// Refuses a request of a key whose budget is known to be spent, without asking the table.
    pub(super) fn check_known_spent(&self, caller: &Caller) -> Result<(), Denied> {
        let now = self.clock.now();
        for budget in self.budgets(caller, now) {
            let known = self.reached.spent(&budget.key, now);
            if let (Some(max), Some(spent)) = (budget.max, known)
                && spent >= max
                && !spent.is_zero()
            {
                return Err(budget.denial(&paid(spent), Decimal::ZERO, now));
            }
        }
        Ok(())
    }

    /// Refuses a request that costs nothing where a budget of the key is spent, or has not even what its prompt would
    /// cost: US dollars.
    pub(super) async fn check_spent(&self, caller: &Caller, prompt: Decimal) -> Result<(), Denied> {
        self.check_known_spent(caller)?;
        let now = self.clock.now();
        for budget in self.budgets(caller, now) {
            let Some(max) = budget.max else { continue };
            let account = self.table.account(&budget.key).await;
            let account = account.map_err(|error| Denied::of_table(&error))?;
            let account = account.unwrap_or_default();
            let spent = account.spent_at(now);
            if spent >= max || spent + prompt > max {
                self.reached.record_spent(&budget.key, &account, now);
                return Err(budget.denial(&account, prompt, now));
            }
        }
        Ok(())
    }

    /// Every budget that has to have room for a request of this caller: the key's, the member's, the team's, the user's
    /// and that of all keys together, as far as there are any. The master key has none.
    pub(super) fn budgets(&self, caller: &Caller, now: Timestamp) -> Vec<Budget> {
        let Some(key) = &caller.virtual_key else {
            return Vec::new();
        };
        let KeyOwners { team, member, user } = &caller.owners;
        let of_team = team.as_ref();
        let member = of_team.zip(member.as_ref()).and_then(|(team, allowance)| {
            let user = key.settings.user_id.as_deref()?;
            Budget::of_member(team, user, allowance, now)
        });
        // As in the reference system: a user's budget is for the user's own keys, unless the configuration says more.
        let counts = of_team.is_none() || self.options.user_budget_on_team_keys;
        let user = user.as_ref().filter(|_| counts);
        let common = self.options.common;
        let all = [
            Budget::of_key(key, now),
            member,
            of_team.and_then(|team| Budget::of_team(team, now)),
            user.and_then(|user| Budget::of_user(user, now)),
            common.map(|common| Budget::of_all(common, now)),
        ];
        all.into_iter().flatten().collect()
    }
}

/// An account of which no more is known than what was paid.
pub(super) fn paid(spent: Decimal) -> Account {
    Account {
        committed: spent,
        spent,
        ..Account::default()
    }
}
