//! `stream_options`.

use serde::Deserialize;
use serde::de::MapAccess;

use crate::wire::loose::{Form, object};
use crate::wire::{DroppedFields, Loose};

/// Where it has another form, the usage is not sent: it is for the client's books alone.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StreamOptions {
    pub(crate) include_usage: Loose<bool>,
}

impl Form for StreamOptions {
    const EXPECTED: &'static str = "an object";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

/// Whether the usage is to come at the end of the stream.
pub(crate) fn wants_usage(options: Loose<StreamOptions>, dropped: &mut DroppedFields) -> bool {
    let options = options.or_dropped("stream_options", dropped);
    let include = options.unwrap_or_default().include_usage;
    include.or_dropped("stream_options.include_usage", dropped) == Some(true)
}
