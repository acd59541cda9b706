//! What every reply says beside its body, whatever the wire.

use reqwest::Response;

/// Names in the reply what of the request was left out.
pub const DROPPED: &str = "x-sidecar-dropped";

/// What of the request was left out; `None`: nothing.
pub fn dropped(response: &Response) -> Option<String> {
    let is_there = response.headers().contains_key(DROPPED);
    is_there.then(|| header(response, DROPPED).to_owned())
}

/// Whether an error speaks to its reader: no debug text of a library, no address of a machine.
pub fn is_plain(message: &str) -> bool {
    let debug = ["{", "Failure", "Error", "hyper", "127.0.0.1", "::"];
    !message.is_empty() && !debug.iter().any(|word| message.contains(word))
}

/// A header's text.
pub fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
        .unwrap_or("")
}

/// Who was tried and what came of it, without the times and sizes, which must be there.
pub fn trail_of(response: &Response) -> String {
    let trail = header(response, "x-sidecar-trail");
    let entries = trail.split_terminator(", ").map(|entry| {
        let mut words = entry.split(' ');
        let outcome = words.next().unwrap();
        if outcome.ends_with(":cooling_down") {
            assert_eq!(words.next(), None, "{entry}: nothing was called");
            return outcome;
        }
        for unit in ["ms", "B"] {
            let amount = words.next().and_then(|word| word.strip_suffix(unit));
            assert!(
                amount.is_some_and(|amount| amount.parse::<u64>().is_ok()),
                "{entry}"
            );
        }
        assert_eq!(words.next(), None, "{entry}");
        outcome
    });
    entries.collect::<Vec<_>>().join(", ")
}
