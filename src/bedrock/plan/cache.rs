//! Where the cache points stand.
//!
//! Bedrock reads tools, then system, then messages; it takes at most four points in all and refuses one of an hour
//! after one of five minutes (<https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html>).
//!
//! A client's marks come first. Where the policy says so, points are added at the ends of what stays the same from
//! turn to turn: tools, system, and the last two turns of the user. The last one stores what this request sent, the
//! one before finds what the request before stored, however many blocks lie between the two.

use std::borrow::Cow;

use crate::catalog::{Caching, Dialect};
use crate::config::{CachePolicy, InjectionLocation, InjectionPoint};
use crate::conversation::{CacheTtl, Part, Role, Tool, Turn};

use super::turns::{PLACEHOLDER, drop_stray_marks};

/// Points in one request, over all of tools, system and messages.
const MOST_POINTS: usize = 4;

/// The turns with the marks that the configuration puts on messages. A list of messages counts the leading system
/// message as its first; several of them count as one here.
pub(super) fn inject<'a>(
    policy: &CachePolicy,
    turns: &'a [Turn],
    has_system: bool,
) -> Cow<'a, [Turn]> {
    let CachePolicy::At(points) = policy else {
        return Cow::Borrowed(turns);
    };
    let mut marked = turns.to_vec();
    for (at, turn) in marked.iter_mut().enumerate() {
        let here = |point: &&InjectionPoint| match &point.location {
            InjectionLocation::Tools => false,
            InjectionLocation::Role(role) => speaks(turn, role),
            InjectionLocation::Message(index) => {
                position(*index, turns.len(), has_system) == Some(at + usize::from(has_system))
            }
        };
        if let Some(point) = points.iter().find(here) {
            turn.parts.push(Part::CacheMark(life(point)));
        }
    }
    Cow::Owned(marked)
}

/// Whether the turn was a message of this role in the client's list.
fn speaks(turn: &Turn, role: &str) -> bool {
    let is_result = |part: &Part| matches!(part, Part::ToolResult(_));
    match turn.role {
        Role::System => role == "system" || role == "developer",
        Role::Assistant => role == "assistant",
        Role::User if turn.parts.iter().any(is_result) => role == "tool" || role == "function",
        Role::User => role == "user",
    }
}

