use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// An address on this site whose state is in its query: links for sorting, paging and filters are made
/// from the address at hand, so that no part of the state gets lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageUrl {
    path: String,
    query: Vec<(String, String)>,
    part: &'static str,
}

impl PageUrl {
    /// An address without a query.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), query: Vec::new(), part: "" }
    }

    /// The address at hand, by what stands after its `?`; of a key that stands twice the last value, empty ones are left out,
    /// and so is what came of the last action (`outcome`, or `__err` where a form failed): links lead on from it.
    #[must_use]
    pub fn current(path: impl Into<String>, query: &str) -> Self {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (key, value) in query_pairs(query) {
            match pairs.iter_mut().find(|(known, _)| *known == key) {
                Some((_, known)) => *known = value,
                None => pairs.push((key, value)),
            }
        }
        pairs.retain(|(key, value)| !value.is_empty() && key != "outcome" && !key.starts_with("__"));
        Self { path: path.into(), query: pairs, part: "" }
    }

    /// The same address with one value set; an empty value removes it. Back to the first page, because the
    /// rows are others now.
    #[must_use]
    pub fn with(&self, key: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        let mut url = self.without(key);
        if !value.is_empty() {
            url.query.push((key.to_owned(), value));
        }
        url
    }

    /// The same address with one value more, beside others of the same key.
    #[must_use]
    pub fn and(mut self, key: &str, value: impl Into<String>) -> Self {
        self.query.push((key.to_owned(), value.into()));
        self
    }

    /// The same address with one value set, on the same page: the rows stay the same.
    #[must_use]
    pub fn with_same_rows(&self, key: &str, value: impl Into<String>) -> Self {
        let url = self.with(key, value);
        match self.get("page").and_then(|page| page.parse().ok()) {
            Some(page) => url.at_page(page),
            None => url,
        }
    }

    /// The same address without a value, on the first page.
    #[must_use]
    pub fn without(&self, key: &str) -> Self {
        let query = self.query.iter().filter(|(k, _)| k != key && k != "page").cloned().collect();
        Self { path: self.path.clone(), query, part: self.part }
    }

    /// The same list on another page, from 1.
    #[must_use]
    pub fn at_page(&self, page: u64) -> Self {
        let mut url = self.without("page");
        if page > 1 {
            url.query.push(("page".to_owned(), page.to_string()));
        }
        url
    }

    /// The same address, led to a part of the page by its id, so that paging a list far down does not lead up.
    #[must_use]
    pub fn at_part(mut self, id: &'static str) -> Self {
        self.part = id;
        self
    }

    /// What a key stands at.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Every key with its value.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.query
    }

    /// The address as text for `href`.
    #[must_use]
    pub fn href(&self) -> String {
        let mut text = self.path.clone();
        for (place, (key, value)) in self.query.iter().enumerate() {
            text.push(if place == 0 { '?' } else { '&' });
            encode(key, &mut text);
            text.push('=');
            encode(value, &mut text);
        }
        if !self.part.is_empty() {
            text.push('#');
            text.push_str(self.part);
        }
        text
    }
}

/// Everything but unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Keys and values of what stands after the `?` of an address, in their order, as forms write them. The router's own map decodes
/// values twice, so that a `%2F` in one would be another text.
pub fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    query.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key), decoded(value))
    })
}

fn encode(text: &str, into: &mut String) {
    into.extend(utf8_percent_encode(text, RESERVED));
}

/// Where a repository's page is.
#[must_use]
pub fn repository_href(id: uuid::Uuid) -> String {
    format!("/repositories/{id}")
}

/// Where it is set how a repository's branches are watched.
#[must_use]
pub fn watch_href(id: uuid::Uuid) -> String {
    format!("/repositories/{id}/watch")
}

/// Where a branch's page is.
#[must_use]
pub fn branch_href(id: uuid::Uuid) -> String {
    format!("/branches/{id}")
}

/// Where a resource's page is.
#[must_use]
pub fn resource_href(id: uuid::Uuid) -> String {
    format!("/resources/{id}")
}

/// Where a commit's page is.
#[must_use]
pub fn commit_href(repository: uuid::Uuid, sha: &str) -> String {
    format!("/commits/{repository}/{sha}")
}

/// Where a chart's page is. A folder of a Git repository is written `//` in keys, and `/-/` in addresses, where two slashes
/// are taken for one; so is `%2f`, as addresses of GitLab's packages have it, `~2f`: a click on a link would decode it.
#[must_use]
pub fn chart_href(key: &str) -> String {
    format!("/charts/{}", in_path(&without_percents(&key.replacen("//", "/-/", 1))))
}

