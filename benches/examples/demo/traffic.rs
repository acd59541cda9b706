//! The requests: sessions of agents, more of them on working days, and some that fail.

use std::sync::Arc;
use std::time::Duration;

use bedrock_sidecar::config::{Config, Deployment};
use bedrock_sidecar::conversation::Usage;
use bedrock_sidecar::keys::VirtualKey;
use bedrock_sidecar::spend::{
    Attempt, Record, RecordCaller, RecordFailure, RequestId, Status, StoredContent,
};
use bedrock_sidecar::store::time;
use fastrand::Rng;
use jiff::Timestamp;

use super::people::{Company, day_before};
use super::talk;

/// A record, and what was said where that is stored.
pub struct Request {
    pub record: Record,
    pub content: Option<StoredContent>,
}

/// The models that are asked for, by how often.
const MODELS: [(&str, u32); 5] = [
    ("claude-sonnet-5-5", 55),
    ("claude-haiku-5-5", 25),
    ("claude-opus-5-5", 14),
    ("claude-sonnet-4-5", 5),
    ("claude-sonnet-9", 1),
];
/// The programs, with their user agents, wires and how often.
const CLIENTS: [(&str, &str, &str, u32); 3] = [
    (
        "claude-code",
        "claude-cli/2.1.197 (external, cli)",
        "anthropic_messages",
        55,
    ),
    ("cline", "Cline/3.80.0", "acompletion", 30),
    (
        "codex",
        "codex_cli_rs/0.169.0 (Debian 12; x86_64)",
        "aresponses",
        15,
    ),
];
/// Content is stored for sessions of the last so many days.
const STORED_DAYS: u64 = 2;

pub struct Traffic<'a> {
    config: &'a Config,
    company: &'a Company,
    now: Timestamp,
    days: u64,
}

/// One person at work.
struct Session<'a> {
    key: &'a VirtualKey,
    id: String,
    model: &'static str,
    client: (&'static str, &'static str, &'static str),
    begins: Timestamp,
    turns: usize,
    stored: bool,
}

impl<'a> Traffic<'a> {
    pub fn new(config: &'a Config, company: &'a Company, now: Timestamp, days: u64) -> Self {
        Self {
            config,
            company,
            now,
            days,
        }
    }

