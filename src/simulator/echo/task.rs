//! The job that coding agents are tried with, read from plain English.

/// "Create a file named F … its content is the single line C … finish with a message that contains exactly D."
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Task {
    /// The file's name.
    pub(super) file: String,
    /// Its content, without the line's end.
    pub(super) content: String,
    /// What to say at the end.
    pub(super) done: Option<String>,
}

impl Task {
    /// Reads a job; `None` where the text tells none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let file_at = ["file named ", "file called ", "a file "];
        let (file, rest) = file_at.iter().find_map(|words| after(text, words))?;
        if !file.contains('.') {
            return None;
        }
        let content_at = [
            "single line ",
            "content is exactly ",
            "content must be exactly ",
            "content must be ",
            "content is ",
            "with the content ",
            "with content ",
            "containing ",
        ];
        let (content, rest) = content_at.iter().find_map(|words| after(rest, words))?;
        Some(Self {
            file,
            content,
            done: last_exactly(rest),
        })
    }
}

/// The words of "Reply with exactly …".
pub(super) fn exact_reply(text: &str) -> Option<String> {
    let starts = [
        "with exactly ",
        "exactly: ",
        "say exactly ",
        "reply exactly ",
    ];
    let tail = starts
        .iter()
        .find_map(|words| Some(text.split_once(words)?.1))?;
    let line = tail.lines().next().unwrap_or_default();
    let said = strip(line);
    (!said.is_empty()).then(|| said.to_owned())
}

fn last_exactly(text: &str) -> Option<String> {
    let tail = text.rsplit_once("exactly ");
    let tail = tail.or_else(|| text.rsplit_once("finish with "));
    let (word, _) = word(tail?.1)?;
    Some(word)
}

/// The word behind these words, and what follows it.
fn after<'a>(text: &'a str, words: &str) -> Option<(String, &'a str)> {
    word(text.split_once(words)?.1)
}

/// The first word, or all that stands between quotes.
fn word(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| "\"'`".contains(*c));
    let (word, rest) = match quote {
        Some(quote) => text.get(1..)?.split_once(quote)?,
        None => text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())),
    };
    let word = strip(word);
    (!word.is_empty()).then(|| (word.to_owned(), rest))
}

fn strip(word: &str) -> &str {
    let word = word.trim().trim_matches(|c| "\"'`".contains(c));
    let word = word.trim_end_matches(['.', ',', ';', ':', '!', '"']);
    // A task in angle brackets ends in its closing tag.
    word.split("</")
        .next()
        .unwrap_or(word)
        .trim_end_matches('.')
}

/// The directory that the prompt says the client works in.
pub(super) fn working_directory(text: &str) -> Option<String> {
    let labels = [
        ("<cwd>", "<"),
        ("working directory: ", "\n"),
        ("working directory (", ")"),
        ("workspace root folder: ", "\n"),
        ("\"cwd\": \"", "\""),
        ("cwd: ", "\n"),
    ];
    // ASCII alone, so that positions in the lower-case text are positions in the text.
    let lower = text.to_ascii_lowercase();
    labels.iter().find_map(|(label, end)| {
        let starts = lower.match_indices(label).map(|(at, _)| at + label.len());
        let tails = starts.filter_map(|at| text.get(at..));
        let mut paths = tails.filter_map(|tail| tail.split(end).next());
        let path = paths.find(|path| path.starts_with('/'))?;
        let path = path.split(char::is_whitespace).next()?;
        Some(path.trim_end_matches(['.', ',']).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_read_from_the_words_that_clients_are_tried_with() {
        let cases = [
            (
                "Create a file named notes.txt in the current directory. Its entire content must be the single line \
                 ABC-1. Use your file writing tool (do not just print it). When the file exists, finish with a final \
                 message that contains exactly DONE-1.",
                ("notes.txt", "ABC-1", Some("DONE-1")),
            ),
            (
                "<task>\nCreate a file named a.md whose entire content is the single line X. Use write_to_file. After \
                 it succeeded use attempt_completion with a result that contains exactly FIN.\n</task>",
                ("a.md", "X", Some("FIN")),
            ),
            (
                "Write a file called `b.txt` containing \"two words\", please.",
                ("b.txt", "two words", None),
            ),
        ];
        for (text, (file, content, done)) in cases {
            let task = Task::parse(text).unwrap();
            assert_eq!(task.file, file);
            assert_eq!(task.content, content);
            assert_eq!(task.done.as_deref(), done);
        }
        assert_eq!(Task::parse("what llm are you"), None);
        assert_eq!(Task::parse("read a file with the content of my life"), None);
    }

    #[test]
    fn exact_words_are_repeated() {
        let words = exact_reply("Reply with exactly ALL-IS-WELL").unwrap();
        assert_eq!(words, "ALL-IS-WELL");
        let words = exact_reply("Answer with exactly \"two words\".").unwrap();
        assert_eq!(words, "two words");
        assert_eq!(exact_reply("hello"), None);
    }

    #[test]
    fn the_working_directory_is_found_wherever_a_client_puts_it() {
        for text in [
            "4. Working Directory: /home/me/proj\n</env>",
            " - Primary working directory: /home/me/proj\n",
            "<environment_context>\n  <cwd>/home/me/proj</cwd>",
            "# Current Working Directory (/home/me/proj) Files",
            "The current working directory. For example\nWorking directory: /home/me/proj",
        ] {
            assert_eq!(
                working_directory(text).as_deref(),
                Some("/home/me/proj"),
                "{text}"
            );
        }
        assert_eq!(working_directory("no such thing"), None);
    }
}
