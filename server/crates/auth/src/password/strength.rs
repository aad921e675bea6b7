//! Whether a password may be chosen. Long before complicated: no rules of which characters there must be, but none that is
//! found in a list or by a rule of thumb.

use zxcvbn::{Score, zxcvbn};

use super::{MAX_BYTES, normal};

/// Alone, and with a second factor beside it.
const ALONE: usize = 15;
const WITH_SECOND_FACTOR: usize = 8;

/// Why a password may not be chosen, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    #[error(
        "The password has {has} characters, {needed} are needed: add words that have nothing to do with each other{}",
        if *.second_factor { "" } else { ", or set up a second factor, with which 8 are enough" }
    )]
    TooShort { has: usize, needed: usize, second_factor: bool },
    #[error("The password is longer than {MAX_BYTES} bytes: shorten it")]
    TooLong,
    #[error(
        "The password is too easy to guess{}: use several words that have nothing to do with each other or with you, or let a password manager make one",
        .why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default()
    )]
    Guessable { why: Option<String> },
}

/// Whether a password may be chosen; `about` is what others know of the person, such as name and e-mail address.
///
/// # Errors
/// A sentence for the person that says what to do.
pub fn check(password: &str, has_second_factor: bool, about: &[&str]) -> Result<(), Weak> {
    if password.len() > MAX_BYTES {
        return Err(Weak::TooLong);
    }
    let password = normal(password);
    let has = password.chars().count();
    let needed = if has_second_factor { WITH_SECOND_FACTOR } else { ALONE };
    if has < needed {
        return Err(Weak::TooShort { has, needed, second_factor: has_second_factor });
    }
    let known = known(about);
    if beside(&password, &known) <= needed / 2 {
        return Err(Weak::Guessable { why: Some("It is made of what others know about you".to_owned()) });
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let guessed = zxcvbn(&password, &known);
    if guessed.score() >= Score::Three {
        return Ok(());
    }
    let warning = guessed.feedback().and_then(zxcvbn::feedback::Feedback::warning);
    Err(Weak::Guessable { why: warning.map(|warning| warning.to_string().trim_end_matches('.').to_owned()) })
}

/// The words an attacker would try first: what is known of the person, whole and in its parts, and the program's name.
fn known(about: &[&str]) -> Vec<String> {
    let mut known = vec!["kubestats".to_owned()];
    for text in about {
        // Whoever fills in a name of a megabyte is not to keep a core busy.
        let text: String = text.chars().take(200).collect();
        let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() > 2);
        known.extend(parts.map(str::to_owned));
        known.push(text);
    }
    // The whole before its parts.
    known.sort_by_key(|word| std::cmp::Reverse(word.len()));
    known
}

/// How many characters there are beside what is known: joined to each other, known words look like many.
fn beside(password: &str, known: &[String]) -> usize {
    let mut rest = password.to_lowercase();
    for word in known.iter().filter(|word| !word.is_empty()) {
        rest = rest.replace(&word.to_lowercase(), " ");
    }
    rest.chars().filter(|c| !c.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: &[&str] = &["anna.schmidt@clusterhof.example", "Anna Schmidt"];

    #[test]
    fn length_is_asked_by_what_else_there_is() {
        let short = "xW9#kQ2mvT!4pZ";
        let weak = check(short, false, ABOUT).unwrap_err();
        assert_eq!(weak, Weak::TooShort { has: 14, needed: 15, second_factor: false });
        assert!(weak.to_string().contains("or set up a second factor"), "{weak}");
        assert_eq!(check(short, true, ABOUT), Ok(()));
        let weak = check("xW9#kQ2", true, ABOUT).unwrap_err();
        assert_eq!(weak, Weak::TooShort { has: 7, needed: 8, second_factor: true });
        assert!(!weak.to_string().contains("second factor"), "{weak}");
        // Characters are counted, not bytes, and not how a keyboard writes them.
        assert!(matches!(check("ü".repeat(14).as_str(), false, &[]), Err(Weak::TooShort { has: 14, .. })));
        assert!(matches!(check("u\u{308}".repeat(14).as_str(), false, &[]), Err(Weak::TooShort { has: 14, .. })));
        assert_eq!(check(&"a".repeat(1025), false, &[]), Err(Weak::TooLong));
    }

    #[test]
    fn no_composition_is_asked_for() {
        for good in ["quarz möwe teller nebelhorn", "lavender orbit thistle mango", "2915 7733 0846 1592 6641"] {
            assert_eq!(check(good, false, ABOUT), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        for bad in [
            "passwordpassword",
            "aaaaaaaaaaaaaaaaaaaa",
            "123456789012345678",
            "qwertyuiopasdfghjkl",
            "abcdefghijklmnopqrs",
            "Anna Schmidt Anna",
            "anna.schmidt@clusterhof.example",
            "clusterhofclusterhof",
            "kubestatskubestats",
            "Schmidt-Anna-Kubestats-1987",
        ] {
            assert!(matches!(check(bad, false, ABOUT), Err(Weak::Guessable { .. })), "{bad}");
        }
        for bad in ["password1", "letmein123", "schmidt1987"] {
            assert!(matches!(check(bad, true, ABOUT), Err(Weak::Guessable { .. })), "{bad}");
        }
    }

    #[test]
    fn the_sentence_says_what_to_do() {
        let weak = check("passwordpassword", false, &[]).unwrap_err().to_string();
        assert!(weak.starts_with("The password is too easy to guess ("), "{weak}");
        assert!(weak.ends_with("let a password manager make one"), "{weak}");
    }

    #[test]
    fn the_longest_is_judged_as_well() {
        let name = "n".repeat(1 << 20);
        assert!(matches!(check(&"password".repeat(128), false, &[&name]), Err(Weak::Guessable { .. })));
        assert_eq!(known(&[&name]).iter().map(|word| word.chars().count()).max(), Some(200));
    }
}