    /// So many requests, always the same ones but for the days.
    pub fn requests(self, most: usize) -> impl Iterator<Item = Request> + use<'a> {
        let mut random = Rng::with_seed(28);
        std::iter::repeat_with(move || {
            let session = self.session(&mut random);
            self.turns(&session, &mut random)
        })
        .flatten()
        .take(most)
    }

    fn session(&self, random: &mut Rng) -> Session<'a> {
        // Use grows, and rests at weekends.
        let ago = loop {
            let ago = random.u64(..self.days).min(random.u64(..self.days));
            let day = day_before(self.now, ago).unwrap_or(self.now);
            let weekday = time::day(day).weekday();
            if weekday.to_monday_one_offset() < 6 || random.u32(..6) == 0 {
                break ago;
            }
        };
        let day = day_before(self.now, ago).unwrap_or(self.now);
        let hour = 7 + random.u64(..6) + random.u64(..6);
        let begins = day + Duration::from_secs(hour * 3_600 + random.u64(..3_600));
        let client = pick(random, &CLIENTS, |client| client.3);
        let keys = &self.company.keys;
        // Some use it far more than others.
        let place = random.usize(..keys.len()).min(random.usize(..keys.len()));
        Session {
            key: &keys[place],
            id: format!(
                "{:08x}-{:04x}-4000-8000-{:012x}",
                random.u32(..),
                random.u16(..),
                random.u64(..1 << 48)
            ),
            model: pick(random, &MODELS, |model| model.1).0,
            client: (client.0, client.1, client.2),
            begins: begins.min(self.now - Duration::from_secs(random.u64(60..5_000))),
            turns: random.usize(2..18) + random.usize(..12) * usize::from(random.bool()),
            stored: ago < STORED_DAYS && random.u32(..3) == 0,
        }
    }

    fn turns(&self, session: &Session<'_>, random: &mut Rng) -> Vec<Request> {
        let mut at = session.begins;
        let mut cached = random.u64(9_000..16_000);
        let mut requests = Vec::with_capacity(session.turns);
        for turn in 0..session.turns {
            at = at + Duration::from_millis(random.u64(4_000..50_000));
            if at > self.now {
                break;
            }
            let agent = (turn % 7 == 5 && session.client.0 == "claude-code")
                .then(|| format!("agent-{:06x}", random.u32(..1 << 24)));
            let usage = Usage {
                input: random.u64(30..900),
                output: random.u64(60..1_800),
                cache_read: if turn == 0 { 0 } else { cached },
                cache_write_5m: random.u64(300..5_000),
                ..Usage::default()
            };
            cached = (cached + usage.cache_write_5m + usage.output).min(180_000);
            let record = self.record(session, at, agent, usage, random);
            at = record.end;
            let content = (session.stored && record.status == Status::Success)
                .then(|| talk::content(session.model, turn));
            requests.push(Request { record, content });
        }
        requests
    }

    fn record(
        &self,
        session: &Session<'_>,
        at: Timestamp,
        agent: Option<String>,
        usage: Usage,
        random: &mut Rng,
    ) -> Record {
        let settings = &session.key.settings;
        let (client_app, client, call_type) = session.client;
        let caller = RecordCaller {
            key_hash: session.key.hash.clone(),
            key_alias: settings.key_alias.clone(),
            user: settings.user_id.clone(),
            team_id: settings.team_id.clone(),
            session_id: Some(session.id.clone()),
            parent_agent_id: agent.as_ref().map(|_| "main".to_owned()),
            agent_id: agent,
            client: Some(client.to_owned()),
            client_app: Some(client_app.to_owned()),
            ..RecordCaller::default()
        };
        let mut record = Record::new(RequestId::new(at), session.model, caller);
        record.call_type = call_type.to_owned();
        record.stream = true;
        record.tags.clone_from(&settings.tags);
        let Some(deployment) = self.deployment(session.model) else {
            return refused(
                record,
                at,
                "invalid_request_error",
                404,
                "There is no such model.",
            );
        };
        match random.u32(..1_000) {
            0..6 => {
                return refused(
                    record,
                    at,
                    "budget_exceeded",
                    429,
                    "Budget has been exceeded.",
                );
            }
            6..10 => {
                return refused(
                    record,
                    at,
                    "key_model_access_denied",
                    401,
                    "This key may not use the model.",
                );
            }
            10..13 => {
                return refused(
                    record,
                    at,
                    "throttling_error",
                    429,
                    "Limit of the key: 60 requests a minute.",
                );
            }
            _ => {}
        }
        let first = random.u64(350..2_400);
        let whole = first + usage.output * random.u64(9..22);
        let mut clock = at;
        if random.u32(..40) == 0 {
            let throttled = Attempt {
                began: Some(at),
                ..failed(&deployment, "throttled", 429, random.u64(80..400))
            };
            clock = clock + Duration::from_millis(throttled.ms + random.u64(500..3_000));
            record.attempts.push(throttled);
        }
        match random.u32(..250) {
            0 => {
                return broken(
                    record,
                    &deployment,
                    clock,
                    "first_event_timeout",
                    504,
                    30_000,
                );
            }
            1 => return broken(record, &deployment, clock, "unavailable", 503, 900),
            2 => return broken(record, &deployment, clock, "context_window", 400, 700),
            _ => {}
        }
        let ms = Duration::from_millis;
        record.first_token = Some(clock + ms(first));
        record.end = clock + ms(whole);
        record.status = Status::Success;
        record.stop_reason = Some(
            if random.u32(..4) == 0 {
                "end_turn"
            } else {
                "tool_use"
            }
            .to_owned(),
        );
        let price = deployment.model.price.as_ref().map(|price| price.at(at));
        let answered = Attempt {
            outcome: "ok".to_owned(),
            status: Some(200),
            began: Some(clock),
            ms: whole,
            bytes: usage.output * 4,
            ..attempt(&deployment)
        };
        record
            .attempts
            .push(answered.billed(usage, price.as_deref()));
        record
    }

    fn deployment(&self, group: &str) -> Option<Arc<Deployment>> {
        let group = self
            .config
            .group(group)
            .filter(|group| !group.is_pattern())?;
        group.deployments.first().cloned()
    }
}

fn attempt(deployment: &Deployment) -> Attempt {
    Attempt {
        group: deployment.group.clone(),
        deployment: deployment.id.clone(),
        model: deployment.model_id.clone(),
        region: deployment.region.clone(),
        ..Attempt::default()
    }
}

fn failed(deployment: &Deployment, class: &str, status: u16, ms: u64) -> Attempt {
    Attempt {
        outcome: class.to_owned(),
        status: Some(status),
        ms,
        ..attempt(deployment)
    }
}

/// A request for which no model was called.
fn refused(mut record: Record, at: Timestamp, class: &str, status: u16, message: &str) -> Record {
    record.end = at + Duration::from_millis(2);
    record.error = Some(RecordFailure {
        class: class.to_owned(),
        status,
        message: message.to_owned(),
    });
    record
}

/// A request that every target failed.
fn broken(
    mut record: Record,
    deployment: &Deployment,
    at: Timestamp,
    class: &str,
    status: u16,
    ms: u64,
) -> Record {
    record.attempts.push(Attempt {
        began: Some(at),
        ..failed(deployment, class, status, ms)
    });
    record.end = at + Duration::from_millis(ms);
    record.error = Some(RecordFailure {
        class: "api_error".to_owned(),
        status,
        message: format!("Bedrock did not answer: {class}."),
    });
    record
}

/// One of these, as often as its weight says.
fn pick<'t, T>(random: &mut Rng, table: &'t [T], weight: impl Fn(&T) -> u32) -> &'t T {
    let all: u32 = table.iter().map(&weight).sum();
    let mut left = random.u32(..all);
    for row in table {
        match left.checked_sub(weight(row)) {
            Some(rest) => left = rest,
            None => return row,
        }
    }
    &table[0]
}
