//! What browsers say of themselves, in words.

/// Browser and system, as far as a browser says so; else the first word of what it says.
pub(in crate::pages) fn device(agent: &str) -> String {
    // The first that is found: most name others too, that they want to be taken for.
    const BROWSERS: [(&str, &str); 8] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Firefox", "Firefox"),
        ("FxiOS", "Firefox"),
        ("CriOS", "Chrome"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find =
        |words: &[(&str, &'static str)]| words.iter().find(|(word, _)| agent.contains(word)).map(|found| found.1);
    let is_browser = agent.starts_with("Mozilla/");
    match (find(&BROWSERS).filter(|_| is_browser), find(&SYSTEMS).filter(|_| is_browser)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => {
            let program: String = agent.split([' ', '/']).next().unwrap_or_default().chars().take(40).collect();
            if program.is_empty() { "A program that does not say its name".to_owned() } else { program }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn browsers_are_known_by_what_they_are_not_by_what_they_pose_as() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36";
        assert_eq!(device(chrome), "Chrome on Linux");
        assert_eq!(device(&format!("{chrome} Edg/149.0")), "Edge on Linux");
        let phone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1";
        assert_eq!(device(phone), "Safari on iPhone");
        let android = "Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0";
        assert_eq!(device(android), "Firefox on Android");
        assert_eq!(device("curl/8.15.0"), "curl");
        assert_eq!(device(""), "A program that does not say its name");
    }
}
