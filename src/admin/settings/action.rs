//! What the buttons of the page ask for.

use super::super::form::FormFields;
use super::draft::ListName;

/// The field of the button that was pressed.
const ACTION: &str = "do";

/// What a button asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DraftAction {
    /// Save the draft.
    Save,
    /// Put the file's chains into the draft.
    Reset,
    /// Change the draft.
    Edit(ListEdit),
}

/// A change of one list. Places count from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListEdit {
    /// One place to the front.
    Up(usize, ListName),
    /// One place to the back.
    Down(usize, ListName),
    /// The member at this place.
    Remove(usize, ListName),
    /// This one at the end; a list that is not there begins with it.
    Add(String, ListName),
    /// The list itself: what is more general holds again.
    Drop(ListName),
}

impl DraftAction {
    /// What the pressed button asks for: `up 2 fallbacks:claude`, `new context`. `None`: nothing that is known.
    pub(super) fn read(fields: &FormFields) -> Option<Self> {
        let (verb, rest) = fields
            .get(ACTION)
            .split_once(' ')
            .unwrap_or((fields.get(ACTION), ""));
        let edit = match verb {
            "save" => return Some(Self::Save),
            "reset" => return Some(Self::Reset),
            "new" => {
                let which = ListName::parse(fields.get(&new_for(rest)))?;
                ListEdit::Add(fields.get(&new_first(rest)).to_owned(), which)
            }
            _ => {
                let (place, which) = rest.split_once(' ')?;
                let (place, which) = (place.parse().ok()?, ListName::parse(which)?);
                match verb {
                    "up" => ListEdit::Up(place, which),
                    "down" => ListEdit::Down(place, which),
                    "remove" => ListEdit::Remove(place, which),
                    "add" => ListEdit::Add(fields.get(&which.choice()).to_owned(), which),
                    "drop" => ListEdit::Drop(which),
                    _ => return None,
                }
            }
        };
        Some(Self::Edit(edit))
    }
}

/// The field that chooses the group for which a list of a kind is begun.
pub(super) fn new_for(kind: &str) -> String {
    format!("new-for-{kind}")
}

/// The field that chooses its first member.
pub(super) fn new_first(kind: &str) -> String {
    format!("new-first-{kind}")
}

#[cfg(test)]
mod tests {
    use super::super::draft::{SEEN, SettingsDraft};
    use super::*;
    use crate::config::{Changes, Config};

    fn config() -> Config {
        let yaml = "
model_list:
  - {model_name: a b, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}, model_info: {id: one}}
  - {model_name: a b, litellm_params: {model: bedrock/us.amazon.nova-lite-v1:0}, model_info: {id: two}}
  - {model_name: c, litellm_params: {model: bedrock/us.amazon.nova-micro-v1:0}}
  - {model_name: d, litellm_params: {model: bedrock/us.amazon.nova-premier-v1:0}}
litellm_settings: {fallbacks: [{a b: [c, d]}], default_fallbacks: [c]}
";
        Config::parse("test.yml", yaml, &|_| None).unwrap().0
    }

    fn fields(draft: &SettingsDraft, button: &str, more: &[(&str, &str)]) -> FormFields {
        let mut fields = vec![
            (SEEN.to_owned(), "3".to_owned()),
            (ACTION.to_owned(), button.to_owned()),
        ];
        for (which, list) in &draft.lists {
            fields.push((which.field(), String::new()));
            fields.extend(list.iter().map(|name| (which.field(), name.clone())));
        }
        let more = more.iter();
        fields.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        FormFields(fields)
    }

    #[test]
    fn a_draft_survives_its_form() {
        let config = config();
        let draft = SettingsDraft::of(&config, None);
        assert_eq!(draft.changes(&config), Changes::default());
        let read = SettingsDraft::read(&fields(&draft, "save", &[]));
        assert_eq!(read.lists, draft.lists);
        assert_eq!(read.seen, Some(3));
    }

    #[test]
    fn each_button_changes_its_list() {
        let config = config();
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a [&'a str]);
        let table: [Case; 9] = [
            ("up 1 fallbacks:a b", &[], "fallbacks:a b", &["d", "c"]),
            ("down 0 fallbacks:a b", &[], "fallbacks:a b", &["d", "c"]),
            ("down 1 fallbacks:a b", &[], "fallbacks:a b", &["c", "d"]),
            ("remove 0 fallbacks:a b", &[], "fallbacks:a b", &["d"]),
            (
                "add 0 default:",
                &[("add-default:", "d")],
                "default:",
                &["c", "d"],
            ),
            (
                "add 0 default:",
                &[("add-default:", "c")],
                "default:",
                &["c"],
            ),
            ("drop 0 default:", &[], "default:", &[]),
            (
                "new context",
                &[("new-for-context", "context:c"), ("new-first-context", "d")],
                "context:c",
                &["d"],
            ),
            ("down 0 order:a b", &[], "order:a b", &["two", "one"]),
        ];
        for (button, more, field, expected) in table {
            let mut draft = SettingsDraft::of(&config, None);
            let Some(DraftAction::Edit(edit)) = DraftAction::read(&fields(&draft, button, more))
            else {
                panic!("{button}");
            };
            draft.apply(&config, edit);
            let which = ListName::parse(field).unwrap();
            assert_eq!(draft.list(&config, &which), expected, "{button}");
        }
    }

    #[test]
    fn a_button_that_nobody_made_does_nothing() {
        let config = config();
        let before = SettingsDraft::of(&config, None);
        for button in [
            "",
            "explode",
            "up",
            "up x fallbacks:a",
            "up 1 nope:a",
            "new nope",
        ] {
            assert_eq!(
                DraftAction::read(&fields(&before, button, &[])),
                None,
                "{button}"
            );
        }
        for button in [
            "up 0 fallbacks:a b",
            "up 9 fallbacks:a b",
            "down 18446744073709551615 default:",
        ] {
            let mut draft = before.clone();
            if let Some(DraftAction::Edit(edit)) = DraftAction::read(&fields(&draft, button, &[])) {
                draft.apply(&config, edit);
            }
            assert_eq!(draft, before, "{button}");
        }
    }
}
