//! Tool calls and their results, paired as Bedrock wants them: ids that are unique in the whole conversation, and each
//! call answered exactly once in the turn that follows.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::conversation::{Part, ToolResult};

use super::call_ids;
use super::names::stem_of_id;

/// The calls of a conversation, read turn by turn.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Every id so far, as planned.
    taken: HashSet<String>,
    /// The number of the last id with a stem. Counted by stem and not by id: long ids may have one stem in common.
    numbers: HashMap<String, usize>,
    /// What the turn just read waits for, in its order, by planned id.
    open: Vec<String>,
    /// The planned ids of the calls that wait for results, by the client's id.
    waiting: HashMap<String, VecDeque<String>>,
}

impl Calls {
    /// An assistant's parts, each call under an id that is new. Some models count their calls from 0 in every answer,
    /// and Bedrock refuses an id that it has seen. A call that stands twice in one turn, word for word, is a slip of
    /// the client and goes.
    pub(super) fn add_calls(&mut self, parts: Vec<Part>) -> Vec<Part> {
        if !parts.iter().any(|part| matches!(part, Part::ToolCall(_))) {
            return parts;
        }
        let mut first: HashMap<String, usize> = HashMap::new();
        let mut kept: Vec<Part> = Vec::with_capacity(parts.len());
        for part in parts {
            let Part::ToolCall(mut call) = part else {
                kept.push(part);
                continue;
            };
            let before = first.get(&call.id).and_then(|at| kept.get(*at));
            if matches!(before, Some(Part::ToolCall(before)) if before.name == call.name && before.input == call.input)
            {
                continue;
            }
            let (written, _) = call_ids::parted(&call.id);
            let planned = self.new_id(written);
            first.entry(call.id.clone()).or_insert(kept.len());
            let asked = std::mem::replace(&mut call.id, planned.clone());
            self.waiting
                .entry(asked)
                .or_default()
                .push_back(planned.clone());
            self.open.push(planned);
            kept.push(Part::ToolCall(call));
        }
        kept
    }

    /// The user's parts with exactly one result for every open call; a result that nothing asked for becomes text.
    pub(super) fn pair_results(&mut self, parts: Vec<Part>) -> Vec<Part> {
        let has_results = parts.iter().any(|part| matches!(part, Part::ToolResult(_)));
        if !has_results && self.open.is_empty() {
            return parts;
        }
        let mut answered = HashSet::new();
        let mut paired = Vec::with_capacity(parts.len());
        for part in parts {
            let Part::ToolResult(mut result) = part else {
                paired.push(part);
                continue;
            };
            let planned = self
                .waiting
                .get_mut(&result.id)
                .and_then(VecDeque::pop_front);
            if let Some(planned) = planned {
                result.id.clone_from(&planned);
                answered.insert(planned);
                paired.push(Part::ToolResult(result));
            } else {
                paired.push(Part::Text(format!("[tool result for {}]", result.id)));
                paired.extend(result.content);
            }
        }
        self.waiting.clear();
        let unanswered = self.open.drain(..).filter(|id| !answered.contains(id));
        paired.extend(unanswered.map(not_carried_out));
        paired
    }

    fn new_id(&mut self, id: &str) -> String {
        if self.taken.insert(id.to_owned()) {
            return id.to_owned();
        }
        let stem = stem_of_id(id);
        let number = self.numbers.entry(stem.clone()).or_insert(1);
        loop {
            *number += 1;
            let planned = format!("{stem}{number}");
            if self.taken.insert(planned.clone()) {
                return planned;
            }
        }
    }
}

fn not_carried_out(id: String) -> Part {
    Part::ToolResult(ToolResult {
        id,
        content: vec![Part::Text(
            "(no result: the call was not carried out)".into(),
        )],
        is_error: true,
        native: None,
    })
}
