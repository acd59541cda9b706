//! Content blocks one after the other: models may write several tool calls at once, and no client's wire can say that.

use std::collections::VecDeque;

use crate::conversation::Event;

/// Lets a tool call's events pass until it is whole, and holds those of the other content blocks back meanwhile.
#[derive(Debug, Default)]
pub(super) struct BlockOrder {
    /// The content block of the tool call that is being written.
    open_call: Option<i32>,
    waiting: VecDeque<(i32, BlockEvent)>,
}

/// What happens in a content block.
#[derive(Debug)]
pub(super) enum BlockEvent {
    /// A tool call begins.
    BeginsCall(Event),
    /// A piece of it comes.
    Piece(Event),
    /// It is whole.
    Ends,
}

impl BlockOrder {
    /// Whether the next event of a call under way is its rest: models may write all of its arguments before that comes.
    pub(super) fn is_in_call(&self) -> bool {
        self.open_call.is_some()
    }

    /// Adds to `out` what may be seen by now.
    pub(super) fn push(&mut self, block: i32, event: BlockEvent, out: &mut VecDeque<Event>) {
        match (self.open_call, event) {
            // The two usual ways, in which nothing that waits is to be looked through.
            (Some(open), BlockEvent::Piece(event)) if open == block => out.push_back(event),
            (Some(open), event) if open != block => self.waiting.push_back((block, event)),
            (_, event) => {
                self.waiting.push_back((block, event));
                self.give(out);
            }
        }
    }

    /// The message is over, and so is every block of it.
    pub(super) fn end(&mut self, out: &mut VecDeque<Event>) {
        while self.open_call.take().is_some() {
            self.give(out);
        }
    }

    /// Hands out in their order all events that no open call holds back.
    fn give(&mut self, out: &mut VecDeque<Event>) {
        let mut at = 0;
        while let Some((block, event)) = self.waiting.get(at) {
            if self.open_call.is_some_and(|open| open != *block) {
                at += 1;
                continue;
            }
            // Another call in the same place: the one before is over.
            if self.open_call.is_some() && matches!(event, BlockEvent::BeginsCall(_)) {
                self.open_call = None;
                at = 0;
                continue;
            }
            let Some((block, event)) = self.waiting.remove(at) else {
                return;
            };
            match event {
                BlockEvent::BeginsCall(event) => {
                    self.open_call = Some(block);
                    out.push_back(event);
                }
                BlockEvent::Piece(event) => out.push_back(event),
                // What waited for this call comes before what comes after it.
                BlockEvent::Ends => {
                    if self.open_call.take().is_some() {
                        at = 0;
                    }
                }
            }
        }
    }
}
