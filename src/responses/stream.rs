//! The stream: the response as it begins, item after item, and the response as it ended.
//!
//! Clients act on whole items (`response.output_item.done`) and on the end; the pieces between are for eyes. The last
//! event names how it ended: `response.completed`, `.incomplete` or `.failed`.

use bytes::{BufMut, BytesMut};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::conversation::{Citation, Event, Fold, NativeStart, StopReason, Usage};
use crate::wire::tools::parted;
use crate::wire::{AnswerToStore, ApiError, ReplyMeta, StreamWriter, free_form};

use super::compaction;
use super::envelope::{self, Stand, response};
use super::ids::item_id;
use super::items::{OpenItem, add_sealed, client_seal, or_empty_object};
use super::reply::annotation;
use super::sealed;

/// Writes events as server-sent events of the Responses API.
#[derive(Debug)]
pub struct ResponseWriter {
    meta: ReplyMeta,
    /// Counts events from 0.
    sequence: u64,
    /// The whole items.
    output: Vec<Value>,
    /// The sealed signatures of thinking that went out without them, with its place in the output.
    kept_back: Vec<(usize, String)>,
    open: OpenItem,
    stop: Option<StopReason>,
    /// What the answer says, where it is a summary.
    summary: Option<String>,
    /// Why it is none.
    failure: Option<ApiError>,
}

impl StreamWriter for ResponseWriter {
    fn begin(&mut self, model: String, _: u64, _: Option<&NativeStart>, out: &mut BytesMut) {
        self.meta.model = model;
        for name in ["response.created", "response.in_progress"] {
            let response = response(&self.meta, Stand::InProgress, &[], None);
            self.write(name, json!({"response": response}), out);
        }
        if let (Some(summary), Some(seal)) = (&self.meta.compacted, &self.meta.seal) {
            let item = compaction::item(summary, seal, &self.meta.id, 0);
            self.whole(item, out);
        }
    }

    fn compacted(&mut self, summary: String) {
        self.meta.compacted = Some(summary);
    }

    /// Text goes on in its item; unfinished thinking is over.
    fn continue_with(&mut self, model: String, out: &mut BytesMut) {
        self.meta.model = model;
        if matches!(self.open, OpenItem::Reasoning { .. }) {
            self.close(out);
        }
    }

    fn event(&mut self, event: &Event, out: &mut BytesMut) {
        if let Some(summary) = &mut self.summary {
            match event {
                Event::Text(text) => summary.push_str(text),
                Event::Stop(reason) => self.stop = Some(reason.clone()),
                _ => {}
            }
            return;
        }
        match event {
            Event::Text(text) => self.text(text, out),
            Event::Citation(citation) => self.cite(citation, out),
            Event::Thinking(_) | Event::Signature(_) | Event::RedactedThinking(_) => {
                self.think(event, out);
            }
            Event::ToolCall { id, name, .. } => {
                self.close(out);
                self.open = OpenItem::Call {
                    id: id.clone(),
                    name: name.clone(),
                    arguments: String::new(),
                };
                self.added(out);
            }
            Event::ToolInput { json, .. } => self.input(json, out),
            Event::Stop(reason) => {
                self.close(out);
                self.stop = Some(reason.clone());
            }
            // Sent at the end.
            Event::Usage(_) | Event::Native(_) => {}
        }
    }

    fn answer_to_store(&mut self, usage: &Usage, out: &mut BytesMut) -> Option<AnswerToStore> {
        self.finish(out);
        if self.failure.is_some() {
            return None;
        }
        let mut items = self.output.clone();
        for (at, sealed) in self.kept_back.drain(..) {
            if let Some(item) = items.get_mut(at) {
                add_sealed(item, sealed);
            }
        }
        let stand = Stand::Ended(self.stop.as_ref());
        envelope::to_store(&self.meta, stand, &items, usage)
    }

    fn set_stored(&mut self, stored: bool) {
        self.meta.store = stored;
    }

