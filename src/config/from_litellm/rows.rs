//! The rows of LiteLLM's answer as entries again: a row for each alias, and for each model behind a pattern, has the id
//! of its entry.

use super::entry::ListedModel;

/// The entries of the answer.
#[derive(Debug, Default)]
pub(super) struct LitellmRows {
    pub entries: Vec<ListedModel>,
    /// Other names for a `model_name`, in order.
    pub aliases: Vec<(String, String)>,
}

impl LitellmRows {
    pub(super) fn of(listed: Vec<ListedModel>) -> Self {
        let mut rows = Self::default();
        for row in listed {
            rows.add(row);
        }
        for entry in &mut rows.entries {
            if !entry.behind_pattern.is_empty() {
                let pattern = format!("{}*", common_beginning(&entry.behind_pattern));
                entry.name.clone_from(&pattern);
                entry.params.insert("model".to_owned(), pattern.into());
            }
        }
        rows
    }

    fn add(&mut self, mut row: ListedModel) {
        let mut entries = self.entries.iter_mut();
        let same = entries.find(|entry| entry.id().is_some() && entry.id() == row.id());
        let Some(entry) = same else {
            self.entries.push(row);
            return;
        };
        if entry.params == row.params {
            if entry.name != row.name {
                self.aliases.push((row.name, entry.name.clone()));
            }
        } else if [&*entry, &row]
            .iter()
            .all(|model| model.name == model.model())
        {
            if entry.behind_pattern.is_empty() {
                entry.behind_pattern.push(entry.name.clone());
            }
            entry.behind_pattern.push(row.name);
        } else {
            // Two entries cannot have one id.
            row.info.shift_remove("id");
            self.entries.push(row);
        }
    }
}

fn common_beginning(names: &[String]) -> &str {
    let mut names = names.iter().map(String::as_str);
    let first = names.next().unwrap_or_default();
    names.fold(first, |common, name| {
        let ends = common
            .char_indices()
            .zip(name.chars())
            .find(|((_, a), b)| a != b)
            .map(|((at, _), _)| at);
        let shorter = common.len().min(name.len());
        common.get(..ends.unwrap_or(shorter)).unwrap_or(common)
    })
}
