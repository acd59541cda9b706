//! Addresses of pages with a query.

use url::form_urlencoded;

/// A page with this query, every name and value as an address has them.
pub(super) fn to(page: &str, query: &[(&str, &str)]) -> String {
    let mut written = form_urlencoded::Serializer::new(String::new());
    format!("{page}?{}", written.extend_pairs(query).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_query_stays_one_value() {
        let address = to("/ui/logs", &[("user", "a b&c=1#d"), ("tag", "ä")]);
        assert_eq!(address, "/ui/logs?user=a+b%26c%3D1%23d&tag=%C3%A4");
    }
}
