//! Links to what forges show, made of what is known about them.

use crate::kind::Provider;

/// Characters that stand in a path as they are; everything else is escaped.
fn push_escaped(link: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/' | b'@' | b'+' | b',' | b'=')
        {
            link.push(char::from(byte));
        } else {
            link.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// Link to a commit, to a file at a commit, or to lines of it. `base` is where a person reads the repository;
/// `#<document>` at the path's end is left out. `None` where the forge's layout is not known.
#[must_use]
pub fn web_url(
    provider: Provider,
    base: Option<&str>,
    commit: &str,
    path: Option<&str>,
    lines: Option<(i32, i32)>,
) -> Option<String> {
    let base = web_base(base)?;
    if !is_hash(commit) {
        return None;
    }
    let (commit_part, file_part) = match provider {
        Provider::Github => ("/commit/", "/blob/"),
        Provider::Gitlab => ("/-/commit/", "/-/blob/"),
        Provider::Forgejo => ("/commit/", "/src/commit/"),
        Provider::Git => return None,
    };
    let Some(path) = path else {
        return Some(format!("{base}{commit_part}{commit}"));
    };
    let mut link = format!("{base}{file_part}{commit}/");
    push_escaped(&mut link, file_of(path));
    if let Some((start, end)) = lines.filter(|(start, _)| *start > 0) {
        link.push_str(&match provider {
            _ if end <= start => format!("#L{start}"),
            Provider::Gitlab => format!("#L{start}-{end}"),
            _ => format!("#L{start}-L{end}"),
        });
    }
    Some(link)
}

/// Where a person reads the repository, without what only clones need.
fn web_base(base: Option<&str>) -> Option<&str> {
    let base = base?.trim_end_matches('/');
    let is_web = base.starts_with("https://") || base.starts_with("http://");
    is_web.then(|| base.strip_suffix(".git").unwrap_or(base))
}

/// An address that somebody told, where it is one of the web; a link to `javascript:` would run what it says.
#[must_use]
pub fn web_page(told: Option<String>) -> Option<String> {
    told.filter(|told| web_base(Some(told)).is_some())
}

fn is_hash(commit: &str) -> bool {
    !commit.is_empty() && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Link to what lies between two commits. `None` where the forge's layout is not known.
#[must_use]
pub fn compare_url(provider: Provider, base: Option<&str>, old: &str, new: &str) -> Option<String> {
    let base = web_base(base).filter(|_| is_hash(old) && is_hash(new))?;
    match provider {
        Provider::Github | Provider::Forgejo => Some(format!("{base}/compare/{old}...{new}")),
        Provider::Gitlab => Some(format!("{base}/-/compare/{old}...{new}")),
        Provider::Git => None,
    }
}

/// Link to a branch. `None` where the forge's layout is not known.
#[must_use]
pub fn branch_url(provider: Provider, base: Option<&str>, branch: &str) -> Option<String> {
    let between = match provider {
        Provider::Github => "/tree/",
        Provider::Gitlab => "/-/tree/",
        Provider::Forgejo => "/src/branch/",
        Provider::Git => return None,
    };
    let mut link = format!("{}{between}", web_base(base)?);
    push_escaped(&mut link, branch);
    Some(link)
}

/// Link to where the forge's webhooks of a repository are set up. `None` where the forge's layout is not known.
#[must_use]
pub fn webhooks_url(provider: Provider, base: Option<&str>) -> Option<String> {
    let base = web_base(base)?;
    match provider {
        Provider::Github => Some(format!("{base}/settings/hooks/new")),
        Provider::Gitlab => Some(format!("{base}/-/hooks")),
        Provider::Forgejo => Some(format!("{base}/settings/hooks")),
        Provider::Git => None,
    }
}

/// The file of a place: `path` of `path#1` (a later document) and of `path#0.3` (an item of a `List`). Places are
/// written by scans and read by queries, links and pages: this is the one reader of all of them.
#[must_use]
pub fn file_of(place: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match place.rsplit_once('#') {
        Some((file, index))
            if index
                .split_once('.')
                .map_or(is_number(index), |(document, item)| is_number(document) && is_number(item)) =>
        {
            file
        }
        _ => place,
    }
}

/// How many leading names the folders of two files share: the more, the nearer they stand.
#[must_use]
pub fn shared_folders(left: &str, right: &str) -> usize {
    let (left, right) = (left.split('/'), right.split('/'));
    // The names of the files themselves are no folders.
    let (most_left, most_right) = (left.clone().count() - 1, right.clone().count() - 1);
    left.take(most_left).zip(right.take(most_right)).take_while(|(left, right)| left == right).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_near_by_their_leading_names() {
        assert_eq!(shared_folders("a/b/x.yaml", "a/b/c/y.yaml"), 2);
        assert_eq!(shared_folders("a/b/x.yaml", "a/b"), 1);
        assert_eq!(shared_folders("a/x.yaml", "b/x.yaml"), 0);
        assert_eq!(shared_folders("x.yaml", "x.yaml"), 0);
    }

    #[test]
    fn each_forge_has_its_own_layout() {
        let lines = Some((3, 9));
        let link = |provider, base| web_url(provider, Some(base), "abc123", Some("apps/a b.yaml#2"), lines);
        assert_eq!(
            link(Provider::Github, "https://github.com/o/r.git").as_deref(),
            Some("https://github.com/o/r/blob/abc123/apps/a%20b.yaml#L3-L9")
        );
        assert_eq!(
            link(Provider::Gitlab, "https://gitlab.com/o/r/").as_deref(),
            Some("https://gitlab.com/o/r/-/blob/abc123/apps/a%20b.yaml#L3-9")
        );
        assert_eq!(
            link(Provider::Forgejo, "https://codeberg.org/o/r").as_deref(),
            Some("https://codeberg.org/o/r/src/commit/abc123/apps/a%20b.yaml#L3-L9")
        );
        assert_eq!(link(Provider::Git, "https://example.org/r"), None);
    }

    #[test]
    fn commit_without_path_links_to_the_commit() {
        let link = web_url(Provider::Github, Some("https://github.com/o/r"), "abc123", None, None);
        assert_eq!(link.as_deref(), Some("https://github.com/o/r/commit/abc123"));
    }

    #[test]
    fn branches_comparisons_and_webhooks_are_where_each_forge_has_them() {
        let base = Some("https://forge.example/o/r.git");
        let compare = |provider| compare_url(provider, base, "abc1", "def2");
        assert_eq!(compare(Provider::Github).as_deref(), Some("https://forge.example/o/r/compare/abc1...def2"));
        assert_eq!(compare(Provider::Gitlab).as_deref(), Some("https://forge.example/o/r/-/compare/abc1...def2"));
        assert_eq!(compare(Provider::Git), None);
        assert_eq!(compare_url(Provider::Github, base, "abc1", "x/../y"), None);
        let branch = |provider| branch_url(provider, base, "feature/ü #1");
        assert_eq!(branch(Provider::Github).as_deref(), Some("https://forge.example/o/r/tree/feature/%C3%BC%20%231"));
        let forgejo = branch(Provider::Forgejo).unwrap();
        assert!(forgejo.ends_with("/src/branch/feature/%C3%BC%20%231"), "{forgejo}");
        let hooks = |provider| webhooks_url(provider, base).unwrap_or_default();
        assert!(
            hooks(Provider::Github).ends_with("/settings/hooks/new") && hooks(Provider::Gitlab).ends_with("/-/hooks")
        );
        assert_eq!(webhooks_url(Provider::Github, Some("javascript:alert(1)")), None);
    }

    #[test]
    fn nothing_but_web_addresses_and_hashes_becomes_a_link() {
        assert_eq!(web_url(Provider::Github, Some("javascript:alert(1)"), "abc", None, None), None);
        assert_eq!(web_url(Provider::Github, Some("https://x"), "abc/../..", None, None), None);
        assert_eq!(web_url(Provider::Github, None, "abc", None, None), None);
    }

    #[test]
    fn only_addresses_of_the_web_are_led_to() {
        let page = |told: &str| web_page(Some(told.to_owned()));
        assert_eq!(page("https://forge.example/o/r").as_deref(), Some("https://forge.example/o/r"));
        for told in ["javascript:alert(1)//https://x", " javascript:alert(1)", "data:text/html,x", "//x", "/o/r", ""] {
            assert_eq!(page(told), None, "{told}");
        }
        assert_eq!(web_page(None), None);
    }

    #[test]
    fn places_of_documents_and_of_items_lead_to_their_file() {
        assert_eq!(file_of("a/b.yaml"), "a/b.yaml");
        assert_eq!(file_of("a/b.yaml#3"), "a/b.yaml");
        assert_eq!(file_of("a/b.yaml#0.12"), "a/b.yaml");
        assert_eq!(file_of("a#1/b.yaml#2.0"), "a#1/b.yaml");
        for file in ["a/b#c.yaml", "a/b.yaml#", "a/b.yaml#.1", "a/b.yaml#1.", "a/b.yaml#1.2.3"] {
            assert_eq!(file_of(file), file);
        }
    }
}
