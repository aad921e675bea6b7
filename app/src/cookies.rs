//! Cookies of ours, written and read in one place. That they are for https alone where people come by https is added to all of
//! them as answers leave.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::time::Duration;
use cookie::{Cookie, SameSite};

/// How a cookie is kept.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// Where it is sent: below this path.
    pub path: &'static str,
    pub seconds: u32,
    /// Whether requests come without it that another site leads to.
    pub strict: bool,
    /// Whether scripts may read it.
    pub open: bool,
}

impl Keeping {
    /// For all of the site, away from scripts, also when another site leads back.
    #[must_use]
    pub const fn so_long(seconds: u32) -> Self {
        Self { path: "/", seconds, strict: false, open: false }
    }
}

/// A cookie for an answer's head; nothing where its value can't stand in one.
#[must_use]
pub fn set(name: &str, value: &str, keeping: Keeping) -> Option<HeaderValue> {
    let Keeping { path, seconds, strict, open } = keeping;
    let cookie = Cookie::build((name, value))
        .path(path)
        .max_age(Duration::seconds(seconds.into()))
        .http_only(!open)
        .same_site(if strict { SameSite::Strict } else { SameSite::Lax });
    HeaderValue::from_str(&cookie.build().to_string()).ok()
}

/// A cookie that a request came with.
#[must_use]
pub fn find(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = texts.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_says_how_it_is_kept() {
        let text = |cookie: Option<HeaderValue>| cookie.unwrap().to_str().unwrap().to_owned();
        assert_eq!(text(set("a", "b", Keeping::so_long(60))), "a=b; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
        let strict = Keeping { path: "/sign-in", strict: true, open: true, ..Keeping::so_long(0) };
        assert_eq!(text(set("a", "", strict)), "a=; SameSite=Strict; Path=/sign-in; Max-Age=0");
        assert_eq!(set("a", "b\nc", Keeping::so_long(60)), None);
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("ab=1; a=2=3; broken"));
        headers.append(header::COOKIE, HeaderValue::from_static("c=4"));
        let found = |name| find(&headers, name);
        assert_eq!((found("a").as_deref(), found("c").as_deref(), found("broken")), (Some("2=3"), Some("4"), None));
    }
}
