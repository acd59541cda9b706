//! The body of a stream as a list of actions, and its faults.

use std::{collections::VecDeque, io, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;

use super::{
    Event, FaultKind, Step,
    record::{End, Entry},
    wire,
};

/// One thing a body does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
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

/// The actions that write these events under this step.
pub(super) fn plan(step: &Step, events: &[Event], pace: Duration) -> Vec<Action> {
    let pace = step.pace.unwrap_or(pace);
    let mut actions = vec![Action::Wait(step.first_event_delay)];
    let fault = step.fault.as_ref();
    let at = fault.map(|fault| fault.after.min(events.len()));
    let mut broken = false;
    for (index, event) in events.iter().enumerate() {
        let frame = wire::event(event);
        if at == Some(index)
            && let Some(fault) = fault
        {
            broken = fault.kind == FaultKind::BrokenFrame;
            if strike(&fault.kind, Some(&frame), &mut actions) {
                return actions;
            }
        }
        if index == 0 {
            actions.push(Action::Bill);
        } else {
            actions.push(Action::Wait(pace));
        }
        let frame = if std::mem::take(&mut broken) {
            wire::broken(&frame)
        } else {
            frame
        };
        actions.push(Action::Send(frame));
    }
    if at == Some(events.len())
        && let Some(fault) = fault
    {
        strike(&fault.kind, None, &mut actions);
    }
    actions
}

/// The actions that send these bytes as they are, cut into small pieces as a network may cut them.
pub(super) fn raw(step: &Step, bytes: &Bytes) -> Vec<Action> {
    let mut actions = vec![Action::Wait(step.first_event_delay), Action::Bill];
    let pieces = bytes.chunks(1000).map(Bytes::copy_from_slice);
    actions.extend(pieces.map(Action::Send));
    actions
}

/// The actions of an answer that is no stream: half of it, then the fault. Faults of frames do not apply.
pub(super) fn whole(step: &Step, body: &Bytes) -> Vec<Action> {
    let (first, second) = (body.slice(..body.len() / 2), body.slice(body.len() / 2..));
    let mut actions = vec![Action::Wait(step.first_event_delay), Action::Bill];
    actions.push(Action::Send(first));
    match step.fault.as_ref().map(|fault| &fault.kind) {
        Some(FaultKind::Cut) => actions.push(Action::Cut),
        Some(FaultKind::StallThenCut(time)) => actions.extend([Action::Wait(*time), Action::Cut]),
        Some(FaultKind::Silence) => actions.push(Action::Silence),
        Some(FaultKind::Stall(time)) => {
            actions.extend([Action::Wait(*time), Action::Send(second)]);
        }
        _ => actions.push(Action::Send(second)),
    }
    actions
}

/// Adds what a fault does; `true`: the stream is over.
fn strike(kind: &FaultKind, next: Option<&Bytes>, actions: &mut Vec<Action>) -> bool {
    match kind {
        FaultKind::Cut => actions.push(Action::Cut),
        FaultKind::End => {}
        FaultKind::Stall(time) => {
            actions.push(Action::Wait(*time));
            return false;
        }
        FaultKind::StallThenCut(time) => actions.extend([Action::Wait(*time), Action::Cut]),
        FaultKind::Silence => actions.push(Action::Silence),
        FaultKind::Exception { name, message } => {
            actions.push(Action::Send(wire::exception(name, message)));
        }
        FaultKind::Error { code, message } => {
            actions.push(Action::Send(wire::error(code, message)));
        }
        FaultKind::BrokenFrame => return false,
        FaultKind::TruncatedFrame => {
            actions.extend(next.map(|frame| Action::Send(wire::truncated(frame))));
        }
        FaultKind::UnknownEvent => {
            let payload = serde_json::json!({"note": "no client knows this event"});
            let event = Event::new("somethingNew", payload);
            actions.push(Action::Send(wire::event(&event)));
            return false;
        }
    }
    true
}

/// A response body that does these actions.
pub(super) fn body(actions: Vec<Action>, entry: Entry) -> Body {
    let watch = Watch {
        entry,
        taken: false,
    };
    let state = (VecDeque::from(actions), watch);
    Body::from_stream(stream::unfold(state, |(mut actions, mut watch)| async {
        loop {
            match actions.pop_front() {
                Some(Action::Send(bytes)) => {
                    let sent: io::Result<Bytes> = Ok(bytes);
                    return Some((sent, (actions, watch)));
                }
                Some(Action::Wait(time)) if time.is_zero() => {}
                Some(Action::Wait(time)) => tokio::time::sleep(time).await,
                Some(Action::Bill) => watch.entry.bill(),
                Some(Action::Cut) => {
                    // The server flushes what it has whenever a body has nothing to give; only then may it die.
                    tokio::task::yield_now().await;
                    watch.taken();
                    let cut = io::Error::from(io::ErrorKind::ConnectionReset);
                    return Some((Err(cut), (actions, watch)));
                }
                Some(Action::Silence) => std::future::pending::<()>().await,
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
            End::Taken
        } else {
            End::Abandoned
        };
        self.entry.end(end);
    }
}
