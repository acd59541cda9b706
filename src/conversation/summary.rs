//! Summaries of conversations: how a model is asked for one, and how a conversation goes on from it.

use super::{AnswerFormat, Part, Request, Role, StopReason, ToolChoice, Turn, estimated_bytes};

/// What is asked behind the conversation. All before it stays as it was, so that the prompt is read from the cache.
const QUESTION: &str = "The conversation so far is about to be replaced by a summary. Write that summary now, for the \
model that will go on with the work and will know nothing else of it. Do not call a tool, do not answer the user, and \
do not go on with the work.

Say, in this order:
1. what the user wants: every request that still holds, with its limits and preferences, in the user's own words where \
they matter;
2. what was found and decided, and why, the facts of earlier summaries included: names, paths, ids, commands, numbers, \
addresses and short pieces of code exactly as they were;
3. what was done, what failed, and how that was dealt with;
4. what is under way at this moment, and the next steps.

Leave out what no longer matters. Write in the language of the conversation, and nothing but the summary.";

/// What a summary is introduced with when the conversation goes on from it.
const INTRODUCTION: &str = "The conversation before this was replaced by a summary, which the model that was in it has \
written. Go on from there; do not do again what is done.";

/// What the last words of the user are introduced with.
const LAST_WORDS: &str = "The user's last message, word for word:";

/// Tokens of a summary, its thinking included. What 4,096 leave behind the thinking was found to be too few.
const LEAST_TOKENS: usize = 16_384;
const MOST_TOKENS: usize = 65_536;
/// A summary may have a token for so many bytes of the conversation.
const BYTES_PER_TOKEN: usize = 40;

/// Characters of the user's last message that are kept beside a summary.
const MOST_LAST_WORDS: usize = 20_000;

impl Request {
    /// Asks for a summary of the conversation instead of what it asks for. Tools stay on offer: without them the prompt
    /// would be another one, and not be in the cache. An answer that calls one is no summary.
    pub fn ask_for_summary(&mut self) {
        let bytes = estimated_bytes(&self.system, &self.turns, &self.tools);
        let room = (bytes / BYTES_PER_TOKEN).clamp(LEAST_TOKENS, MOST_TOKENS);
        let question = vec![Part::Text(QUESTION.to_owned())];
        self.turns.push(Turn::new(Role::User, question));
        self.tool_choice = ToolChoice::Auto;
        self.format = AnswerFormat::Text;
        self.sampling.max_tokens = u32::try_from(room).ok();
        self.sampling.stop.clear();
    }

    /// The user's last message behind a summary that is to stand for the whole conversation: it may not have been
    /// answered.
    pub fn with_last_words(&self, summary: String) -> String {
        let of_user = self
            .turns
            .iter()
            .rev()
            .filter(|turn| turn.role == Role::User);
        let texts = of_user.map(|turn| {
            let texts = turn.parts.iter().filter_map(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                _ => None,
            });
            texts.collect::<Vec<_>>().join("\n")
        });
        let mut texts = texts.filter(|text| !text.trim().is_empty());
        match texts.next() {
            Some(text) => {
                let text: String = text.chars().take(MOST_LAST_WORDS).collect();
                format!("{summary}\n\n{LAST_WORDS}\n\n{text}")
            }
            None => summary,
        }
    }

    /// Goes on from a summary that stands for the whole conversation. What was said by the system in between still
    /// holds.
    pub fn continue_from(&mut self, summary: &str) {
        self.turns.retain(|turn| turn.role == Role::System);
        self.turns.push(summary_turn(summary));
    }
}

/// A summary as a turn, which stands for all that it sums up.
pub fn summary_turn(summary: &str) -> Turn {
    let text = format!("{INTRODUCTION}\n\n<summary>\n{summary}\n</summary>");
    Turn::new(Role::User, vec![Part::Text(text)])
}

/// Whether an answer that has this text and ended for this reason is a summary.
pub fn is_summary(text: &str, stop: Option<&StopReason>) -> bool {
    use StopReason::{EndTurn, MaxTokens, StopSequence};
    let has_ended = matches!(stop, Some(EndTurn | MaxTokens | StopSequence(_)));
    has_ended && !text.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(turns: &[(Role, &str)]) -> Request {
        let turns = turns
            .iter()
            .map(|(role, text)| Turn::new(*role, vec![Part::Text((*text).to_owned())]));
        Request {
            turns: turns.collect(),
            ..Request::default()
        }
    }

    #[test]
    fn a_summary_has_room_for_its_thinking_and_not_for_everything() {
        for (bytes, tokens) in [
            (10, 16_384),
            (655_360, 16_384),
            (1_200_000, 30_000),
            (9_000_000, 65_536),
        ] {
            let mut request = request(&[(Role::User, &"a".repeat(bytes))]);
            let before = request.turns.clone();
            request.ask_for_summary();
            assert_eq!(request.sampling.max_tokens, Some(tokens), "{bytes}");
            assert_eq!(request.turns[..1], before, "what is cached stays");
            assert_eq!(request.turns.len(), 2);
        }
    }

    #[test]
    fn a_conversation_goes_on_with_its_summary_and_the_user_s_last_words() {
        let mut request = request(&[
            (Role::User, "first"),
            (Role::System, "Be brief."),
            (Role::User, "last"),
            (Role::Assistant, "I look."),
        ]);
        let summary = request.with_last_words("All is well.".to_owned());
        assert!(summary.starts_with("All is well.") && summary.ends_with("last"));
        request.continue_from(&summary);
        let roles: Vec<Role> = request.turns.iter().map(|turn| turn.role).collect();
        assert_eq!(roles, [Role::System, Role::User]);
        let Part::Text(text) = &request.turns[1].parts[0] else {
            panic!("no text");
        };
        assert!(text.contains("All is well.") && !text.contains("first"));
    }
}
