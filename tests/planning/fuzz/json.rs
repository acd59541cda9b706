//! JSON out of nothing, and JSON with something wrong in it.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::one;

/// Something of no meaning, made of these words.
pub(super) fn any(rng: &mut Rng, keys: &[&str], words: &[&str], depth: usize) -> Value {
    let leaf = depth == 0 || rng.u8(..10) < 6;
    if leaf {
        return match rng.u8(..10) {
            0 => Value::Null,
            1 => json!(rng.bool()),
            2 => number(rng),
            3 => json!(text(rng)),
            _ => json!(one(rng, words)),
        };
    }
    let size = rng.usize(..5);
    if rng.bool() {
        (0..size)
            .map(|_| any(rng, keys, words, depth - 1))
            .collect()
    } else {
        let fields = (0..size).map(|_| {
            let key = (*one(rng, keys)).to_owned();
            (key, any(rng, keys, words, depth - 1))
        });
        Value::Object(fields.collect::<Map<_, _>>())
    }
}

fn number(rng: &mut Rng) -> Value {
    match rng.u8(..8) {
        0 => json!(0),
        1 => json!(-1),
        2 => json!(u64::MAX),
        3 => json!(i64::MIN),
        4 => json!(rng.u64(..)),
        5 => json!(f64::MAX),
        6 => json!(rng.f64()),
        _ => json!(rng.i32(-5..70_000)),
    }
}

fn text(rng: &mut Rng) -> String {
    let signs = [
        "a", " ", "\n", "\u{0}", "\"", "\\", "{", "}", "é", "😀", "\u{202e}", "\u{fffd}", "data:",
        ";base64,", ",", "/",
    ];
    let times = if rng.u8(..20) == 0 {
        3_000
    } else {
        rng.usize(..12)
    };
    (0..times).map(|_| *one(rng, &signs)).collect()
}

/// The value with something wrong somewhere: replaced, left out, doubled, moved, nested, renamed.
pub(super) fn spoil(rng: &mut Rng, root: &mut Value, keys: &[&str], words: &[&str]) {
    let elsewhere = pick(rng, root).clone();
    let place = pick_mut(rng, root);
    match rng.u8(..9) {
        0 => *place = any(rng, keys, words, 4),
        1 => *place = elsewhere,
        2 => {
            for _ in 0..rng.usize(1..140) {
                *place = match rng.bool() {
                    true => json!([place.take()]),
                    false => json!({*one(rng, keys): place.take()}),
                };
            }
        }
        3 => *place = number(rng),
        4 => *place = json!(text(rng)),
        _ => match place {
            Value::Array(items) if !items.is_empty() => {
                let at = rng.usize(..items.len());
                match rng.u8(..3) {
                    0 => drop(items.remove(at)),
                    1 => items.insert(at, items[at].clone()),
                    _ => {
                        let other = rng.usize(..items.len());
                        items.swap(at, other);
                    }
                }
            }
            Value::Object(fields) if !fields.is_empty() => {
                let at = rng.usize(..fields.len());
                let key = fields.keys().nth(at).cloned().unwrap_or_default();
                let value = fields.shift_remove(&key).unwrap_or_default();
                match rng.u8(..3) {
                    0 => {}
                    1 => drop(fields.insert((*one(rng, keys)).to_owned(), value)),
                    _ => drop(fields.insert(key, any(rng, keys, words, 3))),
                }
            }
            other => *other = any(rng, keys, words, 2),
        },
    }
}

fn pick<'a>(rng: &mut Rng, mut value: &'a Value) -> &'a Value {
    loop {
        let inner = match value {
            Value::Array(items) if !items.is_empty() => &items[rng.usize(..items.len())],
            Value::Object(fields) if !fields.is_empty() => {
                let at = rng.usize(..fields.len());
                match fields.values().nth(at) {
                    Some(child) => child,
                    None => return value,
                }
            }
            _ => return value,
        };
        if rng.u8(..5) == 0 {
            return value;
        }
        value = inner;
    }
}

fn pick_mut<'a>(rng: &mut Rng, value: &'a mut Value) -> &'a mut Value {
    let children = match value {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        _ => 0,
    };
    if children == 0 || rng.u8(..5) == 0 {
        return value;
    }
    let at = rng.usize(..children);
    match value {
        Value::Array(items) => pick_mut(rng, &mut items[at]),
        Value::Object(fields) => match fields.values_mut().nth(at) {
            Some(child) => pick_mut(rng, child),
            None => unreachable!("there are so many"),
        },
        leaf => leaf,
    }
}