    fn end(&mut self, usage: &Usage, _: Option<Decimal>, out: &mut BytesMut) {
        self.finish(out);
        if let Some(error) = self.failure.take() {
            return self.fail(&error, out);
        }
        let stand = Stand::Ended(self.stop.as_ref());
        let response = response(&self.meta, stand, &self.output, Some(usage));
        self.write(
            &format!("response.{}", stand.status()),
            json!({"response": response}),
            out,
        );
    }

    fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        let response = response(&self.meta, Stand::Failed(error), &self.output, None);
        self.write("response.failed", json!({"response": response}), out);
    }
}

impl ResponseWriter {
    /// A writer that has said nothing yet.
    pub fn new(meta: ReplyMeta) -> Self {
        Self {
            summary: meta.compaction.is_some().then(String::new),
            failure: None,
            meta,
            sequence: 0,
            output: Vec::new(),
            kept_back: Vec::new(),
            open: OpenItem::Nothing,
            stop: None,
        }
    }

    fn text(&mut self, piece: &str, out: &mut BytesMut) {
        if piece.is_empty() {
            return;
        }
        self.within_message(out);
        if let OpenItem::Message { text, .. } = &mut self.open {
            text.push_str(piece);
        }
        self.piece(
            "response.output_text.delta",
            "content_index",
            json!({"delta": piece, "logprobs": []}),
            out,
        );
    }

