//! Texts from outside, as every engine takes them.

/// Text without the one character that PostgreSQL refuses.
pub(crate) fn clean(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

/// The same of what may be missing.
pub(crate) fn clean_option(text: Option<&str>) -> Option<String> {
    text.map(clean)
}
