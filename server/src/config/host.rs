//! Names of hosts as `app.allowed_hosts` has them.

/// The longest name that DNS knows.
const LONGEST: usize = 253;

/// `kubestats.example.org`, or `*.example.org` for all below it; in lower case, without port and final dot.
pub(super) fn parse(text: &str) -> Result<String, String> {
    let wrong = || {
        format!(
            "{text:?} is no name of a host, such as kubestats.example.org or *.example.org; localhost and IP addresses \
             are always answered"
        )
    };
    let lower = text.trim().to_ascii_lowercase();
    let host = match lower.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        Some(_) => return Err(wrong()),
        None => &lower,
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_label = |label: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(is_inner)
    };
    if name.len() > LONGEST || !name.split('.').all(is_label) {
        return Err(wrong());
    }
    Ok(host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_are_read_with_any_case_port_and_final_dot() {
        for (text, name) in [
            ("Kubestats.Example.org", "kubestats.example.org"),
            ("box", "box"),
            ("box.lan:3000", "box.lan"),
            ("*.example.org.", "*.example.org"),
            ("my_box.lan", "my_box.lan"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(name));
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_what_is_allowed() {
        for text in
            ["", "*", "*.", "a.*.b", "*box.lan", "http://box.lan", "box.lan/x", "box..lan", "box lan", "a:b", "[::1]"]
        {
            let said = parse(text).unwrap_err();
            assert!(said.contains("*.example.org") && said.contains("localhost"), "{said}");
        }
    }
}
