//! Cookies that nobody but this gateway can have set.
//!
//! A function's address is below `on.aws`, where anybody's function may set cookies for all: `__Host-` in a name keeps a
//! browser from taking such a one. On this machine itself, without encryption, there is no such name.

use http::HeaderMap;
use http::header::COOKIE;

use super::super::public_address::is_plain;
use crate::app::AppState;

/// A cookie of the gateway.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct CookieKind {
    name: &'static str,
    /// `Strict`, or `Lax` for one that comes with a visitor from elsewhere.
    same_site: &'static str,
    seconds: u64,
}

/// The path of a cookie that is not the whole host's.
const PATH: &str = "/ui";

impl CookieKind {
    pub(in super::super) const fn new(
        name: &'static str,
        same_site: &'static str,
        seconds: u64,
    ) -> Self {
        Self {
            name,
            same_site,
            seconds,
        }
    }

    fn name(self, is_plain: bool) -> String {
        let prefix = if is_plain { "" } else { "__Host-" };
        format!("{prefix}{}", self.name)
    }

    /// The line that sets it, or takes it away.
    pub(in super::super) fn line(
        self,
        value: Option<String>,
        app: &AppState,
        headers: &HeaderMap,
    ) -> String {
        self.written(value, is_plain(app, headers))
    }

    pub(super) fn written(self, value: Option<String>, is_plain: bool) -> String {
        let seconds = value.as_ref().map_or(0, |_| self.seconds);
        let (value, same_site) = (value.unwrap_or_default(), self.same_site);
        let (secure, path) = if is_plain {
            ("", PATH)
        } else {
            ("; Secure", "/")
        };
        let name = self.name(is_plain);
        format!(
            "{name}={value}; HttpOnly; SameSite={same_site}{secure}; Path={path}; Max-Age={seconds}"
        )
    }

    /// Its value. Of two of one name one is not ours: none counts then.
    pub(in super::super) fn presented(self, app: &AppState, headers: &HeaderMap) -> Option<String> {
        self.found(headers, is_plain(app, headers))
    }

    /// A browser sends `name=value; name=value`, in one line or several.
    pub(super) fn found(self, headers: &HeaderMap, is_plain: bool) -> Option<String> {
        let wanted = self.name(is_plain);
        let lines = headers.get_all(COOKIE).iter();
        let mut found = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .filter(|(name, _)| *name == wanted);
        let (_, value) = found.next()?;
        found.next().is_none().then(|| value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: CookieKind = CookieKind::new("session", "Strict", 60);

    #[test]
    fn a_cookie_is_the_host_s_own_but_on_this_machine() {
        assert_eq!(
            SESSION.written(Some("id".to_owned()), false),
            "__Host-session=id; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=60"
        );
        assert_eq!(
            SESSION.written(None, true),
            "session=; HttpOnly; SameSite=Strict; Path=/ui; Max-Age=0"
        );
    }

    #[test]
    fn a_cookie_that_somebody_else_has_set_is_none() {
        type Case<'c> = (&'c [&'c str], bool, Option<&'c str>);
        let cases: [Case; 7] = [
            (&["__Host-session=a"], false, Some("a")),
            (&["x=1; __Host-session=a; y=2"], false, Some("a")),
            (&["session=a"], false, None),
            (&["session=a"], true, Some("a")),
            (&["__Host-session=a"], true, None),
            (&["__Host-session=a; __Host-session=b"], false, None),
            (&["__Host-session=a", "__Host-session=a"], false, None),
        ];
        for (lines, is_plain, expected) in cases {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(COOKIE, line.parse().unwrap());
            }
            assert_eq!(
                SESSION.found(&headers, is_plain).as_deref(),
                expected,
                "{lines:?}"
            );
        }
    }
}
