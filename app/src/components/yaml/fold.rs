//! Which lines of a manifest can be folded, told by indent alone, so that wrong YAML folds as well.

/// For each line the last one that is under it, if there is one: deeper lines, and the items of a key's list.
/// Blank lines belong to what is before them, but do not end a fold.
pub(super) fn folds(lines: &[&str]) -> Vec<Option<usize>> {
    let mut ends = vec![None; lines.len()];
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut last = 0;
    for (at, line) in lines.iter().enumerate() {
        let body = line.trim_start_matches(' ');
        if body.trim_end().is_empty() {
            continue;
        }
        // An item stands between the key of its list, which may have the same indent, and its own keys.
        let depth = 2 * (line.len() - body.len()) + usize::from(body == "-" || body.starts_with("- "));
        close(&mut open, depth, last, &mut ends);
        open.push((at, depth));
        last = at;
    }
    close(&mut open, 0, last, &mut ends);
    ends
}

/// Ends what is open at this depth or deeper.
fn close(open: &mut Vec<(usize, usize)>, depth: usize, last: usize, ends: &mut [Option<usize>]) {
    while let Some(&(start, of)) = open.last()
        && of >= depth
    {
        open.pop();
        ends[start] = (last > start).then_some(last);
    }
}

#[cfg(test)]
mod tests {
    use super::folds;

    fn spans(text: &str) -> Vec<(usize, usize)> {
        let lines: Vec<&str> = text.lines().collect();
        folds(&lines).into_iter().enumerate().filter_map(|(at, end)| end.map(|end| (at + 1, end + 1))).collect()
    }

    #[test]
    fn what_is_deeper_is_under_the_key() {
        assert_eq!(spans("a:\n  b:\n    c: 1\n\n  d: 2\n\ne: 3\n"), [(1, 5), (2, 3)]);
    }

    #[test]
    fn items_are_under_their_key_also_without_indent() {
        assert_eq!(spans("args:\n- --one\n- --two\nnext: 1\n"), [(1, 3)]);
        assert_eq!(spans("env:\n- name: A\n  value: x\n- name: B\n  value: y\n"), [(1, 5), (2, 3), (4, 5)]);
    }

    #[test]
    fn documents_are_apart() {
        assert_eq!(spans("---\na:\n  b: 1\n---\nc: 1\n"), [(2, 3)]);
    }

    #[test]
    fn nothing_folds_nothing() {
        assert!(spans("").is_empty() && spans("\n\n").is_empty() && spans("a: 1\nb: 2\n").is_empty());
    }
}
