//! `fallbacks`, a field that two dialects have.
//!
//! LiteLLM's names models of this gateway: a list of names, of `{"model": …, …}` and of `{"a": ["b"]}`. Anthropic's own
//! asks its service to go on with another model of its choosing, `"default"`, or with `{"model": …}` beside a beta. That
//! service is not here, so its field is left out.

use serde_json::value::RawValue;

use crate::json;
use crate::wire::{ApiError, LeftOut, WireFallback};

/// What the names of the beta begin with that makes the field Anthropic's.
const BETA: &str = "server-side-fallback-";

/// The fallbacks in LiteLLM's sense; `betas` are those that the request names.
pub(super) fn of_gateway(
    written: Option<Box<RawValue>>,
    betas: &[String],
    left_out: &mut LeftOut,
) -> Result<Option<Vec<WireFallback>>, ApiError> {
    let Some(written) = written.filter(|written| written.get() != "null") else {
        return Ok(None);
    };
    let is_asked_for = betas.iter().any(|beta| beta.starts_with(BETA));
    let is_word = written.get().starts_with('"');
    let read = json::read::<Vec<WireFallback>>(written.get().as_bytes());
    let is_object = |entry: &WireFallback| matches!(entry, WireFallback::Changed { .. });
    match read {
        Ok(list) if is_asked_for && list.iter().any(is_object) => {}
        Ok(list) => return Ok(Some(list)),
        Err(_) if is_asked_for || is_word => {}
        Err(misread) => {
            let param = format!("fallbacks{}", misread.path);
            let message = format!("'{param}': {}", misread.error);
            return Err(ApiError::bad_request(message, param));
        }
    }
    left_out.add("fallbacks");
    Ok(None)
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
                let mut left_out = LeftOut::default();
                let written = RawValue::from_string(written.to_owned()).unwrap();
                let read = of_gateway(Some(written), betas, &mut left_out).unwrap();
                assert_eq!(read.map(|list| list.len()), expected);
                let names = left_out.into_names();
                assert_eq!(names.is_empty(), expected.is_some(), "{names:?}");
            }
        }
    }

    #[test]
    fn what_is_neither_is_refused_unless_the_beta_says_whose_it_is() {
        for written in [
            r#"{"model": "b"}"#,
            "[7]",
            r#"[{"model": {"id": "b"}}]"#,
            "true",
        ] {
            let raw = || RawValue::from_string(written.to_owned()).ok();
            let mut left_out = LeftOut::default();
            let refused = of_gateway(raw(), &[], &mut left_out).unwrap_err();
            assert!(refused.param.unwrap().starts_with("fallbacks"), "{written}");
            let betas = ["server-side-fallback-1".to_owned()];
            assert_eq!(of_gateway(raw(), &betas, &mut left_out).unwrap(), None);
            assert_eq!(left_out.into_names(), ["fallbacks"]);
        }
    }
}
