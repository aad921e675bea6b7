//! A browser that somebody came in with before gets them in from elsewhere while their account is under attack.

use std::net::IpAddr;

use axum::http::header;

use super::people::{PASSWORD, form, location};
use crate::support::{Answer, TestApp, on_each_engine};

const EMAIL: &str = "ada@example.org";

/// Tries of others until the account takes no more from where nobody came in.
fn attack(app: &TestApp) {
    let from = |number: u32| IpAddr::from((0x0a00_0000 + number).to_be_bytes());
    let tries = (0..1_000).take_while(|number| app.state.login_limits.check(from(*number), EMAIL).is_ok()).count();
    assert!(tries < 1_000, "nobody bounds guesses");
}

fn device_of(answer: &Answer) -> Option<String> {
    let cookies = answer.headers.get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let device =
        cookies.filter_map(|cookie| cookie.split(';').next()).find(|cookie| cookie.contains("kubestats_device="));
    device.map(str::to_owned)
}

#[tokio::test]
async fn the_right_password_gets_in_from_elsewhere_with_the_browser_that_was_there() {
    on_each_engine(async |app| {
        let new = store::accounts::NewAccount {
            email: EMAIL.to_owned(),
            full_name: None,
            role: "viewer".to_owned(),
            password_hash: Some(auth::password::Passwords::new().hash(PASSWORD).await.unwrap()),
        };
        store::accounts::insert_account(&app.state.db.write, &new, server::clock::now()).await.unwrap();
        let fields = [("email", EMAIL), ("password", PASSWORD), ("from", "/charts")];
        let first = form(app, "/sign-in", &fields, None).await;
        assert_eq!(location(&first), "/charts");
        let device = device_of(&first).unwrap();
        assert!(!device.contains("ada"), "the address stands in the cookie for all to read");

        // As if the machine were elsewhere now: nothing is known of where it is.
        let elsewhere = app.with_config("{}");
        attack(&elsewhere);
        let stranger = form(&elsewhere, "/sign-in", &fields, None).await;
        assert!(location(&stranger).contains("later="), "{}", location(&stranger));
        let known = form(&elsewhere, "/sign-in", &fields, Some(&device)).await;
        assert_eq!(location(&known), "/charts");
        assert_eq!(device_of(&known), None, "it has its name already");

        // It vouches for nobody else, and a made one for nobody.
        let again = app.with_config("{}");
        attack(&again);
        for cookie in ["kubestats_device=AAAA", "kubestats_device="] {
            assert!(location(&form(&again, "/sign-in", &fields, Some(cookie)).await).contains("later="), "{cookie}");
        }
        let other = [("email", "bob@example.org"), ("password", PASSWORD)];
        let wrong = form(app, "/sign-in", &other, Some(&device)).await;
        assert!(location(&wrong).contains("wrong"), "{}", location(&wrong));
    })
    .await;
}
