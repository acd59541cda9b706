//! What keeps a record so small that the table takes it.

use super::attempt::Attempt;
use super::cut::cut;
use super::record::{LONGEST_LABEL, bound_tags};
use super::{Record, RecordCaller, Unlisted};

impl Record {
    /// A sort key holds 1,024 bytes, an item 400 KB; a record should stay below 4 KB, for a write unit is 1 KB.
    pub(super) fn bound(&mut self) {
        cut(&mut self.model_asked, LONGEST_LABEL);
        self.caller.bound();
        let own = [
            &mut self.litellm_call_id,
            &mut self.trace_id,
            &mut self.stop_reason,
        ];
        own.into_iter()
            .flatten()
            .for_each(|text| cut(text, LONGEST_LABEL));
        bound_tags(&mut self.tags);
        if let Some(error) = &mut self.error {
            cut(&mut error.message, 1000);
            cut(&mut error.class, LONGEST_LABEL);
        }
        self.attempts.iter_mut().for_each(Attempt::bound);
    }

    /// Leaves out what clients have said, and all attempts but the last from the list; what it counts stays as it is.
    /// False: that was done before.
    pub(super) fn reduce(&mut self) -> bool {
        if self.reduced {
            return false;
        }
        let listed = Unlisted::take_all_but_last(&mut self.attempts);
        self.unlisted = match (listed, self.unlisted.take()) {
            (Some(listed), Some(rest)) => Some(listed.with(rest)),
            (listed, rest) => listed.or(rest),
        };
        let caller = &mut self.caller;
        let labels = [
            &mut caller.end_user,
            &mut caller.session_id,
            &mut caller.agent_id,
            &mut caller.parent_agent_id,
            &mut caller.client,
            &mut self.litellm_call_id,
            &mut self.trace_id,
            &mut self.stop_reason,
        ];
        labels.into_iter().for_each(|label| *label = None);
        if let Some(error) = &mut self.error {
            error.message.clear();
        }
        self.model_asked.clear();
        self.tags.clear();
        self.spend_logs_metadata = None;
        self.reduced = true;
        true
    }
}

impl RecordCaller {
    pub(super) fn bound(&mut self) {
        for text in [
            &mut self.key_alias,
            &mut self.user,
            &mut self.team_id,
            &mut self.end_user,
            &mut self.session_id,
            &mut self.agent_id,
            &mut self.parent_agent_id,
            &mut self.client,
            &mut self.client_app,
        ] {
            text.iter_mut().for_each(|text| cut(text, LONGEST_LABEL));
            // An empty text would be an empty key of the session's index, which DynamoDB refuses.
            text.take_if(|text| text.is_empty());
        }
    }
}
