//! Gives the JSON that a model writes under legal keys the client's keys. It is held until it is complete: see
//! [`ClientKeys`](super::plan::ClientKeys).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::conversation::Event;

use super::plan::{ClientKeys, ToolNames};

/// Holds the arguments of calls, and the answer, that have other keys than the client's, and restores these.
#[derive(Debug)]
pub(super) struct KeyRestorer {
    names: ToolNames,
    /// By the call's place among the calls; `None` is the answer.
    texts: HashMap<Option<usize>, RenamedText>,
    /// Which of them is being written.
    under_way: Option<Option<usize>>,
}

#[derive(Debug)]
struct RenamedText {
    keys: Arc<ClientKeys>,
    /// As the model wrote it.
    written: String,
    /// How much of what that becomes has been given out.
    given: usize,
}

impl RenamedText {
    fn new(keys: &Arc<ClientKeys>) -> Self {
        Self {
            keys: Arc::clone(keys),
            written: String::new(),
            given: 0,
        }
    }

    /// What is new since the last call, under the client's keys.
    fn new_text(&mut self) -> Option<String> {
        let restored = self.keys.to_client(&self.written);
        let new = restored.get(self.given..).unwrap_or_default().to_owned();
        self.given = restored.len();
        Some(new).filter(|new| !new.is_empty())
    }
}

impl KeyRestorer {
    pub(super) fn new(names: ToolNames) -> Self {
        let answer = names.answer_keys();
        Self {
            texts: answer
                .map(|keys| (None, RenamedText::new(keys)))
                .into_iter()
                .collect(),
            names,
            under_way: None,
        }
    }

    /// Adds to `out` what may be seen by now. What is held when the stream breaks is never seen.
    pub(super) fn push(&mut self, event: Event, out: &mut VecDeque<Event>) {
        let (place, piece) = match &event {
            Event::ToolInput { index, json } => (Some(Some(*index)), json.as_str()),
            Event::Text(text) => (Some(None), text.as_str()),
            _ => (None, ""),
        };
        if self.under_way.is_some() && self.under_way != place {
            self.release(out);
        }
        if let Event::ToolCall { index, name, .. } = &event
            && let Some(keys) = self.names.keys(name)
        {
            self.texts.insert(Some(*index), RenamedText::new(keys));
        }
        match place.and_then(|place| self.texts.get_mut(&place)) {
            Some(text) => {
                text.written.push_str(piece);
                self.under_way = place;
            }
            None => out.push_back(event),
        }
    }

    fn release(&mut self, out: &mut VecDeque<Event>) {
        let Some(place) = self.under_way.take() else {
            return;
        };
        let new = self.texts.get_mut(&place).and_then(RenamedText::new_text);
        out.extend(new.map(|new| match place {
            Some(index) => Event::ToolInput { index, json: new },
            None => Event::Text(new),
        }));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bedrock::plan::{UnsupportedFeatures, plan};
    use crate::catalog::{Family, Model};
    use crate::config::Defaults;
    use crate::conversation::{Request, StopReason, Tool};

    fn held() -> KeyRestorer {
        let schema = json!({"type": "object", "properties": {"a b": {"type": "integer"}, "c": {}}});
        let mut request = Request::default();
        request.tools.push(Tool {
            name: "f".into(),
            description: String::new(),
            schema: Arc::new(schema),
            strict: false,
            cache: None,
            kind: None,
            native: None,
        });
        let mut model = Model::unknown("claude");
        model.family = Family::Claude;
        model.abilities.tools = true;
        KeyRestorer::new(
            plan(
                &request,
                &model,
                &Defaults::default(),
                UnsupportedFeatures::default(),
            )
            .names,
        )
    }

    fn call(index: usize, name: &str) -> Event {
        Event::ToolCall {
            index,
            id: format!("t{index}"),
            name: name.into(),
            native: None,
        }
    }

    fn input(index: usize, json: &str) -> Event {
        Event::ToolInput {
            index,
            json: json.into(),
        }
    }

    fn seen(events: Vec<Event>) -> Vec<Event> {
        let (mut held, mut out) = (held(), VecDeque::new());
        for event in events {
            held.push(event, &mut out);
        }
        out.into()
    }

    #[test]
    fn arguments_with_other_keys_come_at_once_and_others_as_they_are_written() {
        let stop = || Event::Stop(StopReason::ToolUse);
        let written = vec![
            call(0, "f"),
            input(0, "{\"a_"),
            input(0, "b\": 1.50, \"c\": {\"a_b\": 2}}"),
            call(1, "g"),
            input(1, "{\"a_b\""),
            input(1, ": 1}"),
            stop(),
        ];
        let expected = vec![
            call(0, "f"),
            input(0, "{\"a b\": 1.50, \"c\": {\"a_b\": 2}}"),
            call(1, "g"),
            input(1, "{\"a_b\""),
            input(1, ": 1}"),
            stop(),
        ];
        assert_eq!(seen(written), expected);
    }

    #[test]
    fn what_was_cut_by_the_limit_comes_as_far_as_its_keys_are_whole() {
        let stop = || Event::Stop(StopReason::MaxTokens);
        for (written, shown) in [
            ("{\"a_b\": \"x", "{\"a b\": \"x"),
            ("{\"c\": 1, \"a_", "{\"c\": 1, "),
        ] {
            let events = vec![call(0, "f"), input(0, written), stop()];
            assert_eq!(seen(events), vec![call(0, "f"), input(0, shown), stop()]);
        }
    }

    #[test]
    fn a_broken_stream_shows_nothing_of_them() {
        let events = vec![call(0, "f"), input(0, "{\"a_b\": 1")];
        assert_eq!(seen(events), vec![call(0, "f")]);
    }

    #[test]
    fn pieces_of_two_calls_in_turn_stay_apart() {
        let events = vec![
            call(0, "f"),
            call(1, "f"),
            input(0, "{\"a_b\": 1, \"a"),
            input(1, "{\"a_b\": 2}"),
            input(0, "_b\": 3}"),
            Event::Stop(StopReason::ToolUse),
        ];
        let of = |wanted: usize| {
            let events = seen(events.clone()).into_iter();
            let texts = events.filter_map(|event| match event {
                Event::ToolInput { index, json } if index == wanted => Some(json),
                _ => None,
            });
            texts.collect::<String>()
        };
        assert_eq!(of(0), "{\"a b\": 1, \"a b\": 3}");
        assert_eq!(of(1), "{\"a b\": 2}");
    }
}
