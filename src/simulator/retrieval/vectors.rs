//! Vectors of texts.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// A vector of length 1, the same for the same model, text and purpose.
pub(super) fn vector(space: &str, text: &str, purpose: &str, length: u32) -> Value {
    let hash = Sha256::digest(format!("{space}\0{purpose}\0{length}\0{text}"));
    let mut state = hash.iter().fold(0_u64, |state, byte| {
        state.rotate_left(8).wrapping_add(u64::from(*byte))
    });
    let numbers = std::iter::repeat_with(|| {
        // https://prng.di.unimi.it/splitmix64.c
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from((mixed >> 40) as u32) / f64::from(1_u32 << 23) - 1.0
    });
    let numbers: Vec<f64> = numbers.take(length as usize).collect();
    let norm = numbers.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-9);
    let numbers = numbers.into_iter().map(|x| (x / norm) as f32);
    numbers.map(Value::from).collect()
}
