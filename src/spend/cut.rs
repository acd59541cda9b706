//! Texts of clients and models, cut to a length.

/// Cuts a text to so many bytes, between characters; three dots say so.
pub(super) fn cut(text: &mut String, most: usize) {
    const MARK: &str = "...";
    if text.len() <= most {
        return;
    }
    let end = text.floor_char_boundary(most.saturating_sub(MARK.len()));
    text.truncate(end);
    text.push_str(MARK);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_says_so() {
        let mut text = "aé45678".to_owned();
        cut(&mut text, 8);
        assert_eq!(text, "aé45678");
        cut(&mut text, 5);
        assert_eq!(text, "a...", "half of a character is none");
        cut(&mut text, 4);
        assert_eq!(text, "a...");
    }
}
