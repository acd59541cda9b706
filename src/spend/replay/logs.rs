//! What logs say about the ledger, brought together.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};

use flate2::bufread::MultiGzDecoder;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;

use super::super::signature::{Signer, UNSIGNED};
use super::super::{PendingRequest, Record, RequestId};
use super::lines::{BooksEvent, LineClaim, LineReader, Unreadable};
use crate::json;

/// How a gzipped file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Which lines are believed.
#[derive(Debug, Default)]
pub struct Trust {
    /// Knows what the gateways of the table have signed; `None`: none of them ever has.
    pub signer: Option<Signer>,
    /// Lines without a signature are believed too, as far as they can be.
    pub accept_unsigned: bool,
}

/// What logs say about the ledger. The order of files and lines means nothing, and what is said twice counts once.
#[derive(Debug, Default)]
pub struct Logs {
    trust: Trust,
    pub(super) opened: BTreeMap<RequestId, Believed<PendingRequest<'static>>>,
    pub(super) unrecorded: BTreeMap<RequestId, Believed<Record>>,
    pub(super) lines: u64,
    /// `file:line` of what announces an entry and holds none.
    pub(super) unreadable: Vec<String>,
    /// `file:line` of what has no signature and was not believed.
    pub(super) unsigned: Vec<String>,
    /// `file:line` of what has a signature that no gateway of this table made.
    pub(super) forged: Vec<String>,
}

/// What a line said.
#[derive(Debug)]
pub(super) struct Believed<T> {
    pub(super) said: T,
    /// It is the gateway's word for word.
    pub(super) signed: bool,
}

impl Logs {
    /// No logs yet.
    pub fn new(trust: Trust) -> Self {
        Self {
            trust,
            ..Self::default()
        }
    }

    /// Reads a log, gzipped or not. `name` is what its lines are told by.
    ///
    /// # Errors
    /// When it cannot be read to its end.
    pub fn read(&mut self, name: &str, mut log: impl BufRead) -> io::Result<()> {
        if log.fill_buf()?.starts_with(&GZIP) {
            self.read_plain(name, BufReader::new(MultiGzDecoder::new(log)))
        } else {
            self.read_plain(name, log)
        }
    }

    fn read_plain(&mut self, name: &str, mut log: impl BufRead) -> io::Result<()> {
        let (mut lines, mut bytes) = (LineReader::default(), Vec::new());
        for number in 1_u64.. {
            bytes.clear();
            if log.read_until(b'\n', &mut bytes)? == 0 {
                break;
            }
            self.lines += 1;
            let at = || format!("{name}:{number}");
            match lines.read(&String::from_utf8_lossy(&bytes)) {
                Ok(claims) => claims.into_iter().for_each(|claim| self.take(claim, at)),
                Err(Unreadable) => self.unreadable.push(at()),
            }
        }
        Ok(())
    }

    fn take(&mut self, claim: LineClaim, at: impl Fn() -> String) {
        let Some(json) = claim.json else {
            return self.unreadable.push(at());
        };
        let signature = claim.signature.filter(|signature| signature != UNSIGNED);
        let signed = match signature {
            Some(signature) => {
                let signer = self.trust.signer.as_ref();
                let name = claim.event.name();
                if !signer.is_some_and(|signer| signer.signed(&signature, name, &json)) {
                    return self.forged.push(at());
                }
                true
            }
            None if self.trust.accept_unsigned && claim.is_a_line => false,
            None => return self.unsigned.push(at()),
        };
        let read = match claim.event {
            BooksEvent::Opened | BooksEvent::Held => {
                let id = |pending: &PendingRequest<'_>| pending.request_id;
                // What is held only grows.
                add(&mut self.opened, &json, signed, id, |said, known| {
                    held(said) >= held(known)
                })
            }
            BooksEvent::Unrecorded => {
                let id = |record: &Record| record.request_id;
                add(&mut self.unrecorded, &json, signed, id, |_, _| true)
            }
        };
        if read.is_none() {
            self.unreadable.push(at());
        }
    }
}

/// US dollars that the request holds of all its budgets together.
fn held(pending: &PendingRequest<'_>) -> Decimal {
    let own = pending.reservations.iter().map(|own| own.held);
    own.chain(pending.shared.iter().map(|shared| shared.held))
        .sum()
}

/// What is signed stands against whatever else is said of the same request.
fn add<T: DeserializeOwned>(
    all: &mut BTreeMap<RequestId, Believed<T>>,
    json: &str,
    signed: bool,
    id: fn(&T) -> RequestId,
    replaces: fn(&T, &T) -> bool,
) -> Option<()> {
    let said: T = json::parse(json).ok()?;
    let id = id(&said);
    let counts = all
        .get(&id)
        .is_none_or(|known| match (signed, known.signed) {
            (true, false) => true,
            (false, true) => false,
            _ => replaces(&said, &known.said),
        });
    if counts {
        all.insert(id, Believed { said, signed });
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use jiff::Timestamp;

    use super::*;

    fn signer() -> Signer {
        Signer::new(&[7; 32])
    }

    fn line(second: i64) -> String {
        let id = RequestId::new(Timestamp::from_second(second).unwrap());
        let open = format!(
            r#"{{"request_id":"{id}","call_type":"acompletion","api_key":"","model":"m","estimated_input":1}}"#
        );
        format!(
            "{}\n",
            serde_json::json!({"event": "spend_open", "open": open, "signature": signer().sign("spend_open", &open)})
        )
    }

    #[test]
    fn logs_are_brought_together_gzipped_or_not() {
        let mut logs = Logs::new(Trust {
            signer: Some(signer()),
            accept_unsigned: false,
        });
        let mut plain = line(1).into_bytes();
        plain.extend(b"{\"event\":\"spend_open\"}\nhello \xff\n");
        logs.read("a", plain.as_slice()).unwrap();
        let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
        zipped
            .write_all(format!("{}{}", line(2), line(3)).as_bytes())
            .unwrap();
        let zipped = zipped.finish().unwrap();
        // Exports come in parts that are zipped one by one.
        let two = [zipped.clone(), zipped].concat();
        logs.read("b", two.as_slice()).unwrap();
        assert_eq!((logs.opened.len(), logs.lines), (3, 7));
        assert_eq!(logs.unreadable, ["a:2"]);
        assert!(logs.read("c", &two[..two.len() - 9]).is_err());
    }
}
