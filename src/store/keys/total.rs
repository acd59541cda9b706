//! The rows of a day's totals: by what requests are counted, and how a row's sort key says it.

/// What the cut end of a name is replaced by.
const CUT: &str = "...";
/// Bytes of a name in a row's key: a sort key has room for 1,024, of which a model's id may take 300.
const LONGEST_NAME: usize = 150;

/// Who asked, as it was at the time of the request. Empty: nobody is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct CountedBy {
    /// The program that asked, one of a closed list.
    pub client: String,
    /// The team of the key.
    pub team: String,
    /// The owner of the key.
    pub user: String,
    /// The end user that the request named.
    pub customer: String,
}

/// Whose totals a row holds: the reading of [`model_total`] and [`tag_total`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TotalOf {
    /// One model as used by one key.
    Model {
        /// The Bedrock model id; empty for requests that matched no configured model.
        model: String,
        /// The SHA-256 of the key, in hex.
        key_hash: String,
        /// By what else the requests are told apart; `None`: the row is older than that, and has all of them.
        by: Option<CountedBy>,
    },
    /// Every request that carried this tag.
    Tag(String),
}

/// The totals row of one model as used by one key, for the requests that have all of this in common. It is one row, so
/// that a request moves one counter however many questions can be asked of it. Versions that know models and keys alone
/// read the key right, and the model with what stands behind it.
pub fn model_total(model: &str, key_hash: &str, by: &CountedBy) -> String {
    let [client, team, user, customer] =
        [&by.client, &by.team, &by.user, &by.customer].map(|name| escaped(name));
    format!("model#{model}#{MARK}#{client}#{team}#{user}#{customer}#{key_hash}")
}

/// What tells a row that knows who asked from one that does not.
const MARK: &str = "by";

/// The totals row of one tag.
pub fn tag_total(tag: &str) -> String {
    format!("tag#{tag}")
}

impl TotalOf {
    /// Reads a totals row's sort key; `None` for any other.
    pub fn parse(sk: &str) -> Option<TotalOf> {
        if let Some(tag) = sk.strip_prefix("tag#") {
            return Some(TotalOf::Tag(tag.to_owned()));
        }
        // From the right: a model's name may hold a '#', a hash and the names behind the model cannot.
        let (model, key_hash) = sk.strip_prefix("model#")?.rsplit_once('#')?;
        let (model, by) = match counted_by(model) {
            Some((model, by)) => (model, Some(by)),
            None => (model, None),
        };
        Some(TotalOf::Model {
            model: model.to_owned(),
            key_hash: key_hash.to_owned(),
            by,
        })
    }
}

/// The model, and who asked for it, where the row's key says so.
fn counted_by(text: &str) -> Option<(&str, CountedBy)> {
    let mut parts = text.rsplitn(6, '#');
    let mut name = || parts.next().map(unescaped);
    let (customer, user, team, client) = (name()?, name()?, name()?, name()?);
    if parts.next()? != MARK {
        return None;
    }
    let by = CountedBy {
        client,
        team,
        user,
        customer,
    };
    Some((parts.next()?, by))
}

/// A name without the sign that separates names, and so short that every row's key fits.
fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut buffer = [0; 4];
    // The end of the beginning that is left where the name is too long.
    let mut beginning = 0;
    for c in name.chars() {
        if text.len() + CUT.len() <= LONGEST_NAME {
            beginning = text.len();
        }
        text.push_str(match c {
            '%' => "%25",
            '#' => "%23",
            c => c.encode_utf8(&mut buffer),
        });
    }
    if text.len() > LONGEST_NAME {
        text.truncate(beginning);
        text.push_str(CUT);
    }
    text
}

fn unescaped(name: &str) -> String {
    if name.contains('%') {
        name.replace("%23", "#").replace("%25", "%")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by(names: [&str; 4]) -> CountedBy {
        let [client, team, user, customer] = names.map(str::to_owned);
        CountedBy {
            client,
            team,
            user,
            customer,
        }
    }

    #[test]
    fn a_row_of_an_earlier_version_knows_its_model_and_its_key() {
        let hash = "ab".repeat(32);
        for model in ["us.anthropic.claude-sonnet-4-6", "a#b", ""] {
            let expected = TotalOf::Model {
                model: model.to_owned(),
                key_hash: hash.clone(),
                by: None,
            };
            assert_eq!(
                TotalOf::parse(&format!("model#{model}#{hash}")),
                Some(expected)
            );
        }
        for tag in ["team", "a#b", "model#x#y"] {
            let read = TotalOf::parse(&tag_total(tag));
            assert_eq!(read, Some(TotalOf::Tag(tag.to_owned())));
        }
        assert_eq!(TotalOf::parse("key"), None);
    }

    #[test]
    fn an_earlier_version_reads_the_key_of_a_row_of_today() {
        let row = model_total("m", "hash", &by(["codex", "t#1", "", "x"]));
        assert_eq!(row.rsplit_once('#').unwrap().1, "hash");
    }

    #[test]
    fn every_row_fits_into_a_sort_key_and_a_cut_name_says_so() {
        let hash = "ab".repeat(32);
        for name in ["x", "#", "%", "é", "𝄞"] {
            let name = name.repeat(400);
            let row = model_total(&"m".repeat(300), &hash, &by(["other", &name, &name, &name]));
            assert!(row.len() <= 1_024, "{}", row.len());
            let Some(TotalOf::Model { by: Some(by), .. }) = TotalOf::parse(&row) else {
                panic!("{row}");
            };
            assert!(by.team.ends_with("..."), "{by:?}");
            assert_eq!((&by.team, &by.user), (&by.user, &by.customer));
        }
    }

    proptest! {
        #[test]
        fn a_row_is_read_back_as_it_was_named(
            model in "[a-z#%.:-]{0,20}", client in "[a-z-]{0,9}", team in "[a-z#%é0-9 ]{0,20}",
            user in "[a-z#%@0-9]{0,20}", customer in ".{0,20}",
        ) {
            let by = by([&client, &team, &user, &customer]);
            let read = TotalOf::parse(&model_total(&model, "ab", &by));
            let expected = TotalOf::Model { model, key_hash: "ab".to_owned(), by: Some(by) };
            prop_assert_eq!(read, Some(expected));
        }
    }
}
