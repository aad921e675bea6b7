//! Patterns that name repositories.

/// Whether a pattern with `*` and `?` names a repository: by its name, or by host and name. Any case.
#[must_use]
pub fn matches(pattern: &str, host: &str, full_name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name = full_name.to_lowercase();
    glob(&pattern, &name.chars().collect::<Vec<_>>())
        || glob(&pattern, &format!("{}/{name}", host.to_lowercase()).chars().collect::<Vec<_>>())
}

/// Goes back to the last `*` only, so that no pattern takes longer than its length times the text's.
fn glob(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, seen)) => {
                    p = at + 1;
                    t = seen + 1;
                    star = Some((at, t));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_names_with_and_without_the_host() {
        for (pattern, name, expected) in [
            ("ada/*", "ada/home-ops", true),
            ("ada/home-?ps", "ada/home-ops", true),
            ("*/home-ops", "ada/home-ops", true),
            ("github.com/ada/*", "ada/home-ops", true),
            ("gitlab.com/ada/*", "ada/home-ops", false),
            ("ADA/HOME-OPS", "ada/home-ops", true),
            ("ada", "ada/home-ops", false),
            ("*", "ada/home-ops", true),
            ("a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(matches(pattern, "github.com", name), expected, "{pattern} {name}");
        }
    }
}
