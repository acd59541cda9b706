//! Documents as OpenAI's clients send them.

use serde::Deserialize;
use serde::de::MapAccess;

use crate::conversation::{DocumentFormat, Part};
use crate::wire::loose::{Form, object};
use crate::wire::{ApiError, Loose, media};

/// `{"file_data": "data:application/pdf;base64,…", "filename": …}`; LiteLLM also takes the data URL as `file_id`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireFile {
    pub(super) file_id: Loose<String>,
    pub(super) file_data: Loose<String>,
    pub(super) filename: Loose<String>,
    /// A media type, where the data does not say.
    pub(super) format: Loose<String>,
}

impl Form for Box<WireFile> {
    const EXPECTED: &'static str = "a file (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        let file: Option<WireFile> = object(fields)?;
        Ok(file.map(Box::new))
    }
}

impl WireFile {
    /// The document or picture that the file is. `path` names the part in errors.
    pub(super) fn into_part(self, citations: bool, path: &str) -> Result<Part, ApiError> {
        let file = format!("{path}.file");
        let id = self.file_id.optional(&file, "file_id")?;
        let id = id.filter(|id| id.starts_with("data:"));
        let filename = self.filename.optional(&file, "filename")?;
        let format = self.format.optional(&file, "format")?;
        let (Some(data), field) = (match self.file_data.optional(&file, "file_data")? {
            Some(data) => (Some(data), "file_data"),
            None => (id, "file_id"),
        }) else {
            let param = format!("{file}.file_data");
            let message = format!(
                "'{param}' is missing; send the file itself as a data URL \
                 ('data:application/pdf;base64,…'): this gateway keeps no files."
            );
            return Err(ApiError::bad_request(message, param));
        };
        let param = format!("{file}.{field}");
        let ending = filename.as_deref().and_then(media::ending);
        // Some clients send the bare base64 and say elsewhere what it is.
        let url = if data.starts_with("data:") {
            data
        } else {
            let kind = format.as_deref().or(ending.and_then(media::type_of_ending));
            format!("data:{};base64,{data}", kind.unwrap_or_default())
        };
        let mut part = media::inline(&url, &param)?;
        if let Part::Document(document) = &mut part {
            // A file's own name is more to the point than `text/plain` or `application/octet-stream`.
            if let Some(format) = ending.and_then(DocumentFormat::of_ending) {
                document.format = format;
            }
            document.name = filename.unwrap_or_default();
            document.citations = citations;
        }
        Ok(part)
    }
}
