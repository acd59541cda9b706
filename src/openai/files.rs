//! Documents as OpenAI's clients send them.

use serde::Deserialize;

use crate::conversation::{DocumentFormat, Part};
use crate::wire::{ApiError, media};

/// `{"file_data": "data:application/pdf;base64,…", "filename": …}`; LiteLLM also takes the data URL as `file_id`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a file (an object)")]
pub(super) struct WireFile {
    pub(super) file_id: Option<String>,
    pub(super) file_data: Option<String>,
    pub(super) filename: Option<String>,
    /// A media type, where the data does not say.
    pub(super) format: Option<String>,
}

impl WireFile {
    /// The document or picture that the file is. `path` names the part in errors.
    pub(super) fn into_part(self, citations: bool, path: &str) -> Result<Part, ApiError> {
        let id = self.file_id.filter(|id| id.starts_with("data:"));
        let (Some(data), field) = (match self.file_data {
            Some(data) => (Some(data), "file_data"),
            None => (id, "file_id"),
        }) else {
            let param = format!("{path}.file.file_data");
            let message = format!(
                "'{param}' is missing; send the file itself as a data URL \
                 ('data:application/pdf;base64,…'): this gateway keeps no files."
            );
            return Err(ApiError::bad_request(message, param));
        };
        let param = format!("{path}.file.{field}");
        let ending = self.filename.as_deref().and_then(media::ending);
        // Some clients send the bare base64 and say elsewhere what it is.
        let url = if data.starts_with("data:") {
            data
        } else {
            let kind = self
                .format
                .as_deref()
                .or(ending.and_then(media::type_of_ending));
            format!("data:{};base64,{data}", kind.unwrap_or_default())
        };
        let mut part = media::inline(&url, &param)?;
        if let Part::Document(document) = &mut part {
            // A file's own name is more to the point than `text/plain` or `application/octet-stream`.
            if let Some(format) = ending.and_then(DocumentFormat::of_ending) {
                document.format = format;
            }
            document.name = self.filename.unwrap_or_default();
            document.citations = citations;
        }
        Ok(part)
    }
}
