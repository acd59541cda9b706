//! What cannot be seen through HTTP with keys that ring makes: weak keys, and sets with keys of every kind.

use serde_json::{Value, json};

use super::jwk::KeySet;
use super::jwt::UnverifiedToken;
use super::{TokenRefusal, looks_like_token};
use crate::config::TokenAlgorithm;

const ALL: [TokenAlgorithm; 5] = [
    TokenAlgorithm::RS256,
    TokenAlgorithm::PS256,
    TokenAlgorithm::ES256,
    TokenAlgorithm::ES384,
    TokenAlgorithm::EdDSA,
];

/// The modulus of the key of RFC 7515, appendix A.2.
const RFC_KEY: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-\
    yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBE\
    MA2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb5\
    4h4FRWyuXpoQ";

/// A key of 1024 bits, and a token that it has signed: both made with openssl.
const WEAK_KEY: &str = "sku9AkfT35oYrG_hkefNZgWrM4TYU9zknQnEJT50ajBf2ZAugjlrILt6Mlz6q27iVtvRrQ1m9Og0fIscAWaCDSEYAvYIAPfwg_SUaVSbWl82Lc\
    DZ28b5wnEBlhEDSMeC_nq0sdrR6b8g9HZs1xEg_WfHCywwoyn-L5qAFbzVAI0";
const WEAK_TOKEN: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogIndlYWsifQ.eyJzdWIiOiAiMSJ9.MUrMGaQHR6Xdvx0CpHHUS0rAMW7DxId-ZKSL6MebFWdHH1sqTl\
    nZIgApQnwqK7Z5ct5vfMBHDUxYnnbH0KRaBe900qaJoB52K_e5xjc28NV5d6AmdcaeXyvq0JmfyOwnQW_qeXQD7BxyDiLrAPSRFxztX0TOHP8Y\
    SaRtO5Gkq_Q";

fn set(keys: Value) -> KeySet {
    KeySet::read(&json!({"keys": keys}).to_string()).unwrap()
}

fn checked(keys: Value, token: &str) -> Result<(), TokenRefusal> {
    let token = UnverifiedToken::read(token)?;
    set(keys).check(&token, &ALL, false)
}

#[test]
fn a_key_is_used_only_for_what_it_is_for() {
    let rsa = json!({"kty": "RSA", "kid": "1", "n": RFC_KEY, "e": "AQAB"});
    let with = |name: &str, value: Value| {
        let mut key = rsa.clone();
        key[name] = value;
        key
    };
    assert!(!set(json!([rsa])).is_empty());
    for (what, key) in [
        ("encryption", with("use", json!("enc"))),
        (
            "a secret",
            json!({"kty": "oct", "kid": "1", "k": "c2VjcmV0"}),
        ),
        (
            "another curve",
            json!({"kty": "EC", "kid": "1", "crv": "secp256k1", "x": "AA", "y": "AA"}),
        ),
        (
            "a short point",
            json!({"kty": "EC", "kid": "1", "crv": "P-256", "x": "AA", "y": "AA"}),
        ),
        ("no id", json!({"kty": "RSA", "n": RFC_KEY, "e": "AQAB"})),
        ("an id that is no text", with("kid", json!(1))),
        ("no key", json!("key")),
        ("a number that is none", with("n", json!("!"))),
    ] {
        assert!(set(json!([key])).is_empty(), "{what}");
    }
    assert!(KeySet::read("[]").is_none());
    assert!(KeySet::read("{}").is_none());
}

#[test]
fn a_key_of_1024_bits_signs_nothing() {
    let weak = json!({"kty": "RSA", "kid": "weak", "n": WEAK_KEY, "e": "AQAB"});
    assert_eq!(
        checked(json!([weak]), WEAK_TOKEN),
        Err(TokenRefusal::WrongSignature)
    );
}

#[test]
fn a_token_is_told_from_a_key() {
    for (key, expected) in [
        ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.AA", true),
        ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0", false),
        ("eyJhbGciOiJSUzI1NiJ9.a.b.c.d", false),
        ("sk-eyJ.a.b", false),
        ("", false),
    ] {
        assert_eq!(looks_like_token(key), expected, "{key}");
    }
}
