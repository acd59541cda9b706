//! Texts that come as tokens. LangChain and LibreChat's RAG service count texts by OpenAI's tokens and send those; models of
//! Bedrock take text alone.
//!
//! The table of `cl100k_base`, which all of OpenAI's embedding models have, comes from the crate `tiktoken-rs` when the
//! program is built (`build.rs`): a megabyte in the binary, nothing in memory until it is asked.

/// Where each token's bytes begin: one number of four bytes for each token, and one for the end.
const OFFSETS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cl100k_offsets.bin"));
/// The bytes of all tokens, one after the other.
const BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cl100k_bytes.bin"));

/// A number that is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAToken(pub u32);

/// The text that these tokens stand for. Clients cut texts between tokens, which may be inside of a character: what is left
/// of one becomes the replacement character.
pub fn text_of_tokens(tokens: &[u32]) -> Result<String, NotAToken> {
    let mut text = Vec::with_capacity(tokens.len() * 4);
    for &token in tokens {
        text.extend_from_slice(bytes_of(token).ok_or(NotAToken(token))?);
    }
    Ok(match String::from_utf8(text) {
        Ok(text) => text,
        Err(cut) => String::from_utf8_lossy(cut.as_bytes()).into_owned(),
    })
}

/// The bytes of a token; `None`: there is no such token.
fn bytes_of(token: u32) -> Option<&'static [u8]> {
    let at = usize::try_from(token).ok()?;
    let bytes = BYTES.get(offset(at)?..offset(at.checked_add(1)?)?)?;
    (!bytes.is_empty()).then_some(bytes)
}

fn offset(at: usize) -> Option<usize> {
    let written = OFFSETS.get(at.checked_mul(4)?..)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes(*written)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_become_the_text_that_they_were_made_of() {
        // As tiktoken's `cl100k_base` encodes them; the first two are LangChain's.
        let rows: [(&[u32], &str); 6] = [
            (&[15339, 1917], "hello world"),
            (&[45202, 4239], "xxxxxxxxxx"),
            (&[0], "!"),
            (&[100_257], "<|endoftext|>"),
            (&[9468, 239, 102], "👩"),
            (&[], ""),
        ];
        for (tokens, text) in rows {
            assert_eq!(text_of_tokens(tokens).as_deref(), Ok(text), "{tokens:?}");
        }
        assert_eq!(text_of_tokens(&[9468, 239]).as_deref(), Ok("\u{fffd}"));
        for unknown in [100_256, 100_261, 100_277, u32::MAX] {
            assert_eq!(text_of_tokens(&[0, unknown]), Err(NotAToken(unknown)));
        }
    }
}
