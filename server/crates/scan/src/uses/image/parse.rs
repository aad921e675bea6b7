//! References as Docker reads them.

use entity::credential::{is_email, shown_address};

use super::super::source::registry;
use super::super::text::is_template;

/// Longest reference that is read.
const MAX_REFERENCE: usize = 1_000;
/// Endings of what is no container image, however its field is called.
const OTHER_FILES: [&str; 18] = [
    "png", "jpg", "jpeg", "svg", "gif", "webp", "ico", "bmp", "qcow2", "img", "iso", "raw", "xz", "gz", "zip", "yaml",
    "yml", "json",
];

/// What stands in a place where an image is expected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FoundImage {
    Image(ImageName),
    /// Something is left to be filled in.
    Templated,
    /// In a place where it must be an image, and none.
    Invalid,
    /// Another tag or digest of an image that the chart names.
    WithoutRepository,
}

/// An image by its full name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageName {
    /// With the registry's host, `docker.io/library/` where none is written.
    pub repository: Box<str>,
    pub tag: Option<Box<str>>,
    pub digest: Option<Box<str>>,
}

/// What a text is; `None` where it is no image and need not be one. `sure`: it stands where only images stand.
#[must_use]
pub fn classify(reference: &str, sure: bool) -> Option<FoundImage> {
    let reference = reference.trim();
    if reference.is_empty() || reference.contains("://") {
        return None;
    }
    if is_template(reference) {
        return Some(FoundImage::Templated);
    }
    if !sure && !may_be_image(reference) {
        return None;
    }
    match parse(reference) {
        Some(image) => Some(FoundImage::Image(image)),
        None => sure.then_some(FoundImage::Invalid),
    }
}

/// A reference as it is written, to be shown beside what its variables stand for; nothing of one that is too long to be one, or
/// holds what must not be shown.
pub fn written(reference: &str) -> Option<Box<str>> {
    let reference = reference.trim();
    let may_be_shown = *shown_address(reference) == *reference && !reference.split(['/', ':']).any(is_email);
    (reference.len() <= MAX_REFERENCE && may_be_shown).then(|| reference.into())
}

fn may_be_image(text: &str) -> bool {
    let before_digest = text.split('@').next().unwrap_or_default();
    let ending = before_digest.rsplit_once('.').map(|(_, ending)| ending);
    !text.starts_with(['.', '/'])
        && text.contains(['/', ':', '@'])
        && !text.contains(char::is_whitespace)
        && !ending.is_some_and(|ending| OTHER_FILES.iter().any(|other| ending.eq_ignore_ascii_case(other)))
}

fn parse(reference: &str) -> Option<ImageName> {
    if reference.len() > MAX_REFERENCE {
        return None;
    }
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest).filter(|digest| is_digest(digest)).map(Some)?),
        None => (reference, None),
    };
    let name_start = rest.rfind('/').map_or(0, |at| at + 1);
    let (name_end, tag) = match rest[name_start..].find(':') {
        Some(at) => (name_start + at, Some(&rest[name_start + at + 1..])),
        None => (rest.len(), None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return None;
    }
    let name = &rest[..name_end];
    let (host, path) = match name.split_once('/') {
        Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => (first.to_ascii_lowercase(), path),
        _ => ("docker.io".to_owned(), name),
    };
    let host = registry(&host);
    if !is_host(host) || !path.split('/').all(is_path_part) {
        return None;
    }
    let library = if host == "docker.io" && !path.contains('/') { "library/" } else { "" };
    Some(ImageName {
        repository: format!("{host}/{library}{path}").into(),
        tag: tag.map(Into::into),
        digest: digest.map(Into::into),
    })
}

fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_in_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.' || byte == b'-';
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    !name.is_empty() && name.bytes().all(is_in_name) && port.is_none_or(is_port)
}

/// Words of small letters and digits, joined by `.`, `_`, `__` or any number of `-`.
fn is_path_part(part: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let mut at = 0;
    loop {
        let word = bytes[at..].iter().take_while(|byte| is_word(byte)).count();
        if word == 0 {
            return false;
        }
        at += word;
        let joint = bytes[at..].iter().take_while(|byte| !is_word(byte)).count();
        let joins = match &bytes[at..at + joint] {
            [] => return at == bytes.len(),
            [b'.' | b'_'] | [b'_', b'_'] => true,
            dashes => dashes.iter().all(|byte| *byte == b'-'),
        };
        if !joins {
            return false;
        }
        at += joint;
    }
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
}

/// `algorithm:hexadecimal`, of at least 32 digits.
pub fn is_digest(text: &str) -> bool {
    let Some((algorithm, digits)) = text.split_once(':') else { return false };
    let is_word =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    algorithm.split(['+', '.', '_', '-']).all(is_word)
        && digits.len() >= 32
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<String> {
        match classify(text, true) {
            Some(FoundImage::Image(image)) => Some(format!(
                "{} {} {}",
                image.repository,
                image.tag.as_deref().unwrap_or("-"),
                image.digest.map_or_else(|| "-".to_owned(), |digest| digest.len().to_string())
            )),
            _ => None,
        }
    }

    #[test]
    fn references_are_read_as_docker_reads_them() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for (text, right) in [
            ("web", "docker.io/library/web - -".to_owned()),
            ("me/web:1.2", "docker.io/me/web 1.2 -".to_owned()),
            ("Registry.Example:5000/a/b-c__d:V1", "registry.example:5000/a/b-c__d V1 -".to_owned()),
            ("localhost/web", "localhost/web - -".to_owned()),
            ("index.docker.io/web:1", "docker.io/library/web 1 -".to_owned()),
            (&format!("example.org/web:1@{digest}"), "example.org/web 1 71".to_owned()),
        ] {
            assert_eq!(name(text), Some(right), "{text}");
        }
        for text in ["Web", "a//b", "a/-b", "web:", "web:.1", "web@sha256:12", "a b", "a.b/", "x_.y/z", "e.g:x/web"] {
            assert_eq!(classify(text, true), Some(FoundImage::Invalid), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_kept_without_credentials_and_without_end() {
        for text in ["web:${TAG}", "${HOST}:5000/me/web:1.${PATCH}@sha256:0a"] {
            assert_eq!(written(&format!(" {text}\n")).as_deref(), Some(text));
        }
        let credentials = ["me:hunter2@example.org/web:${TAG}", "me:${PASSWORD}@example.org/web"];
        for text in credentials.into_iter().chain(["web/${NAME}:me@example.org"]) {
            assert_eq!(written(text), None, "{text}");
        }
        assert_eq!(written(&format!("{}${{TAG}}", "x".repeat(MAX_REFERENCE))), None);
    }

    #[test]
    fn texts_of_other_fields_are_images_only_where_they_look_like_one() {
        for text in ["web", "./web:1", "/web:1", "some words: here", "logo.example/a.png", "disk.qcow2:x/y.IMG"] {
            assert_eq!(classify(text, false), None, "{text}");
        }
        assert_eq!(classify("https://example.org/web:1", true), None);
        assert_eq!(classify("web:${TAG}", false), Some(FoundImage::Templated));
        assert!(matches!(classify("me/web", false), Some(FoundImage::Image(_))));
    }
}
