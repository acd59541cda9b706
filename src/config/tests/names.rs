use std::collections::BTreeMap;

use super::*;

const ROUTES: &str = "
model_list:
  - {model_name: a, litellm_params: {model: bedrock/converse/us.amazon.nova-pro-v1:0, weight: 3}}
  - {model_name: b, litellm_params: {model: bedrock/us.amazon.nova-lite-v1:0}}
  - {model_name: a, litellm_params: {model: bedrock/eu.amazon.nova-pro-v1:0}}
  - {model_name: c, litellm_params: {model: us.amazon.nova-micro-v1:0}}
litellm_settings:
  fallbacks: [{a: [b, small]}, {\"*\": [c]}]
  default_fallbacks: [b]
  context_window_fallbacks: {b: a}
router_settings:
  model_group_alias: {small: c, secret: {model: a, hidden: true}, \"x-*\": b, \"x-*-small-*\": c, \"*-big\": a}
";

#[test]
fn a_request_may_call_a_group_by_many_names() {
    let config = sound(ROUTES);
    for (name, group) in [
        ("a", Some("a")),
        ("small", Some("c")),
        ("secret", Some("a")),
        ("bedrock/converse/us.amazon.nova-pro-v1:0", Some("a")),
        ("converse/us.amazon.nova-pro-v1:0", Some("a")),
        ("us.amazon.nova-pro-v1:0", Some("a")),
        ("eu.amazon.nova-pro-v1:0", Some("a")),
        ("bedrock/us.amazon.nova-micro-v1:0", Some("c")),
        ("amazon.nova-pro-v1:0", None),
        ("x-1", Some("b")),
        ("x-1-small", Some("b")),
        ("x-1-small-2", Some("c")),
        ("y-big", Some("a")),
        ("y-bigger", None),
        ("x", None),
        ("", None),
    ] {
        assert_eq!(config.resolve_name(name), group, "{name}");
    }
    assert_eq!(config.listed_names(TODAY), ["a", "b", "c", "small"]);
    assert_eq!(config.groups()[0].weights(), [3.0, 0.0]);
    assert_eq!(config.groups()[1].weights(), [1.0]);
}

#[test]
fn fallbacks_are_the_groups_own_else_everyones() {
    let config = sound(ROUTES);
    let rows: [(&str, FallbackKind, &[&str]); 6] = [
        ("a", FallbackKind::General, &["b", "c"]),
        ("b", FallbackKind::General, &["c"]),
        ("c", FallbackKind::General, &[]),
        ("b", FallbackKind::ContextWindow, &["a"]),
        ("a", FallbackKind::ContextWindow, &[]),
        ("a", FallbackKind::ContentPolicy, &[]),
    ];
    for (group, kind, expected) in rows {
        assert_eq!(
            config.fallbacks_of(group, kind),
            expected,
            "{group} {kind:?}"
        );
    }
    let without = sound(&ROUTES.replace(
        "router_settings:\n",
        "router_settings:\n  failover: false\n",
    ));
    assert!(without.fallbacks_of("a", FallbackKind::General).is_empty());
}

#[test]
fn saved_fallbacks_are_checked_like_written_ones() {
    let config = sound(ROUTES);
    let saved = |group: &str, target: &str| Changes {
        fallbacks: Some(Fallbacks {
            general: BTreeMap::from([(group.to_owned(), vec![target.to_owned()])]),
            ..Fallbacks::default()
        }),
        ..Changes::default()
    };
    let changed = config.changed(&saved("c", "a")).unwrap();
    assert_eq!(changed.fallbacks_of("c", FallbackKind::General), ["a"]);
    assert!(changed.fallbacks_of("a", FallbackKind::General).is_empty());
    for (group, target, error) in [
        ("c", "gone", "there is no model \"gone\""),
        ("gone", "a", "there is no model \"gone\""),
        ("a", "a", "\"a\" falls back to itself"),
    ] {
        let refused = config.changed(&saved(group, target)).unwrap_err();
        assert_eq!(refused.to_string(), error);
    }
}
