//! Redacts a refusal of Bedrock's: what is left of its message may be logged and stored.
//!
//! Bedrock quotes what it refuses: names of fields, values, pieces of a prompt, in quotes, in brackets or behind a
//! colon. What it says itself is made of few words (`fault_words.txt`: those of the refusals that are known, see
//! `wordings/`), of numbers and of the places of its fields. The rest is the request's, and becomes `…`; so does a
//! clause of which more than a third is. The client, whose words they are, reads the whole.

/// The words of Bedrock's refusals and of its fields' names, in lower case.
const WORDS: &str = include_str!("fault_words.txt");

/// The most bytes that are kept.
const LONGEST_FAULT: usize = 400;

/// What stands for the request's words.
const LEFT_OUT: &str = "…";

/// The message without what it quotes.
pub(super) fn redacted(message: &str) -> String {
    let message = without_quotes(message);
    let mut words: Vec<&str> = Vec::new();
    for clause in clauses(&message) {
        let kept: Vec<&str> = clause.split_whitespace().map(keep).collect();
        let redacted = kept.iter().filter(|word| word.contains(LEFT_OUT)).count();
        match redacted * 3 > kept.len() {
            true => words.push(LEFT_OUT),
            false => words.extend(kept),
        }
    }
    words.dedup_by(|next, last| *next == LEFT_OUT && *last == LEFT_OUT);
    let mut redacted = words.join(" ");
    if redacted.len() > LONGEST_FAULT {
        redacted.truncate(redacted.floor_char_boundary(LONGEST_FAULT));
        redacted.push_str(LEFT_OUT);
    }
    redacted
}

/// The message, of whose quotes those alone are left that name a field.
fn without_quotes(message: &str) -> String {
    let mut plain = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(c) = rest.chars().next() {
        let is_in_a_word = plain.ends_with(char::is_alphanumeric);
        plain.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        let Some(closing) = closing(c, is_in_a_word, rest) else {
            continue;
        };
        let (quoted, behind) = rest.split_once(closing).unwrap_or((rest, ""));
        let is_a_name = !quoted.contains(char::is_whitespace) && is_known(quoted);
        plain.push_str(if is_a_name { quoted } else { LEFT_OUT });
        if quoted.len() < rest.len() {
            plain.push(closing);
        }
        rest = behind;
    }
    plain
}

/// What ends the quote that this character begins, if it begins one: an apostrophe does not, nor does a sign with
/// spaces around it.
fn closing(c: char, is_in_a_word: bool, rest: &str) -> Option<char> {
    match c {
        '"' | '\'' | '`' if !is_in_a_word => Some(c),
        '[' => Some(']'),
        '{' => Some('}'),
        '<' if !rest.starts_with(' ') => Some('>'),
        '“' => Some('”'),
        '‘' => Some('’'),
        _ => None,
    }
}

/// The message's parts, each with the sign and the space that end it.
fn clauses(message: &str) -> impl Iterator<Item = &str> {
    let mut last = ' ';
    message.split_inclusive(move |c: char| {
        let ends = c.is_control() || (c == ' ' && ".,:;!?".contains(last));
        last = c;
        ends
    })
}

/// The word, or [`LEFT_OUT`].
fn keep(word: &str) -> &str {
    match is_known(word) {
        true => word,
        false => LEFT_OUT,
    }
}

/// Whether a word is Bedrock's own: one of its words, a number, or the place of a field, `messages.1.content.0.text`.
fn is_known(word: &str) -> bool {
    if is_arn(word) {
        return true;
    }
    let between = |c: char| !(c.is_alphanumeric() || c == '_' || c == '-');
    let mut parts = word.split(between).filter(|part| !part.is_empty());
    parts.all(|part| is_number(part) || is_word(part))
}

/// The identity that AWS has refused, and the action: neither comes from the request.
fn is_arn(word: &str) -> bool {
    let of_arns = |c: char| c.is_ascii_alphanumeric() || ":/.-_*".contains(c);
    word.starts_with("arn:aws") && word.chars().all(of_arns)
}

