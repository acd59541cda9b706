//! What becomes of a stream that breaks off after a part of the answer has gone out.
//!
//! Reasoning alone does not bind the next target, which starts afresh. Text can be continued by a target that takes the
//! beginning of its own answer (a prefill), where the configuration says so and no tools are in play: a call that a
//! continued answer garbles is worse than an error. In all other cases the client is told.

use crate::config::StreamRecovery;
use crate::conversation::{AnswerFormat, Event, Part, Request, Role, Thinking, Turn};

/// What the client has of a streamed answer.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Text is kept, for it may have to be continued.
    keeps_text: bool,
    text: String,
    /// Text that is not only white space has gone out.
    has_text: bool,
    has_thinking: bool,
    has_tool_call: bool,
}

/// How a broken answer is saved.
#[derive(Debug)]
pub(super) enum Rescue {
    /// By another answer from its beginning.
    Restart,
    /// By an answer that begins where this one broke off.
    Continue(Box<Continuation>),
}

/// An answer that begins with what the client has.
#[derive(Debug)]
pub(super) struct Continuation {
    /// The conversation with the part that has gone out as the assistant's own beginning.
    pub(super) request: Request,
    /// White space that the client has, and that the model was not shown: a prefill may not end with it
    /// ("final assistant content cannot end with trailing whitespace"), so most models say it again.
    owed: String,
}

impl Sent {
    /// Nothing so far, of an answer to this request.
    pub(super) fn new(request: &Request, recovery: StreamRecovery) -> Self {
        Self {
            keeps_text: recovery == StreamRecovery::Continue
                && request.tools.is_empty()
                && request.format == AnswerFormat::Text,
            ..Self::default()
        }
    }

    /// This goes out.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::Text(text) => {
                self.has_text |= !text.trim().is_empty();
                if self.keeps_text {
                    self.text.push_str(text);
                }
            }
            Event::Thinking(_) | Event::Signature(_) | Event::RedactedThinking(_) => {
                self.has_thinking = true;
            }
            Event::ToolCall { .. } | Event::ToolInput { .. } => self.has_tool_call = true,
            // What is in a block of an unknown kind cannot be taken back, like a call.
            Event::Native(native) => self.has_tool_call |= native.is_visible(),
            Event::Citation(_) | Event::Stop(_) | Event::Usage(_) => {}
        }
    }

    /// Whether the client has anything.
    pub(super) fn is_anything(&self) -> bool {
        self.has_text || self.has_thinking || self.has_tool_call
    }

    /// How the answer to `request` can be saved; `None`: not at all.
    pub(super) fn rescue(&self, request: &Request) -> Option<Rescue> {
        if self.has_tool_call {
            return None;
        }
        if !self.has_text {
            return Some(Rescue::Restart);
        }
        (self.keeps_text).then(|| Rescue::Continue(Box::new(self.continuation(request))))
    }

    fn continuation(&self, request: &Request) -> Continuation {
        let shown = self.text.trim_end();
        let mut request = request.clone();
        request.turns.push(Turn::new(
            Role::Assistant,
            vec![Part::Text(shown.to_owned())],
        ));
        // Claude takes no prefill while it thinks.
        request.thinking = Some(Thinking::Off);
        // At four bytes each, as elsewhere: what is left of what the caller allows.
        let spent = u32::try_from(self.text.len() / 4).unwrap_or(u32::MAX);
        let allowed = &mut request.sampling.max_tokens;
        *allowed = allowed.map(|most| most.saturating_sub(spent).max(1));
        Continuation {
            request,
            owed: self.text.get(shown.len()..).unwrap_or_default().to_owned(),
        }
    }
}

impl Continuation {
    /// The event without the white space that the client has already.
    pub(super) fn join(&mut self, event: Event) -> Event {
        let Event::Text(text) = event else {
            return event;
        };
        let mut rest = text.as_str();
        while let (Some(owed), Some(first)) = (self.owed.chars().next(), rest.chars().next()) {
            if owed != first {
                self.owed.clear();
                break;
            }
            self.owed.remove(0);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
        Event::Text(rest.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Tool;

    fn after(events: &[Event], request: &Request, recovery: StreamRecovery) -> Option<Rescue> {
        let mut sent = Sent::new(request, recovery);
        events.iter().for_each(|event| sent.note(event));
        sent.rescue(request)
    }

    fn text(text: &str) -> Event {
        Event::Text(text.to_owned())
    }

    #[test]
    fn reasoning_alone_is_started_afresh_whatever_the_configuration_says() {
        let thought = [Event::Thinking("Let me see.".into()), text("\n")];
        for recovery in [StreamRecovery::Error, StreamRecovery::Continue] {
            let rescue = after(&thought, &Request::default(), recovery);
            assert!(matches!(rescue, Some(Rescue::Restart)), "{rescue:?}");
        }
    }

    #[test]
    fn text_is_continued_only_on_demand_and_never_beside_tools() {
        let said = [text("One two")];
        let plain = Request::default();
        let with_tools = Request {
            tools: vec![Tool {
                name: "t".into(),
                description: String::new(),
                schema: serde_json::Value::Null.into(),
                cache: None,
                strict: false,
                kind: None,
                native: None,
            }],
            ..Request::default()
        };
        assert!(after(&said, &plain, StreamRecovery::Error).is_none());
        assert!(after(&said, &plain, StreamRecovery::Continue).is_some());
        assert!(after(&said, &with_tools, StreamRecovery::Continue).is_none());
    }

    #[test]
    fn a_continuation_says_no_white_space_twice() {
        let request = Request::default();
        let said = [text("One two"), text(" \n")];
        let Some(Rescue::Continue(mut rest)) = after(&said, &request, StreamRecovery::Continue)
        else {
            panic!("it can be continued");
        };
        let shown = &rest.request.turns[0].parts[0];
        assert_eq!(*shown, Part::Text("One two".into()));
        assert_eq!(rest.join(text(" ")), text(""));
        assert_eq!(rest.join(text("\nthree")), text("three"));
        assert_eq!(rest.join(text("\nfour")), text("\nfour"));
    }
}
