//! Patterns for `LIKE`.

/// `%text%` in lower case with LIKE's own signs escaped by `\`; for columns that are stored in lower case.
pub(crate) fn contains(text: &str) -> String {
    holds(&text.to_lowercase())
}

/// `%/text` in the same way: what ends with the text as its last part.
pub(crate) fn named(text: &str) -> String {
    format!("%/{}", escaped(&text.to_lowercase()))
}

/// `%text%` for text as it is.
pub(crate) fn holds(text: &str) -> String {
    format!("%{}%", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
