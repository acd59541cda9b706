//! Time as keys tell it: UTC days, and instants as text that sorts as they do.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// The UTC day of an instant.
pub fn day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// The first instant of a UTC day.
pub fn beginning(day: Date) -> Timestamp {
    let midnight = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0));
    midnight.unwrap_or(Timestamp::MIN)
}

/// An instant to the millisecond, of fixed width, so that text sorts as time does (years 0 to 9999).
pub fn sortable(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
