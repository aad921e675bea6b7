/// Longest name of a branch that is kept, in bytes: no index holds longer ones. Forges take 250 characters at most.
const MAX_BYTES: usize = 1_024;

/// Whether a branch of this name is kept. All who list branches ask here: what one of them left out and another did not would look
/// like a branch that is gone.
#[must_use]
pub fn is_branch_name(name: &str) -> bool {
    // Git takes no control characters of ASCII, and no database keeps a zero byte.
    !name.is_empty() && name.len() <= MAX_BYTES && !name.contains(|c: char| c.is_ascii_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_git_takes_are_kept_up_to_a_length() {
        for name in ["main", "team/grün/日本語", "next\u{85}line", &"x".repeat(1_024)] {
            assert!(is_branch_name(name), "{name:?}");
        }
        for name in ["", "a\0", "a\nb", "a\u{7f}", &"x".repeat(1_025)] {
            assert!(!is_branch_name(name), "{name:?}");
        }
    }
}
