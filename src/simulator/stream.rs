//! The body of a stream as a list of actions, and its faults.

use std::{collections::VecDeque, io, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;

use super::{
    CallFormat, FaultKind, Step,
    record::{AnswerOutcome, Entry},
    wire,
};

/// One thing a body does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum StreamAction {
    /// Bytes go out.
    Send(Bytes),
    /// Nothing happens for so long.
    Wait(Duration),
    /// From here on the real service would bill.
    Bill,
    /// The connection dies; what went out before arrives.
    Cut,
    /// Nothing happens any more.
    Silence,
}

/// The actions that write these events, each as its frames, under this step.
pub(super) fn plan(
    step: &Step,
    events: &[Bytes],
    format: CallFormat,
    pace: Duration,
) -> Vec<StreamAction> {
    let pace = step.pace.unwrap_or(pace);
    let mut actions = vec![StreamAction::Wait(step.first_event_delay)];
    let fault = step.fault.as_ref();
    let at = fault.map(|fault| fault.after.min(events.len()));
    let mut broken = false;
    for (index, frame) in events.iter().enumerate() {
        if at == Some(index)
            && let Some(fault) = fault
        {
            broken = fault.kind == FaultKind::BrokenFrame;
            if strike(&fault.kind, format, Some(frame), &mut actions) {
                return actions;
            }
        }
        if index == 0 {
            actions.push(StreamAction::Bill);
        } else {
            actions.push(StreamAction::Wait(pace));
        }
        let frame = if std::mem::take(&mut broken) {
            wire::broken(frame)
        } else {
            frame.clone()
        };
        actions.push(StreamAction::Send(frame));
    }
    if at == Some(events.len())
        && let Some(fault) = fault
    {
        strike(&fault.kind, format, None, &mut actions);
    }
    actions
}

/// The actions that send these bytes as they are, cut into small pieces as a network may cut them.
pub(super) fn raw(step: &Step, bytes: &Bytes) -> Vec<StreamAction> {
    let mut actions = vec![
        StreamAction::Wait(step.first_event_delay),
        StreamAction::Bill,
    ];
    let pieces = bytes.chunks(1000).map(Bytes::copy_from_slice);
    actions.extend(pieces.map(StreamAction::Send));
    actions
}

/// The actions of an answer that is no stream: half of it, then the fault. Faults of frames do not apply.
pub(super) fn buffered(step: &Step, body: &Bytes) -> Vec<StreamAction> {
    let (first, second) = (body.slice(..body.len() / 2), body.slice(body.len() / 2..));
    let mut actions = vec![
        StreamAction::Wait(step.first_event_delay),
        StreamAction::Bill,
    ];
    actions.push(StreamAction::Send(first));
    match step.fault.as_ref().map(|fault| &fault.kind) {
        Some(FaultKind::Cut) => actions.push(StreamAction::Cut),
        Some(FaultKind::StallThenCut(time)) => {
            actions.extend([StreamAction::Wait(*time), StreamAction::Cut])
        }
        Some(FaultKind::Silence) => actions.push(StreamAction::Silence),
        Some(FaultKind::Stall(time)) => {
            actions.extend([StreamAction::Wait(*time), StreamAction::Send(second)]);
        }
        _ => actions.push(StreamAction::Send(second)),
    }
    actions
}

/// Adds what a fault does; `true`: the stream is over.
fn strike(
    kind: &FaultKind,
    format: CallFormat,
    next: Option<&Bytes>,
    actions: &mut Vec<StreamAction>,
) -> bool {
    match kind {
        FaultKind::Cut => actions.push(StreamAction::Cut),
        FaultKind::End => {}
        FaultKind::Stall(time) => {
            actions.push(StreamAction::Wait(*time));
            return false;
        }
        FaultKind::StallThenCut(time) => {
            actions.extend([StreamAction::Wait(*time), StreamAction::Cut])
        }
        FaultKind::Silence => actions.push(StreamAction::Silence),
        FaultKind::Exception { name, message } => {
            actions.push(StreamAction::Send(wire::exception(name, message)));
        }
        FaultKind::Error { code, message } => {
            actions.push(StreamAction::Send(wire::error(code, message)));
        }
        FaultKind::ErrorEvent { kind, message } => {
            actions.push(StreamAction::Send(format.error_event(kind, message)));
        }
        FaultKind::BrokenFrame => return false,
        FaultKind::TruncatedFrame => {
            actions.extend(next.map(|frame| StreamAction::Send(wire::truncated(frame))));
        }
        FaultKind::UnknownEvent => {
            actions.push(StreamAction::Send(format.unknown_event()));
            return false;
        }
    }
    true
}

/// A response body that does these actions.
pub(super) fn body(actions: Vec<StreamAction>, entry: Entry) -> Body {
    let watch = Watch {
        entry,
        taken: false,
    };
    let state = (VecDeque::from(actions), watch);
    Body::from_stream(stream::unfold(state, |(mut actions, mut watch)| async {
        loop {
            match actions.pop_front() {
                Some(StreamAction::Send(bytes)) => {
                    let sent: io::Result<Bytes> = Ok(bytes);
                    return Some((sent, (actions, watch)));
                }
                Some(StreamAction::Wait(time)) if time.is_zero() => {}
                Some(StreamAction::Wait(time)) => tokio::time::sleep(time).await,
                Some(StreamAction::Bill) => watch.entry.bill(),
                Some(StreamAction::Cut) => {
                    // The server flushes what it has whenever a body has nothing to give; only then may it die.
                    tokio::task::yield_now().await;
                    watch.taken();
                    let cut = io::Error::from(io::ErrorKind::ConnectionReset);
                    return Some((Err(cut), (actions, watch)));
                }
                Some(StreamAction::Silence) => std::future::pending::<()>().await,
                None => {
                    watch.taken();
                    return None;
                }
            }
        }
    }))
}

/// Notes in the record whether a body was taken to its end.
struct Watch {
    entry: Entry,
    taken: bool,
}

impl Watch {
    fn taken(&mut self) {
        self.taken = true;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let end = if self.taken {
            AnswerOutcome::Taken
        } else {
            AnswerOutcome::Abandoned
        };
        self.entry.end(end);
    }
}
