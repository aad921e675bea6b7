//! The web application flow at a stand-in for GitHub that follows its documentation.

use auth::github::{API_BASE, Provider, WEB_BASE};
use auth::{Begun, Identity, SignInError};
use standin::{Fault, OAuthApp, Options, Person, Rule, Standin};

use crate::support::{CLIENT, REDIRECT, SECRET, brought_back, browser, http, query};

fn person(id: u64, login: &str, name: Option<&str>, emails: &[(&str, bool, bool)]) -> Person {
    let emails = emails.iter().map(|(email, primary, verified)| ((*email).to_owned(), *primary, *verified)).collect();
    Person { id, login: login.to_owned(), name: name.map(str::to_owned), emails }
}

async fn town() -> Standin {
    let app =
        OAuthApp { client_id: CLIENT.to_owned(), client_secret: SECRET.to_owned(), callback: REDIRECT.to_owned() };
    let people = vec![
        person(
            4711,
            "anna",
            Some("Anna Schmidt"),
            &[("old@clusterhof.example", false, true), ("anna@clusterhof.example", true, true)],
        ),
        person(4712, "ben", None, &[("ben@clusterhof.example", true, false), ("b@clusterhof.example", false, true)]),
    ];
    Standin::start(Options { oauth_app: Some(app), people, ..Options::default() }).await.unwrap()
}

fn provider(town: &Standin) -> Provider {
    let url = town.github().url();
    Provider::new(url, &format!("{url}/api/v3"), CLIENT, SECRET, REDIRECT, &http()).unwrap()
}

/// The person agrees on GitHub's page; gives the code.
async fn agree(begun: &Begun, login: &str) -> String {
    let answer = browser().get(format!("{}&login={login}", begun.url)).send().await.unwrap();
    let back = brought_back(&answer);
    assert!(begun.is_state(&back["state"]));
    back["code"].clone()
}

#[tokio::test]
async fn somebody_is_who_github_says() {
    let town = town().await;
    let provider = provider(&town);
    let begun = provider.begin();
    let asked = query(&begun.url);
    assert_eq!(asked["scope"], "read:user user:email");
    assert_eq!((asked["code_challenge_method"].as_str(), asked["code_challenge"].len()), ("S256", 43));
    let code = agree(&begun, "anna").await;
    let expected = Identity {
        issuer: town.github().url().to_owned(),
        subject: "4711".to_owned(),
        email: Some("anna@clusterhof.example".to_owned()),
        email_verified: true,
        name: Some("Anna Schmidt".to_owned()),
        groups: Vec::new(),
    };
    assert_eq!(provider.finish(&code, &begun).await.unwrap(), expected);
    let again = provider.finish(&code, &begun).await;
    assert!(matches!(again, Err(SignInError::Code)), "{again:?}");
    // No name, and no address that is both primary and verified.
    let begun = provider.begin();
    let ben = provider.finish(&agree(&begun, "ben").await, &begun).await.unwrap();
    assert_eq!((ben.name.as_deref(), ben.email, ben.email_verified), (Some("ben"), None, false));
}

#[tokio::test]
async fn addresses_that_are_kept_to_oneself_are_no_reason_to_turn_away() {
    let town = town().await;
    let provider = provider(&town);
    let begun = provider.begin();
    let less = Begun { url: begun.url.replace("read%3Auser+user%3Aemail", "read%3Auser"), ..begun.clone() };
    assert_ne!(less.url, begun.url);
    let anna = provider.finish(&agree(&less, "anna").await, &begun).await.unwrap();
    assert_eq!((anna.subject.as_str(), anna.email), ("4711", None));
}

#[tokio::test]
async fn codes_are_worth_something_in_time_and_to_who_began() {
    let town = town().await;
    let provider = provider(&town);
    let (mine, theirs) = (provider.begin(), provider.begin());
    let code = agree(&mine, "anna").await;
    assert!(!theirs.is_state(&mine.state));
    let stolen = provider.finish(&code, &theirs).await;
    assert!(matches!(stolen, Err(SignInError::Code)), "{stolen:?}");
    let code = agree(&theirs, "anna").await;
    town.github().expire_codes();
    let late = provider.finish(&code, &theirs).await;
    assert!(matches!(late, Err(SignInError::Code)), "{late:?}");
    assert_eq!(late.unwrap_err().to_string(), "the sign-in took too long, or was finished already: start again");
    for code in ["", "a\r\nb", "made-up"] {
        assert!(matches!(provider.finish(code, &mine).await, Err(SignInError::Code)), "{code:?}");
    }
}

#[tokio::test]
async fn refusals_say_whose_they_are() {
    let town = town().await;
    let url = town.github().url();
    let begun = provider(&town).begin();
    let answer = browser().get(format!("{}&login=", begun.url)).send().await.unwrap();
    assert_eq!(brought_back(&answer)["error"], "access_denied");
    let wrong = Provider::new(url, url, CLIENT, "wrong", REDIRECT, &http()).unwrap();
    let found = wrong.finish(&agree(&begun, "anna").await, &begun).await;
    assert!(matches!(found, Err(SignInError::Client { .. })), "{found:?}");
    assert!(!format!("{wrong:?}{found:?}").contains("\"wrong\""));
    let moved = format!("{REDIRECT}/elsewhere");
    let elsewhere = Provider::new(url, url, CLIENT, SECRET, &moved, &http()).unwrap();
    let Err(SignInError::Denied { reason, .. }) = elsewhere.finish(&agree(&begun, "anna").await, &begun).await else {
        panic!("the redirect is another one")
    };
    assert!(reason.starts_with("The redirect_uri MUST match"), "{reason}");
    for bad in ["http://github.example", "ftp://github.example", "github.com"] {
        let refused = Provider::new(bad, API_BASE, CLIENT, SECRET, REDIRECT, &http());
        assert!(matches!(refused, Err(SignInError::Insecure { .. })), "{bad}");
    }
    let hosted = Provider::new(WEB_BASE, API_BASE, CLIENT, SECRET, "https://kubestats.example/cb", &http()).unwrap();
    assert!(hosted.begin().url.starts_with("https://github.com/login/oauth/authorize?client_id="));
}

#[tokio::test]
async fn broken_huge_and_slow_answers_end() {
    for path in ["/login/oauth/access_token", "/api/v3/user", "/api/v3/user/emails"] {
        for (fault, word) in [
            (Fault::Status { code: 502 }, "502"),
            (Fault::WrongJson, "cannot be read"),
            (Fault::Endless, "65536 bytes"),
            (Fault::Slow { ms: 60_000 }, "does not answer in time"),
        ] {
            let town = town().await;
            let provider = provider(&town);
            let begun = provider.begin();
            let code = agree(&begun, "anna").await;
            town.github().fail(Rule::new(fault).on(path));
            let error = provider.finish(&code, &begun).await.unwrap_err().to_string();
            assert!(error.contains(word), "{path}: {error}");
        }
    }
}