    fn within_message(&mut self, out: &mut BytesMut) {
        if matches!(self.open, OpenItem::Message { .. }) {
            return;
        }
        self.close(out);
        self.open = OpenItem::Message {
            text: String::new(),
            annotations: Vec::new(),
        };
        self.added(out);
        let part = json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []});
        self.piece(
            "response.content_part.added",
            "content_index",
            json!({"part": part}),
            out,
        );
    }

    fn cite(&mut self, citation: &Citation, out: &mut BytesMut) {
        let Some(annotation) = annotation(citation) else {
            return;
        };
        let OpenItem::Message { annotations, .. } = &mut self.open else {
            return;
        };
        let index = annotations.len();
        annotations.push(annotation.clone());
        let fields = json!({"annotation_index": index, "annotation": annotation});
        self.piece(
            "response.output_text.annotation.added",
            "content_index",
            fields,
            out,
        );
    }

    fn think(&mut self, event: &Event, out: &mut BytesMut) {
        if !matches!(self.open, OpenItem::Reasoning { .. }) {
            if matches!(event, Event::Thinking(text) if text.is_empty()) {
                return;
            }
            self.close(out);
            self.open = OpenItem::Reasoning {
                text: String::new(),
                blocks: Fold::default(),
            };
            self.added(out);
            let part = json!({"type": "summary_text", "text": ""});
            self.piece(
                "response.reasoning_summary_part.added",
                "summary_index",
                json!({"part": part}),
                out,
            );
        }
        let OpenItem::Reasoning { text, blocks } = &mut self.open else {
            return;
        };
        blocks.push(event.clone());
        if let Event::Thinking(piece) = event
            && !piece.is_empty()
        {
            text.push_str(piece);
            self.piece(
                "response.reasoning_summary_text.delta",
                "summary_index",
                json!({"delta": piece}),
                out,
            );
        }
    }

    fn input(&mut self, piece: &str, out: &mut BytesMut) {
        let OpenItem::Call {
            name, arguments, ..
        } = &mut self.open
        else {
            return;
        };
        arguments.push_str(piece);
        // Free text is inside the JSON that the model writes: it goes out when it is whole.
        let is_free_form = self.meta.free_form.contains(name);
        if !piece.is_empty() && !is_free_form {
            self.piece(
                "response.function_call_arguments.delta",
                "",
                json!({"delta": piece}),
                out,
            );
        }
    }

    /// Ends what is under way. Called again, it does nothing.
    fn finish(&mut self, out: &mut BytesMut) {
        self.close(out);
        let Some(summary) = self.summary.take() else {
            return;
        };
        let place = self.output.len();
        match compaction::of_answer(&self.meta, &summary, self.stop.as_ref(), place) {
            Ok(item) => self.whole(item, out),
            Err(error) => self.failure = Some(error),
        }
    }

    /// Adds an item that has no pieces.
    fn whole(&mut self, item: Value, out: &mut BytesMut) {
        let index = self.output.len();
        for name in ["response.output_item.added", "response.output_item.done"] {
            self.write(name, json!({"output_index": index, "item": item}), out);
        }
        self.output.push(item);
    }

    /// Ends the item under way.
    fn close(&mut self, out: &mut BytesMut) {
        match &self.open {
            OpenItem::Nothing => return,
            OpenItem::Message { text, annotations } => {
                let part = json!({"type": "output_text", "text": text, "annotations": annotations, "logprobs": []});
                let done = json!({"text": text, "logprobs": []});
                self.piece("response.output_text.done", "content_index", done, out);
                self.piece(
                    "response.content_part.done",
                    "content_index",
                    json!({"part": part}),
                    out,
                );
            }
            OpenItem::Reasoning { text, .. } => {
                let part = json!({"type": "summary_text", "text": text});
                let done = json!({"text": text});
                self.piece(
                    "response.reasoning_summary_text.done",
                    "summary_index",
                    done,
                    out,
                );
                self.piece(
                    "response.reasoning_summary_part.done",
                    "summary_index",
                    json!({"part": part}),
                    out,
                );
            }
            OpenItem::Call {
                name, arguments, ..
            } if self.meta.free_form.contains(name) => {
                let input = free_form::text(arguments);
                self.piece(
                    "response.custom_tool_call_input.delta",
                    "",
                    json!({"delta": input}),
                    out,
                );
                self.piece(
                    "response.custom_tool_call_input.done",
                    "",
                    json!({"input": input}),
                    out,
                );
            }
            OpenItem::Call {
                name, arguments, ..
            } => {
                let (_, name) = parted(name);
                let (is_empty, arguments) = (arguments.is_empty(), or_empty_object(arguments));
                let done = json!({"name": name, "arguments": arguments});
                if is_empty {
                    // A client that puts the pieces together has what the item says.
                    let delta = json!({"delta": arguments});
                    self.piece("response.function_call_arguments.delta", "", delta, out);
                }
                self.piece("response.function_call_arguments.done", "", done, out);
            }
        }
        let item = self.open.item(self.item_id(), &self.meta, true);
        self.keep_back();
        self.open = OpenItem::Nothing;
        let index = self.output.len();
        self.write(
            "response.output_item.done",
            json!({"output_index": index, "item": item}),
            out,
        );
        self.output.push(item);
    }

    /// Keeps the signatures of the item under way where it is to be stored with them and goes out without.
    fn keep_back(&mut self) {
        let is_wanted = self.meta.store && client_seal(&self.meta).is_none();
        if let (true, OpenItem::Reasoning { blocks, .. }, Some(seal)) =
            (is_wanted, &self.open, &self.meta.seal)
            && let Some(sealed) = sealed::seal(&blocks.blocks(), seal)
        {
            self.kept_back.push((self.output.len(), sealed));
        }
    }

    fn added(&mut self, out: &mut BytesMut) {
        let index = self.output.len();
        let item = self.open.item(self.item_id(), &self.meta, false);
        self.write(
            "response.output_item.added",
            json!({"output_index": index, "item": item}),
            out,
        );
    }

    /// The id of the item under way: its place in the response.
    fn item_id(&self) -> String {
        let prefix = self.open.prefix(&self.meta);
        item_id(prefix, &self.meta.id, self.output.len())
    }

    /// An event about a piece of the item under way. `place` names the piece's own position, where it has one.
    fn piece(&mut self, name: &str, place: &str, mut fields: Value, out: &mut BytesMut) {
        let (id, index) = (self.item_id(), self.output.len());
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("item_id".to_owned(), id.into());
            fields.insert("output_index".to_owned(), index.into());
            if !place.is_empty() {
                fields.insert(place.to_owned(), 0.into());
            }
        }
        self.write(name, fields, out);
    }

    fn write(&mut self, name: &str, mut fields: Value, out: &mut BytesMut) {
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("type".to_owned(), name.into());
            fields.insert("sequence_number".to_owned(), self.sequence.into());
        }
        self.sequence += 1;
        out.put_slice(format!("event: {name}\ndata: {fields}\n\n").as_bytes());
    }
}
