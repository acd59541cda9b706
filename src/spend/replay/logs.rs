//! What logs say about the books, brought together.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};

use flate2::bufread::MultiGzDecoder;

use super::super::{Opening, Record, RequestId};
use super::lines::{self, Entry};

/// How a gzipped file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What logs say about the books. The order of files and lines means nothing, and what is said twice counts once.
#[derive(Debug, Default)]
pub struct Logs {
    pub(super) opened: BTreeMap<RequestId, Opening<'static>>,
    pub(super) unrecorded: BTreeMap<RequestId, Record>,
    pub(super) lines: u64,
    /// `file:line` of what announces an entry and holds none.
    pub(super) unreadable: Vec<String>,
}

impl Logs {
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
        let mut bytes = Vec::new();
        for number in 1_u64.. {
            bytes.clear();
            if log.read_until(b'\n', &mut bytes)? == 0 {
                break;
            }
            self.lines += 1;
            match lines::read(&String::from_utf8_lossy(&bytes)) {
                Ok(entries) => entries.into_iter().for_each(|entry| self.add(entry)),
                Err(lines::Unreadable) => self.unreadable.push(format!("{name}:{number}")),
            }
        }
        Ok(())
    }

    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Opened(opening) => {
                self.opened.insert(opening.request_id, *opening);
            }
            Entry::Unrecorded(record) => {
                self.unrecorded.insert(record.request_id, *record);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use jiff::Timestamp;

    use super::*;

    fn line(second: i64) -> String {
        let id = RequestId::new(Timestamp::from_second(second).unwrap());
        let open = format!(
            r#"{{"request_id":"{id}","call_type":"acompletion","api_key":"","model":"m","estimated_input":1}}"#
        );
        format!(
            "{}\n",
            serde_json::json!({"event": "spend_open", "open": open})
        )
    }

    #[test]
    fn logs_are_brought_together_gzipped_or_not() {
        let mut logs = Logs::default();
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