/// Counts of tokens, bytes and places; nothing that is as long as an account's or a card's number.
fn is_number(part: &str) -> bool {
    part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_word(part: &str) -> bool {
    let lower = part.to_ascii_lowercase();
    let known = |part: &str| WORDS.split_ascii_whitespace().any(|word| word == part);
    known(&lower) || lower.split(['_', '-']).all(known)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_bedrock_says_of_itself_stays() {
        for message in [
            "Input is too long for requested model.",
            "The provided model identifier is invalid.",
            "prompt is too long: 215000 tokens > 200000 maximum",
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length",
            "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.",
            "messages.3.content.0.text: text content blocks must be non-empty",
            "Malformed input request: #: extraneous key [thinking] is not permitted, please reformat your input and try again.",
            "The maximum tokens you requested exceeds the model limit of 64000. Try again with a maximum tokens value that is lower than 64000.",
            "Too many requests, please wait before trying again.",
            "Too many tokens per day, please wait before trying again.",
            "Bedrock is unable to process your request.",
            "The system encountered an unexpected error during processing. Try your request again.",
            "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.",
            "This model doesn't support tool use in streaming mode.",
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
            "tools.0.custom.input_schema.type: Input should be 'object'",
            "The model returned the following errors: tools.0.custom.name: Field required",
            "Member must have length less than or equal to 64",
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.",
            "Cache point cannot be inserted after reasoning block. Please remove the invalid cache point and try again.",
            "User: arn:aws:sts::123456789012:assumed-role/gateway/x is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3 because no identity-based policy allows the bedrock:InvokeModel action",
            "The security token included in the request is expired",
            "The model's maximum context length is 131072 tokens",
            "Output blocked by content filtering policy",
            "This model version has reached the end of its life.",
            "Access denied. This model is marked by provider as legacy",
            "Invocation of model ID anthropic with on-demand throughput isn’t supported.",
            "context_management: Extra inputs are not permitted",
            "messages.1.content.0: Invalid `signature` in `thinking` block",
            "Expected `thinking` or `redacted_thinking`, but found `tool_use`.",
            "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\"",
            "This model doesn't support the temperature field. Remove temperature and try again.",
            "This model doesn't support the toolConfig.toolChoice.any field.",
            "`top_p` is deprecated for this model.",
            "This model does not support assistant message prefill.",
            "tools: Tool names must be unique.",
            "tools.0.custom.input_schema: JSON schema is invalid",
            "stop_sequences: each stop sequence must contain non-whitespace text",
            "invalid beta flag",
        ] {
            assert_eq!(redacted(message), message);
        }
    }

    #[test]
    fn what_it_quotes_does_not() {
        for (message, fault) in [
            (
                "Invalid input: Summarize my divorce papers for Mary",
                "Invalid input: …",
            ),
            (
                "Value 'my secret is 42' at 'messages.1.member.content' failed to satisfy constraint: Member must not be null",
                "Value '…' at 'messages.1.member.content' failed to satisfy constraint: Member must not be null",
            ),
            (
                "hunter2: Extra inputs are not permitted",
                "… Extra inputs are not permitted",
            ),
            (
                "x\n{\"event\":\"spend_open\"}\ny: Extra inputs are not permitted",
                "… Extra inputs are not permitted",
            ),
            (
                "#: extraneous key [my_secret] is not permitted",
                "#: extraneous key […] is not permitted",
            ),
            (
                "Tool 'transfer_to_mary' not found in provided tools",
                "Tool '…' not found in provided tools",
            ),
            ("Input tag 'the model' found", "Input tag '…' found"),
            ("Input tag \"the model of the user", "Input tag \"…"),
            ("messages.mary.content: Field required", "… Field required"),
            (
                "prompt 4111111111111111 is not valid",
                "prompt … is not valid",
            ),
            ("<html><body>my words</body></html>", "…"),
            ("日本語の質問: invalid", "… invalid"),
            ("", ""),
        ] {
            assert_eq!(redacted(message), fault);
        }
        for long in ["the request is not valid. ", "the model is not supported "] {
            let redacted = redacted(&long.repeat(1_000));
            assert_eq!(redacted.len(), LONGEST_FAULT + LEFT_OUT.len());
        }
    }

    #[test]
    fn the_words_are_in_order_and_stand_there_once() {
        let words: Vec<_> = WORDS.split_ascii_whitespace().collect();
        let unique: BTreeSet<_> = words.iter().collect();
        assert_eq!(unique.len(), words.len());
        assert!(words.iter().all(|word| *word == word.to_ascii_lowercase()));
    }
}
