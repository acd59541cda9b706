//! `fallbacks`, a field that two dialects have.
//!
//! LiteLLM's names models of this gateway: a list of names, of `{"model": …, …}` and of `{"a": ["b"]}`. Anthropic's own
//! asks its service to go on with another model of its choosing, `"default"`, or with `{"model": …}` beside a beta. That
//! service is not here, so its field is left out, and so is what has another form.

use serde_json::value::RawValue;

use crate::json;
use crate::wire::{DroppedFields, WireFallback};

/// What the names of the beta begin with that makes the field Anthropic's.
const BETA: &str = "server-side-fallback-";

/// The fallbacks in LiteLLM's sense; `betas` are those that the request names.
pub(super) fn of_gateway(
    written: Option<Box<RawValue>>,
    betas: &[String],
    dropped: &mut DroppedFields,
) -> Option<Vec<WireFallback>> {
    let written = written.filter(|written| written.get() != "null")?;
    let is_asked_for = betas.iter().any(|beta| beta.starts_with(BETA));
    let is_object = |entry: &WireFallback| matches!(entry, WireFallback::Changed { .. });
    let list = json::read::<Vec<WireFallback>>(written.get().as_bytes()).ok();
    let list = list.filter(|list| !(is_asked_for && list.iter().any(is_object)));
    if list.is_none() {
        dropped.add("fallbacks");
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_anthropic_s_is_left_out_and_what_is_litellm_s_stays() {
        let with_beta = ["x".to_owned(), "server-side-fallback-2026-06-01".to_owned()];
        // What stays without the beta and with it; `None`: nothing, and it is named.
        for (written, without, with) in [
            (r#""default""#, None, None),
            (r#""of_tomorrow""#, None, None),
            (r#"["b"]"#, Some(1), Some(1)),
            ("[]", Some(0), Some(0)),
            (r#"[{"a": ["b", "c"]}]"#, Some(1), Some(1)),
            (r#"[{"model": "b"}]"#, Some(1), None),
            (
                r#"[{"model": "b", "max_tokens": 3}, {"model": "c"}]"#,
                Some(2),
                None,
            ),
        ] {
            for (betas, expected) in [(&with_beta[..1], without), (&with_beta[..], with)] {
                let mut dropped = DroppedFields::default();
                let written = RawValue::from_string(written.to_owned()).unwrap();
                let read = of_gateway(Some(written), betas, &mut dropped);
                assert_eq!(read.map(|list| list.len()), expected);
                let names = dropped.into_names();
                assert_eq!(names.is_empty(), expected.is_some(), "{names:?}");
            }
        }
    }

    #[test]
    fn what_is_neither_is_left_out() {
        for written in [
            r#"{"model": "b"}"#,
            r#"{"type": "default"}"#,
            r#"[{"type": "default"}]"#,
            "[7]",
            r#"["b", null]"#,
            r#"[{"model": {"id": "b"}}]"#,
            "true",
        ] {
            for betas in [vec![], vec!["server-side-fallback-1".to_owned()]] {
                let raw = RawValue::from_string(written.to_owned()).ok();
                let mut dropped = DroppedFields::default();
                assert_eq!(of_gateway(raw, &betas, &mut dropped), None);
                assert_eq!(dropped.into_names(), ["fallbacks"], "{written}");
            }
        }
    }
}
