//! The query parameters of the spend API, read by hand so that errors name the parameter.

use std::collections::BTreeMap;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::spend::{RecordFilter, Status};
use crate::store::time::{beginning, day};
use crate::wire::ApiError;

/// The parameters of a request; those that are empty are as good as none.
#[derive(Debug)]
pub(super) struct Params(BTreeMap<String, String>);

/// How far back is looked when nothing is said.
const USUAL_DAYS: i64 = 30;

/// Parameters of LiteLLM's own clients that change nothing here.
const WITHOUT_MEANING: [&str; 3] = ["timezone", "_", "include_entity_breakdown"];

/// The parameters of [`Params::filter`] and [`Params::instants`].
pub(super) const OF_RECORDS: [&str; 22] = [
    "start_date",
    "end_date",
    "api_key",
    "key_hash",
    "key_alias",
    "user_id",
    "end_user",
    "session_id",
    "agent_id",
    "client",
    "status_filter",
    "model",
    "model_id",
    "model_group",
    "tag",
    "request_tag",
    "min_spend",
    "max_spend",
    "sort_by",
    "sort_order",
    "page_size",
    "cursor",
];

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        let filled = pairs.filter(|(_, value)| !value.trim().is_empty());
        let owned = filled.map(|(name, value)| (name.into_owned(), value.trim().to_owned()));
        Ok(Self(owned.collect()))
    }
}

impl Params {
    /// A filter that is not known would be a filter that is not applied.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        let known = |name: &String| {
            known.contains(&name.as_str()) || WITHOUT_MEANING.contains(&name.as_str())
        };
        match self.0.keys().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => Err(ApiError::bad_request(
                format!("The parameter '{name}' is not known here."),
                name,
            )),
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The first of these names that is given.
    fn any(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.0.get(*name)).cloned()
    }

    /// A value of another kind than text; `expected` says which.
    pub(super) fn read<T: FromStr>(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, ApiError> {
        let wrong = |text: &str| {
            ApiError::bad_request(
                format!("'{name}' is '{text}'; it must be {expected}."),
                name,
            )
        };
        self.text(name)
            .map(|text| text.parse().map_err(|_| wrong(text)))
            .transpose()
    }

    /// A number from 1 to `most`.
    pub(super) fn count(&self, name: &str, usual: u64, most: u64) -> Result<u64, ApiError> {
        let expected = format!("a whole number from 1 to {most}");
        match self.read(name, &expected)? {
            None => Ok(usual),
            Some(count) if (1..=most).contains(&count) => Ok(count),
            Some(count) => Err(ApiError::bad_request(
                format!("'{name}' is {count}; it must be {expected}."),
                name,
            )),
        }
    }

    /// The key that is meant, by its hash: a key itself is hashed.
    pub(super) fn key_hash(&self) -> Option<String> {
        let key = self.any(&["api_key", "key_hash"])?;
        if key.starts_with("sk-") {
            Some(hex::encode(Sha256::digest(key.as_bytes())))
        } else {
            Some(key)
        }
    }

    /// What must hold of the records that are asked for.
    pub(super) fn filter(&self) -> Result<RecordFilter, ApiError> {
        let status = match self.text("status_filter") {
            None => None,
            Some("success") => Some(Status::Success),
            Some("failure") => Some(Status::Failure),
            Some("lost") => Some(Status::Lost),
            Some(other) => {
                return Err(ApiError::bad_request(
                    format!(
                        "'status_filter' is '{other}'; it must be 'success', 'failure' or 'lost'."
                    ),
                    "status_filter",
                ));
            }
        };
        let dollars = "a number of US dollars";
        Ok(RecordFilter {
            key_hash: self.key_hash(),
            session: self.any(&["session_id"]),
            status,
            model: self.any(&["model", "model_group", "model_id"]),
            key_alias: self.any(&["key_alias"]),
            user: self.any(&["user_id"]),
            end_user: self.any(&["end_user"]),
            agent: self.any(&["agent_id"]),
            client_app: self.any(&["client"]),
            tag: self.any(&["request_tag", "tag"]),
            min_spend: self.read("min_spend", dollars)?,
            max_spend: self.read("max_spend", dollars)?,
            ..RecordFilter::default()
        })
    }

    /// The period of records: from `start_date` on, before `end_date`; where a day is named as the end, its end.
    pub(super) fn instants(&self) -> Result<(Timestamp, Timestamp), ApiError> {
        let end = match self.text("end_date") {
            // A record that is being written while this is read belongs to now.
            None => Timestamp::now() + SignedDuration::from_secs(60),
            Some(text) => match read(text, "end_date")? {
                DayOrTime::Day(date) => beginning(date.tomorrow().unwrap_or(Date::MAX)),
                DayOrTime::Second(at) => at
                    .checked_add(SignedDuration::from_secs(1))
                    .unwrap_or(Timestamp::MAX),
            },
        };
        let first = match self.text("start_date") {
            // Whole days, so that the counters know how many there are.
            None => end
                .checked_sub(SignedDuration::from_hours(24 * USUAL_DAYS))
                .map_or(Timestamp::MIN, |first| beginning(day(first))),
            Some(text) => match read(text, "start_date")? {
                DayOrTime::Day(date) => beginning(date),
                DayOrTime::Second(at) => at,
            },
        };
        if first > end {
            return Err(backwards());
        }
        Ok((first, end))
    }

    /// The period of totals: both days included, UTC.
    pub(super) fn days(&self) -> Result<(Date, Date), ApiError> {
        let of = |name| -> Result<Option<Date>, ApiError> {
            let moment = self.text(name).map(|text| read(text, name)).transpose()?;
            Ok(moment.map(|moment| match moment {
                DayOrTime::Day(date) => date,
                DayOrTime::Second(at) => day(at),
            }))
        };
        let last = of("end_date")?.unwrap_or_else(|| day(Timestamp::now()));
        let first = match of("start_date")? {
            Some(first) => first,
            None => last
                .checked_sub(SignedDuration::from_hours(24 * (USUAL_DAYS - 1)))
                .unwrap_or(Date::MIN),
        };
        if first > last {
            return Err(backwards());
        }
        Ok((first, last))
    }
}

fn backwards() -> ApiError {
    ApiError::bad_request("'end_date' must not be before 'start_date'.", "end_date")
}

/// What a date's text means.
enum DayOrTime {
    Day(Date),
    Second(Timestamp),
}

/// `2026-11-23`, `2026-11-23 12:00:00` (UTC), or an instant with its own time zone.
fn read(text: &str, name: &str) -> Result<DayOrTime, ApiError> {
    if text.len() <= "2026-11-23".len()
        && let Ok(date) = text.parse::<Date>()
    {
        return Ok(DayOrTime::Day(date));
    }
    let instant = text.parse::<Timestamp>().or_else(|_| {
        let local: DateTime = text.parse()?;
        TimeZone::UTC.to_timestamp(local)
    });
    instant.map(DayOrTime::Second).map_err(|_| {
        ApiError::bad_request(
            format!("'{name}' is '{text}'; it must be a date such as 2026-11-23 or 2026-11-23 12:00:00 (UTC)."),
            name,
        )
    })
}