/// What others changed when they went from one version of a chart to another.
#[must_use]
pub fn upgrade_href(key: &str, from: &str, to: &str) -> String {
    PageUrl::new(chart_href(key)).with("tab", "upgrades").with("from", from).with("to", to).href()
}

/// The keys that an address may name, the likeliest first: keys may have a folder called `-` themselves.
#[must_use]
pub fn chart_keys(path: &str) -> Vec<String> {
    let path = path.trim_end_matches('/');
    // The chart at a repository's root.
    let folder = match path.strip_suffix("/-") {
        Some(root) => format!("{root}//"),
        None => path.replacen("/-/", "//", 1),
    };
    let mut keys = if folder == path { vec![folder] } else { vec![folder, path.to_owned()] };
    // Some keys have a `~` themselves, as homes of users do.
    let escaped: Vec<String> = keys.iter().map(|key| with_percents(key)).filter(|key| !keys.contains(key)).collect();
    keys.extend(escaped);
    keys
}

/// `~` stands for `%`, and `~7e` for a `~` that would else be taken for it.
fn without_percents(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    for (at, c) in key.char_indices() {
        match c {
            '%' => text.push('~'),
            '~' if is_escape(&key[at + 1..]) => text.push_str("~7e"),
            _ => text.push(c),
        }
    }
    text
}

/// The same, back.
fn with_percents(path: &str) -> String {
    let mut parts = path.split('~');
    let mut key = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.strip_prefix("7e") {
            Some(rest) => key.extend(["~", rest]),
            None => key.extend([if is_escape(part) { "%" } else { "~" }, part]),
        }
    }
    key
}

/// Whether two hexadecimal digits come next.
fn is_escape(rest: &str) -> bool {
    rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit)
}

/// Where values of a chart are compared.
#[must_use]
pub fn compare_href(key: &str) -> String {
    format!("/compare{}", chart_href(key))
}

/// Where an image's page is.
#[must_use]
pub fn image_href(name: &str) -> String {
    format!("/images/{}", in_path(name))
}

/// A text as it may stand in a path, slashes and all.
fn in_path(text: &str) -> String {
    const KEPT: &AsciiSet = &RESERVED.remove(b'/').remove(b':').remove(b'@');
    utf8_percent_encode(text, KEPT).collect()
}

/// The short form of a commit hash.
#[must_use]
pub fn short_sha(sha: &str) -> String {
    sha.chars().take(entity::value::SHORT_HASH).collect()
}

#[cfg(test)]
mod tests {
    use super::{PageUrl, chart_href, chart_keys};

    #[test]
    fn the_address_of_a_chart_leads_to_its_key() {
        for key in [
            "ghcr.io/ada/charts/web",
            "github.com/ada/home//charts/web",
            "github.com/ada/home//",
            "gitlab.example/api/v4/projects/group%2fapp/packages/helm/stable/web",
            "example.org/~bob/charts/web",
            "example.org/~bedford/web",
            "example.org/~bedford/a%2fb/web",
        ] {
            let href = chart_href(key);
            let path = href.strip_prefix("/charts/").unwrap();
            assert!(!path.contains('%') && !path.contains("//"), "{path}");
            let keys = chart_keys(path);
            assert!(keys.iter().any(|found| found == key), "{key}: {keys:?}");
        }
    }

    #[test]
    fn changing_a_filter_goes_back_to_the_first_page_and_keeps_the_rest() {
        let url = PageUrl::new("/resources").with("kind", "HelmRelease").at_page(3);
        assert_eq!(url.href(), "/resources?kind=HelmRelease&page=3");
        assert_eq!(url.with("text", "a b&c").href(), "/resources?kind=HelmRelease&text=a%20b%26c");
        assert_eq!(url.with("kind", "").href(), "/resources");
        assert_eq!(url.with_same_rows("view", "split").href(), "/resources?kind=HelmRelease&view=split&page=3");
    }

    #[test]
    fn the_address_at_hand_is_read_as_it_was_written() {
        let read = |query: &str| PageUrl::current("/charts", query).href();
        for same in ["/charts?text=a%2525b", "/charts?source=https%3A%2F%2Fh.example%2Fgroup%252Fapp&page=2", "/charts"]
        {
            let query = same.strip_prefix("/charts").unwrap();
            assert_eq!((read(query), read(query.trim_start_matches('?'))), (same.to_owned(), same.to_owned()));
        }
        assert_eq!(read("?text=a+b&text=c%20d&kind=&outcome=x&__err=y&z"), "/charts?text=c%20d");
        assert_eq!(read("?text=%E4%"), "/charts?text=%EF%BF%BD%25");
    }
}
