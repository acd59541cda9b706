//! The text around the entries: what is said to the reader of the file.

/// The first words of a hidden value that is not a field but a credential in LiteLLM's database.
pub(super) const CREDENTIAL: &str = "what LiteLLM keeps as the credential";

/// Of an item of `model_list`.
pub(super) const INDENT: &str = "  ";

/// The beginning of the file.
pub(super) fn header(served: usize, listed: usize) -> String {
    format!(
        "# Made by `bedrock-sidecar models from-litellm` of what LiteLLM's GET /model/info answered: {served} of {listed} \
         entries.\n\
         # LiteLLM tells no credentials. An entry that had an api_key, or an aws_access_key_id with its\n\
         # aws_secret_access_key, needs them again, as os.environ/NAME; without them the credentials of the process are\n\
         # used. Prices and limits of LiteLLM's own list are left out: this gateway has its own.\n\
         # Next: put back what is missing, and read what `bedrock-sidecar check config.yml` says.\n"
    )
}

/// A line as a comment.
pub(super) fn comment(indent: &str, line: &str) -> String {
    format!("{indent}# {}\n", printable(line))
}

/// What must be put back into the entry that follows.
pub(super) fn hidden(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let mut text = comment(
        INDENT,
        "Put back under litellm_params, LiteLLM does not tell it:",
    );
    for name in names {
        let line = match name.starts_with(CREDENTIAL) {
            true => name.clone(),
            false => format!("{name}: os.environ/{}", variable(name)),
        };
        text.push_str(&comment(INDENT, &line));
    }
    text
}

fn variable(name: &str) -> String {
    let upper = name.chars().map(|char| match char {
        'a'..='z' | 'A'..='Z' | '0'..='9' => char.to_ascii_uppercase(),
        _ => '_',
    });
    upper.collect()
}

/// A text without what would end a line of YAML, or what a terminal would obey.
pub(super) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for char in text.chars() {
        if is_odd(char) {
            printable.extend(char.escape_unicode());
        } else {
            printable.push(char);
        }
    }
    printable
}

/// Whether YAML allows this character only by its number, or takes it for the end of a line.
pub(super) fn is_odd(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}
