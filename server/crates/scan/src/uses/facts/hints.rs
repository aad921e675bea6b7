//! Comments for Renovate: where a version or a chart comes from, where the document does not say it.

use std::sync::LazyLock;

use memchr::memmem;
use regex::bytes::Regex;

/// Hints kept of one file.
const MAX_HINTS: usize = 1_000;

static RENOVATE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?m-u)^[ \t]*#[ \t]*renovate:([^\n]*)").ok());
static SOURCE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?-u)[ \t]datasource=\S").ok());
static PACKAGE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)[ \t](?:depName|packageName|lookupName)=\S").ok());
static REGISTRY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let comment = r"^[ \t]*\x23[ \t]*renovate:[ \t]+registryUrl=(\S+)(?:[ \t]+chart=(\S+))?[ \t]*\r?\n";
    Regex::new(&format!(r#"(?m-u){comment}[ \t]*chart:[ \t]*["']?([^\s"'\x23]+)"#)).ok()
});

/// Comments that name a source and a package.
pub(super) fn count_renovate(text: &[u8]) -> u32 {
    if memmem::find(text, b"renovate:").is_none() {
        return 0;
    }
    let Some(((renovate, source), package)) = RENOVATE.as_ref().zip(SOURCE.as_ref()).zip(PACKAGE.as_ref()) else {
        return 0;
    };
    let names = |line: &[u8]| source.is_match(line) && package.is_match(line);
    let lines = renovate.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_bytes()));
    lines.filter(|line| names(line)).map(|_| 1).sum()
}

/// Chart and address of comments that name a registry on the line before `chart:`.
pub(super) fn registries(text: &[u8]) -> Vec<(Box<str>, Box<str>)> {
    if memmem::find(text, b"registryUrl=").is_none() {
        return Vec::new();
    }
    let found = REGISTRY.as_ref().into_iter().flat_map(|registry| registry.captures_iter(text));
    let hint = |found: regex::bytes::Captures<'_>| {
        let text = |at| found.get(at).and_then(|found| std::str::from_utf8(found.as_bytes()).ok());
        let (url, named, chart) = (text(1)?, text(2), text(3)?);
        named.is_none_or(|named| named == chart).then(|| (chart.into(), url.into()))
    };
    found.filter_map(hint).take(MAX_HINTS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_count_where_they_name_source_and_package() {
        let text = b"# renovate: datasource=docker depName=a/b\nx: 1\n  # renovate: depName=b datasource=docker\n\
            # renovate: datasource=docker\n# renovate: datasource= depName=x\nx: 1 # renovate: datasource=a depName=b\n";
        assert_eq!(count_renovate(text), 2);
    }

    #[test]
    fn a_registry_belongs_to_the_chart_on_the_next_line() {
        let text = b"    # renovate: registryUrl=https://a.example\n    chart: web\n\
            # renovate: registryUrl=https://b.example chart=other\nchart: 'web'\n\
            # renovate: registryUrl=https://c.example chart=db\r\nchart: \"db\"\n";
        let right = [("web".into(), "https://a.example".into()), ("db".into(), "https://c.example".into())];
        assert_eq!(registries(text), right);
    }
}
