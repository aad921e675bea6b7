//! Flux' variables as values and images write them: `${DOMAIN}`, `${DOMAIN:=example.org}`.

/// Names of the variables in a text, in its order. `$${name}` is no variable.
pub fn variables_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("${").filter_map(|(at, _)| {
        if text[..at].ends_with('$') {
            return None;
        }
        let rest = &text[at + 2..];
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let (name, rest) = rest.split_at(length);
        let is_name = !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit());
        (is_name && rest.starts_with(['}', ':', '=', '-'])).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::variables_in;

    #[test]
    fn names_are_found_wherever_they_stand() {
        let names = |text| variables_in(text).collect::<Vec<_>>();
        assert_eq!(names("grafana.${DOMAIN}:${PORT:=80}/${_path-x}"), ["DOMAIN", "PORT", "_path"]);
        assert_eq!(names("${A:=${B}}"), ["A", "B"]);
        assert!(names("$${DOMAIN} $DOMAIN ${} ${1A} ${A B} ${A").is_empty());
    }
}