/// An index into the client's list of messages, negative ones from its end, as a position.
fn position(index: i64, turns: usize, has_system: bool) -> Option<usize> {
    let messages = turns + usize::from(has_system);
    match usize::try_from(index) {
        Ok(position) => Some(position),
        Err(_) => messages.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

fn life(point: &InjectionPoint) -> CacheTtl {
    if point.one_hour {
        CacheTtl::OneHour
    } else {
        CacheTtl::FiveMinutes
    }
}

/// Leaves of the marks those that the target takes, none where it cannot cache, and adds what the policy says.
pub(super) fn place(
    caching: Option<Caching>,
    dialect: Dialect,
    policy: &CachePolicy,
    tools: &mut [Tool],
    system: &mut Vec<Part>,
    turns: &mut [Turn],
) {
    let Some(caching) = caching else {
        tools.iter_mut().for_each(|tool| tool.cache = None);
        system.retain(|part| !is_mark(part));
        turns
            .iter_mut()
            .for_each(|turn| turn.parts.retain(|part| !is_mark(part)));
        return;
    };
    if let CachePolicy::At(points) = policy {
        mark_fixed_places(points, tools, system, turns.len());
    }
    let has_no_place = |tool: &&mut Tool| !caching.tools || tool.is_deferred();
    (tools.iter_mut().filter(has_no_place)).for_each(|tool| tool.cache = None);
    let end = match dialect {
        Dialect::Converse => {
            turns
                .iter_mut()
                .for_each(|turn| part_from_documents(&mut turn.parts));
            end_before_documents
        }
        Dialect::Messages => end_of_content,
    };
    keep_the_most_useful(tools, system, turns);
    if *policy == CachePolicy::Planned {
        add(caching, end, tools, system, turns);
    }
    align_ttls(caching.one_hour, tools, system, turns);
}

fn is_mark(part: &Part) -> bool {
    matches!(part, Part::CacheMark(_))
}

/// Moves marks away from behind documents, where Bedrock refuses them: "messages.0.content.2.type: Field required"
/// (<https://github.com/pydantic/pydantic-ai/pull/4207>; some report it of all kinds of documents, some of all but
/// PDFs). At the end of a turn a mark goes before the documents, as recorded; the next turn's point covers them. Within
/// a turn it was set for the document's sake, so it stays and a text parts the two.
fn part_from_documents(parts: &mut Vec<Part>) {
    let behind = |pair: &[Part]| matches!(pair, [Part::Document(_), Part::CacheMark(_)]);
    if !parts.windows(2).any(behind) {
        return;
    }
    let at_the_end = parts.split_off(end_before_documents(parts));
    let mut parted: Vec<Part> = Vec::with_capacity(parts.len() + at_the_end.len() + 1);
    for part in parts.drain(..) {
        if is_mark(&part) && matches!(parted.last(), Some(Part::Document(_))) {
            parted.push(Part::Text(PLACEHOLDER.into()));
        }
        parted.push(part);
    }
    let (marks, documents): (Vec<Part>, Vec<Part>) = at_the_end.into_iter().partition(is_mark);
    parted.extend(marks);
    parted.extend(documents);
    *parts = drop_stray_marks(parted);
}

/// Where a point at the end of a turn stands in Converse: before the documents that the turn ends with.
fn end_before_documents(parts: &[Part]) -> usize {
    let can_be_marked = |part: &Part| !matches!(part, Part::Document(_) | Part::CacheMark(_));
    parts.iter().rposition(can_be_marked).map_or(0, |at| at + 1)
}

/// Where a point at the end of a turn stands in Claude's own format: after the last block that is no thinking.
fn end_of_content(parts: &[Part]) -> usize {
    let can_be_marked = |part: &Part| !matches!(part, Part::Thinking(_) | Part::CacheMark(_));
    parts.iter().rposition(can_be_marked).map_or(0, |at| at + 1)
}

/// The configuration's points at the end of the tools and of the system prompt.
fn mark_fixed_places(
    points: &[InjectionPoint],
    tools: &mut [Tool],
    system: &mut Vec<Part>,
    turns: usize,
) {
    for point in points {
        let at_system = match &point.location {
            InjectionLocation::Tools => {
                let mut loaded = tools.iter_mut().rev();
                if let Some(tool) = loaded.find(|tool| !tool.is_deferred()) {
                    tool.cache.get_or_insert_with(|| life(point));
                }
                false
            }
            InjectionLocation::Role(role) => role == "system" || role == "developer",
            InjectionLocation::Message(index) => position(*index, turns, true) == Some(0),
        };
        if at_system && system.last().is_some_and(|last| !is_mark(last)) {
            system.push(Part::CacheMark(life(point)));
        }
    }
}

/// More than four: the last of tools, the last of system and the last two of messages stay.
fn keep_the_most_useful(tools: &mut [Tool], system: &mut Vec<Part>, turns: &mut [Turn]) {
    let in_tools = tools.iter().filter(|tool| tool.cache.is_some()).count();
    let in_system = marks(system);
    let in_turns: usize = turns.iter().map(|turn| marks(&turn.parts)).sum();
    if in_tools + in_system + in_turns <= MOST_POINTS {
        return;
    }
    let mut surplus = in_tools.saturating_sub(1);
    tools
        .iter_mut()
        .filter(|tool| tool.cache.is_some())
        .take(surplus)
        .for_each(|tool| tool.cache = None);
    surplus = in_system.saturating_sub(1);
    system.retain(|part| !take_mark(part, &mut surplus));
    surplus = in_turns.saturating_sub(2);
    turns
        .iter_mut()
        .for_each(|turn| turn.parts.retain(|part| !take_mark(part, &mut surplus)));
}

fn marks(parts: &[Part]) -> usize {
    parts.iter().filter(|part| is_mark(part)).count()
}

fn take_mark(part: &Part, surplus: &mut usize) -> bool {
    let take = *surplus > 0 && is_mark(part);
    *surplus -= usize::from(take);
    take
}

/// Adds points where none stands, as many as there is room for and only behind prefixes that are long enough. What a
/// turn adds is worth most: it grows with every step, and where tools and system are long enough they are read
/// through it.
fn add(
    caching: Caching,
    end_to_mark: fn(&[Part]) -> usize,
    tools: &mut [Tool],
    system: &mut Vec<Part>,
    turns: &mut [Turn],
) {
    let in_tools = tools.iter().filter(|tool| tool.cache.is_some()).count();
    let in_turns: usize = turns.iter().map(|turn| marks(&turn.parts)).sum();
    let mut room = MOST_POINTS.saturating_sub(in_tools + marks(system) + in_turns);
    let least = usize::try_from(caching.min_tokens)
        .unwrap_or(usize::MAX)
        .saturating_mul(4);

    // A tool that is found by a search stands behind what is cached, where it was found.
    let loaded = tools.iter().filter(|tool| !tool.is_deferred());
    let after_tools: usize = loaded.map(Tool::estimated_bytes).sum();
    let after_system = after_tools + bytes(system);
    let mut so_far = after_system;
    let ends: Vec<usize> = turns
        .iter()
        .map(|turn| {
            let before = turn.parts.iter().take(end_to_mark(&turn.parts));
            let end = so_far + before.map(Part::estimated_bytes).sum::<usize>();
            so_far += bytes(&turn.parts);
            end
        })
        .collect();
    let mut point = |length: usize| {
        let pays = room > 0 && length >= least;
        room -= usize::from(pays);
        pays
    };

    let of_user = turns.iter_mut().zip(ends).rev();
    let of_user = of_user.filter(|(turn, _)| turn.role == Role::User).take(2);
    for (turn, end) in of_user {
        let at = end_to_mark(&turn.parts);
        if at > 0 && !turn.parts.get(at).is_some_and(is_mark) && point(end) {
            let mark = Part::CacheMark(CacheTtl::FiveMinutes);
            turn.parts.insert(at, mark);
        }
    }
    if !system.last().is_none_or(is_mark) && point(after_system) {
        system.push(Part::CacheMark(CacheTtl::FiveMinutes));
    }
    let last = tools.iter_mut().rev().find(|tool| !tool.is_deferred());
    if let Some(last) = last.filter(|tool| tool.cache.is_none())
        && caching.tools
        && point(after_tools)
    {
        last.cache = Some(CacheTtl::FiveMinutes);
    }
}

fn bytes(parts: &[Part]) -> usize {
    parts.iter().map(Part::estimated_bytes).sum()
}

/// From the last point to the first: an earlier one lives at least as long as any later one.
fn align_ttls(one_hour: bool, tools: &mut [Tool], system: &mut [Part], turns: &mut [Turn]) {
    let mut longest = CacheTtl::FiveMinutes;
    let messages = turns
        .iter_mut()
        .rev()
        .flat_map(|turn| turn.parts.iter_mut().rev());
    let texts = messages
        .chain(system.iter_mut().rev())
        .filter_map(|part| match part {
            Part::CacheMark(ttl) => Some(ttl),
            _ => None,
        });
    let tools = tools
        .iter_mut()
        .rev()
        .filter_map(|tool| tool.cache.as_mut());
    for ttl in texts.chain(tools) {
        longest = if one_hour {
            longest.max(*ttl)
        } else {
            CacheTtl::FiveMinutes
        };
        *ttl = longest;
    }
}
