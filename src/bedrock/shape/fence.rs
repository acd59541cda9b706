//! Code fences around an answer that should be JSON alone.

/// Passes text on without the fence around it, piece by piece.
#[derive(Debug, Default)]
pub(super) struct Fence {
    /// What came and was not passed on yet: the beginning, until it is known whether it is a fence; later the white
    /// space and backticks at the end.
    held: String,
    begun: bool,
    fenced: bool,
}

impl Fence {
    /// What of the text so far is the answer's for certain.
    pub(super) fn push(&mut self, text: &str) -> String {
        self.held.push_str(text);
        if !self.begun {
            let opening = self.held.trim_start();
            if "```".starts_with(opening) {
                return String::new();
            }
            if let Some(fenced) = opening.strip_prefix("```") {
                let Some((_, inside)) = fenced.split_once('\n') else {
                    return String::new();
                };
                self.fenced = true;
                self.held = inside.to_owned();
            } else {
                self.held = opening.to_owned();
            }
            self.begun = true;
        }
        let certain = self
            .held
            .trim_end_matches(|c: char| c == '`' || c.is_whitespace());
        let rest = self.held.split_off(certain.len());
        std::mem::replace(&mut self.held, rest)
    }

    /// The rest, at the end of the text.
    pub(super) fn end(&mut self) -> String {
        let rest = std::mem::take(&mut self.held);
        if self.fenced || self.begun && rest.trim().is_empty() {
            return String::new();
        }
        rest
    }
}
