//! The choice of a period, as every page that has one shows it.

use super::period::{Name, PagePeriod};
use super::texts::texts;

/// The choice: by a name, or from a day to a day, with what else the address says.
pub(super) struct PeriodPicker {
    /// Where the form goes.
    pub(super) action: &'static str,
    pub(super) choices: Vec<PeriodChoice>,
    pub(super) first: String,
    pub(super) last: String,
    /// What else the form carries.
    pub(super) others: Vec<(&'static str, String)>,
    /// Why another period is shown than was asked for.
    pub(super) note: Option<String>,
}

/// A period by its name.
pub(super) struct PeriodChoice {
    pub(super) address: String,
    pub(super) name: &'static str,
    pub(super) is_current: bool,
}

impl PeriodPicker {
    /// `others`: the rest of the address's query, which every choice keeps.
    pub(super) fn new(
        action: &'static str,
        period: &PagePeriod,
        note: Option<String>,
        others: Vec<(&'static str, String)>,
    ) -> Self {
        let t = &texts().period;
        let names = [t.today, t.week, t.days30, t.month];
        let choices = Name::ALL.into_iter().zip(names).map(|(name, text)| {
            let other = PagePeriod { name, ..*period };
            let mut query = url::form_urlencoded::Serializer::new(other.query());
            query.extend_pairs(others.iter().map(|(name, value)| (*name, value.as_str())));
            PeriodChoice {
                address: format!("{action}?{}", query.finish()),
                name: text,
                is_current: name == period.name && note.is_none(),
            }
        });
        Self {
            action,
            choices: choices.collect(),
            first: period.first.to_string(),
            last: period.last.to_string(),
            others: others.clone(),
            note,
        }
    }
}
