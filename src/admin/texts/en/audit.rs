//! English: the audit log.

use super::super::Audit;

pub(super) const AUDIT: Audit = Audit {
    nav: "Audit",
    title: "Audit log",
    lead: "Who changed which key, team, user or setting, and who read what was stored of a request. Kept for 400 days.",
    nothing: "Nothing was changed yet.",
    time: "When",
    who: "Who",
    what: "What",
    to: "To what",
    changes: "Given",
    password: "the password of the pages",
    key: "a key",
};
