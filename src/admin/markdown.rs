//! Markdown as HTML that is safe to show, whoever wrote it: markup in it is text, pictures are links, and links lead to
//! the web or nowhere.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// What a link may begin with.
const SCHEMES: [&str; 3] = ["https://", "http://", "mailto:"];

/// The HTML of a text.
pub(super) fn html(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut written = String::with_capacity(text.len() * 5 / 4);
    html::push_html(&mut written, Parser::new_ext(text, options).map(safe));
    written
}

fn safe(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        // The page has headings of its own above these.
        Event::Start(Tag::Heading { level, .. }) => Event::Start(Tag::Heading {
            level: below(level),
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        }),
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        // The name of the language would be a class.
        Event::Start(Tag::CodeBlock(_)) => {
            Event::Start(Tag::CodeBlock(pulldown_cmark::CodeBlockKind::Indented))
        }
        Event::Start(
            Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }
            | Tag::Image {
                link_type,
                dest_url,
                title,
                id,
            },
        ) => Event::Start(Tag::Link {
            link_type: match link_type {
                pulldown_cmark::LinkType::Email => link_type,
                _ => pulldown_cmark::LinkType::Inline,
            },
            dest_url: match link_type {
                pulldown_cmark::LinkType::Email => dest_url,
                _ => allowed(dest_url),
            },
            title,
            id,
        }),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        // An alignment would be a style, which the policy forbids.
        Event::Start(Tag::Table(columns)) => Event::Start(Tag::Table(vec![
                pulldown_cmark::Alignment::None;
                columns.len()
            ])),
        other => other,
    }
}

fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H4,
        HeadingLevel::H2 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

fn allowed(address: CowStr<'_>) -> CowStr<'_> {
    let start = address.trim_start().to_ascii_lowercase();
    if SCHEMES.iter().any(|scheme| start.starts_with(scheme)) {
        address
    } else {
        CowStr::Borrowed("#")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_laid_out() {
        for (text, expected) in [
            ("**a** `b`", "<p><strong>a</strong> <code>b</code></p>\n"),
            ("# a", "<h4>a</h4>\n"),
            (
                "```rust\nx < 1\n```",
                "<pre><code>x &lt; 1\n</code></pre>\n",
            ),
            (
                "[a](https://example.com/?b=1&c)",
                "<p><a href=\"https://example.com/?b=1&amp;c\">a</a></p>\n",
            ),
            (
                "|a|b|\n|:-:|--:|\n|1|2|",
                "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>\n\
                 <tr><td>1</td><td>2</td></tr>\n</tbody></table>\n",
            ),
        ] {
            assert_eq!(html(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_of_a_text_is_markup_or_runs() {
        for (text, expected) in [
            (
                "<img src=x onerror=alert(1)>",
                "<p>&lt;img src=x onerror=alert(1)&gt;</p>\n",
            ),
            ("a <b>c</b>", "<p>a &lt;b&gt;c&lt;/b&gt;</p>\n"),
            ("[a](javascript:alert(1))", "<p><a href=\"#\">a</a></p>\n"),
            ("[a](data:text/html,x)", "<p><a href=\"#\">a</a></p>\n"),
            ("[a](//evil.example)", "<p><a href=\"#\">a</a></p>\n"),
            (
                "![a](https://evil.example/pixel.png)",
                "<p><a href=\"https://evil.example/pixel.png\">a</a></p>\n",
            ),
            (
                "<javascript:alert(1)>",
                "<p><a href=\"#\">javascript:alert(1)</a></p>\n",
            ),
        ] {
            assert_eq!(html(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn only_a_few_elements_are_ever_written(text in "([<>&\"'a-z=/!\\[\\]()#*`|:\\- \n]|<script>|javascript:|\\]\\(){0,60}") {
            let written = html(&text).to_ascii_lowercase();
            for piece in written.split('<').skip(1) {
                let name: String = piece.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
                let known = ["p", "a", "h4", "h5", "h6", "pre", "code", "strong", "em", "del", "ul", "ol", "li", "table",
                    "thead", "tbody", "tr", "th", "td", "blockquote", "hr", "br"];
                prop_assert!(known.contains(&&*name), "{}: {}", name, written);
                let tag = piece.split('>').next().unwrap_or_default();
                prop_assert!(!tag.contains(" on") && !tag.contains("style="), "{}", written);
                if let Some(address) = tag.split("href=\"").nth(1) {
                    prop_assert!(["#", "http", "mailto:"].iter().any(|start| address.starts_with(start)), "{}", written);
                }
            }
        }
    }
}
