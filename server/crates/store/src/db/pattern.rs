//! Patterns for `LIKE`.

/// `%text%` in lower case with LIKE's own signs escaped by `\`; for columns that are stored in lower case.
pub(crate) fn contains(text: &str) -> String {
    holds(&text.to_lowercase())
}

/// The same for text as it is.
pub(crate) fn holds(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
