//! Texts of others, cut to what a sentence or a row can hold.

/// At most so many characters of a text, with a mark where some are missing.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// `a`, `a or b`, `a, b or c`; of long lists the first, and how many more.
pub(crate) fn listed<T: AsRef<str>>(words: &[T], joint: &str) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = words.iter().take(SHOWN).map(|word| cut(word.as_ref(), 60)).collect();
    if words.len() > SHOWN {
        return format!("{} {joint} {} more", shown.join(", "), words.len() - SHOWN);
    }
    match shown.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {joint} {last}", first.join(", ")),
    }
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_and_lists_are_cut_between_characters() {
        assert_eq!(cut("größe", 10), "größe");
        assert_eq!(cut("größe", 3), "grö…");
        assert_eq!(listed(&["a"], "or"), "a");
        assert_eq!(listed(&["a", "b", "c"], "or"), "a, b or c");
        assert_eq!(listed(&["a", "b", "c", "d", "e", "f"], "or"), "a, b, c, d or 2 more");
        assert_eq!(listed::<&str>(&[], "or"), "");
    }
}
