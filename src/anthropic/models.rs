//! `GET /v1/models` as Anthropic's clients read it.

use serde::Serialize;

/// One model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelInfo {
    r#type: &'static str,
    id: String,
    display_name: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_input_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
}

/// A page of the list.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ModelPage {
    data: Vec<ModelInfo>,
    has_more: bool,
    first_id: Option<String>,
    last_id: Option<String>,
}

impl ModelInfo {
    /// A model by the name that requests ask for, with the most tokens that it takes and that it gives.
    pub fn new(name: &str, created_at: String, input: Option<u32>, output: Option<u32>) -> Self {
        Self {
            r#type: "model",
            id: name.to_owned(),
            display_name: name.to_owned(),
            created_at,
            max_input_tokens: input,
            max_tokens: output,
        }
    }
}

impl ModelPage {
    /// The page behind `after`, or before `before`, of at most `limit` models.
    pub fn new(
        mut models: Vec<ModelInfo>,
        after: Option<&str>,
        before: Option<&str>,
        limit: usize,
    ) -> Self {
        let place = |models: &[ModelInfo], id: &str| models.iter().position(|model| model.id == id);
        if let Some(at) = before.and_then(|id| place(&models, id)) {
            models.truncate(at);
            let surplus = models.len().saturating_sub(limit);
            models.drain(..surplus);
            return Self::of(models, surplus > 0);
        }
        if let Some(at) = after.and_then(|id| place(&models, id)) {
            models.drain(..=at);
        }
        let has_more = models.len() > limit;
        models.truncate(limit);
        Self::of(models, has_more)
    }

    fn of(data: Vec<ModelInfo>, has_more: bool) -> Self {
        Self {
            first_id: data.first().map(|model| model.id.clone()),
            last_id: data.last().map(|model| model.id.clone()),
            data,
            has_more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_page_by_page_in_both_directions() {
        let models = || {
            let names = ["a", "b", "c", "d"].into_iter();
            names
                .map(|name| ModelInfo::new(name, String::new(), None, None))
                .collect()
        };
        type Case<'a> = (Option<&'a str>, Option<&'a str>, usize, &'a str, bool);
        let cases: [Case; 6] = [
            (None, None, 9, "abcd", false),
            (None, None, 3, "abc", true),
            (Some("c"), None, 3, "d", false),
            (Some("d"), None, 3, "", false),
            (None, Some("d"), 2, "bc", true),
            (None, Some("b"), 2, "a", false),
        ];
        for (after, before, limit, expected, has_more) in cases {
            let page = ModelPage::new(models(), after, before, limit);
            let ids: String = page.data.iter().map(|model| model.id.as_str()).collect();
            assert_eq!((ids.as_str(), page.has_more), (expected, has_more));
        }
    }
}
