//! English: the audit log.

use super::super::Audit;

pub(super) const AUDIT: Audit = Audit {
    search: "searched stored text",
    read: "read",
    nav: "Audit",
    title: "Audit log",
    lead: "Who changed which key, team, user or setting, and who read what was stored of a request. Kept for 400 days.",
    nothing: "No entries yet.",
    time: "When",
    who: "Who",
    what: "What",
    to: "Target",
    changes: "Values",
    password: "admin (password)",
    key: "a key",
};
