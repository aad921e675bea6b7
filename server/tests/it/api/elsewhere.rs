//! Coming in by somebody else's word: GitHub's, as its stand-in follows its documentation, and what an issuer says of groups.

use actions::accounts::{self as act, Admission};
use actions::{Actor, Door, Refusal};
use auth::Identity;
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use entity::kind::{AuditAction, LinkKind, Role};
use entity::view::{AuditFilter, PageQuery};
use standin::{OAuthApp, Options, Person, Standin};
use store::accounts::{self, count_accounts, find_account, find_credentials_by_email, list_identities};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::people::{PASSWORD, ask, by_cookie, cookie, form, location, person, support_code};
use crate::support::{Answer, Nobody, TestApp, on_each_engine};

const HOME: &str = "http://127.0.0.1:4999";

async fn town() -> Standin {
    let app = OAuthApp {
        client_id: "kubestats".to_owned(),
        client_secret: "a secret & a +".to_owned(),
        callback: format!("{HOME}/auth/github/callback"),
    };
    let person = |id, login: &str, emails: &[(&str, bool, bool)]| Person {
        id,
        login: login.to_owned(),
        name: Some(format!("{login} of the town")),
        emails: emails.iter().map(|(email, primary, verified)| ((*email).to_owned(), *primary, *verified)).collect(),
    };
    let people = vec![
        person(4711, "ada", &[("ada@example.org", true, true)]),
        person(4712, "ben", &[("ben@example.org", true, false)]),
        person(4713, "eve", &[("eve@example.org", true, true)]),
    ];
    Standin::start(Options { oauth_app: Some(app), people, ..Options::default() }).await.unwrap()
}

/// The app whose people may come in by the town's GitHub.
fn with_github(app: &TestApp, town: &Standin, more: &str) -> TestApp {
    let url = town.github().url();
    app.with_config(&format!(
        "server: {{public_url: \"{HOME}\"}}\naccounts:\n  github: {{url: \"{url}\", client_id: kubestats, \
         client_secret: \"a secret & a +\"{more}}}\n"
    ))
}

/// A cookie that an answer sets.
fn set(answer: &Answer, name: &str) -> Option<String> {
    let set = answer.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    let found = set.map(|text| text.split(';').next().unwrap()).find(|pair| pair.split('=').next() == Some(name))?;
    Some(found.to_owned())
}

async fn get(app: &TestApp, path: &str, cookies: &[&str]) -> Answer {
    let mut request = Request::get(path).extension(Nobody);
    if !cookies.is_empty() {
        request = request.header(header::COOKIE, cookies.join("; "));
    }
    app.send(request.body(Body::empty()).unwrap()).await
}

/// Goes to GitHub as whoever has this login there, agrees, and is led back: the way back and the cookie that belongs to it.
async fn fly(app: &TestApp, login: &str, begin: &str, cookies: &[&str]) -> (String, String) {
    let left = get(app, begin, cookies).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER, "{}", left.text());
    let begun = set(&left, "kubestats_begun").expect("who begins is remembered");
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let agreed = browser.get(format!("{}&login={login}", location(&left))).send().await.unwrap();
    let back = agreed.headers()["location"].to_str().unwrap().strip_prefix(HOME).unwrap().to_owned();
    (back, begun)
}

/// The same, and comes back.
async fn by_github(app: &TestApp, login: &str, begin: &str, cookies: &[&str]) -> Answer {
    let (back, begun) = fly(app, login, begin, cookies).await;
    let all: Vec<&str> = cookies.iter().copied().chain([begun.as_str()]).collect();
    let answer = get(app, &back, &all).await;
    assert_eq!(set(&answer, "kubestats_begun").as_deref(), Some("kubestats_begun="), "good for one answer");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer
}

/// What the page says that somebody is led to.
async fn told(app: &TestApp, answer: &Answer) -> String {
    assert!(location(answer).starts_with("/sign-in?outcome="), "{}", location(answer));
    let id: Uuid = location(answer).split(['=', '&']).nth(1).unwrap().parse().unwrap();
    let outcome = store::outcomes::find_outcome(&app.state.db.read, id).await.unwrap().unwrap();
    format!("{outcome:?}")
}

#[tokio::test]
async fn whoever_has_no_account_gets_one_only_where_that_is_wanted() {
    on_each_engine(async |app| {
        let town = town().await;
        let closed = with_github(app, &town, "");
        let before = count_accounts(&app.state.db.read).await.unwrap();
        let refused = by_github(&closed, "ada", "/auth/github?from=/charts", &[]).await;
        assert!(told(app, &refused).await.contains("ask an admin to invite you"));
        assert_eq!(count_accounts(&app.state.db.read).await.unwrap(), before);

        let open = with_github(app, &town, ", sign_up: true, role: developer");
        let unverified = by_github(&open, "ben", "/auth/github", &[]).await;
        assert!(told(app, &unverified).await.contains("no verified e-mail address"));
        let came = by_github(&open, "ada", "/auth/github?from=/charts%3Fsort%3Dname", &[]).await;
        assert_eq!(location(&came), "/charts?sort=name");
        let me = by_cookie(app, "/api/v1/me", &cookie(&came).unwrap()).await.json();
        assert_eq!((&me["email"], &me["role"]), (&"ada@example.org".into(), &"developer".into()));
        assert_eq!((&me["full_name"], &me["has_password"]), (&"ada of the town".into(), &false.into()));
        let again = by_github(&closed, "ada", "/auth/github", &[]).await;
        assert_eq!(location(&again), "/");
        assert_eq!(count_accounts(&app.state.db.read).await.unwrap(), before + 1, "the same account");
        let (db, all) = (&app.state.db.read, AuditFilter::default());
        let log = store::audit::list_audit_entries(db, &all, PageQuery::default()).await;
        let log: Vec<AuditAction> = log.unwrap().data.iter().map(|entry| entry.action).collect();
        assert_eq!(log, [AuditAction::SignIn, AuditAction::SignIn, AuditAction::CreateAccount]);
        let id: Uuid = me["id"].as_str().unwrap().parse().unwrap();
        accounts::set_active(&app.state.db.write, id, false).await.unwrap();
        let off = by_github(&open, "ada", "/auth/github", &[]).await;
        assert!(told(app, &off).await.contains("switched off"));
    })
    .await;
}

#[tokio::test]
async fn an_answer_counts_once_and_only_for_who_began() {
    on_each_engine(async |app| {
        let town = town().await;
        let app = &with_github(app, &town, ", sign_up: true");
        let (back, begun) = fly(app, "ada", "/auth/github", &[]).await;
        let of_another = fly(app, "eve", "/auth/github", &[]).await.1;
        for cookies in [&[][..], &[of_another.as_str()], &["kubestats_begun=none"]] {
            let refused = get(app, &back, cookies).await;
            assert_eq!(location(&refused), "/sign-in?elsewhere=again&from=/");
            assert!(cookie(&refused).is_none());
        }
        assert!(cookie(&get(app, &back, &[&begun]).await).is_some());
    })
    .await;
    on_each_engine(async |app| {
        let town = town().await;
        let app = &with_github(app, &town, ", sign_up: true");
        let (back, begun) = fly(app, "ada", "/auth/github", &[]).await;
        assert!(cookie(&get(app, &back, &[&begun]).await).is_some());
        let replayed = get(app, &back, &[&begun]).await;
        assert!(told(app, &replayed).await.contains("finished already"), "the code is worth nothing any more");
        let denied = get(app, "/auth/github", &[]).await;
        let state = url::Url::parse(location(&denied)).unwrap();
        let state = state.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let path = format!("/auth/github/callback?error=access_denied&error_description=no%0Athanks&state={state}");
        let denied = get(app, &path, &[&set(&denied, "kubestats_begun").unwrap()]).await;
        assert!(told(app, &denied).await.contains("refuses the sign-in: no thanks"));
        assert_eq!(get(app, "/auth/gitlab", &[]).await.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn an_account_with_the_same_address_is_connected_only_by_its_person() {
    on_each_engine(async |app| {
        let town = town().await;
        let app = &with_github(app, &town, ", sign_up: true");
        let ada = person(app, "ada@example.org", Role::User).await;
        let first = by_github(app, "ada", "/auth/github", &[]).await;
        assert!(
            location(&first).starts_with("/sign-in?connect&from=/account?connect%23connections"),
            "{}",
            location(&first)
        );
        assert!(cookie(&first).is_none(), "nobody is let in by an address");
        let kept = set(&first, "kubestats_identity").unwrap();
        let signed_in = form(app, "/sign-in", &[("email", "ada@example.org"), ("password", PASSWORD)], None).await;
        let session = cookie(&signed_in).unwrap();
        let page = get(app, "/account?connect", &[&session, &kept]).await.text();
        assert!(page.contains("will be you here") && page.contains("ada@example.org"), "they see to whom");
        let both = format!("{session}; {kept}");
        // One address has few tries; each of these comes from where nobody tried yet.
        let anew = || with_github(app, &town, ", sign_up: true");
        let link = async |password: &'static str| {
            form(&anew(), "/ui/link_identity", &[("password", password)], Some(&both)).await
        };
        link("no password of hers").await;
        assert!(list_identities(&app.state.db.read, ada).await.unwrap().is_empty());
        link(PASSWORD).await;
        let tied = list_identities(&app.state.db.read, ada).await.unwrap();
        assert_eq!((tied.len(), tied[0].subject.as_str()), (1, "4711"));
        let came = by_github(&anew(), "ada", "/auth/github", &[]).await;
        assert_eq!(by_cookie(app, "/api/v1/me", &cookie(&came).unwrap()).await.json()["id"], ada.to_string());
        // Whose account is connected already is not connected to another.
        let eve = person(app, "mallory@example.org", Role::User).await;
        let found = find_account(&app.state.db.read, eve).await.unwrap().unwrap();
        let sealed = kept.split_once('=').unwrap().1;
        let password = Zeroizing::new(PASSWORD.to_owned());
        let actor = Actor::command_as(&found);
        let taken = act::link_identity(&app.state.actions, &actor, sealed, Some(&password)).await;
        assert!(taken.unwrap_err().text().contains("connected to an account here already"));
        let fields = [("issuer", tied[0].issuer.as_str()), ("subject", "4711")];
        form(app, "/ui/unlink_identity", &fields, Some(&session)).await;
        assert!(list_identities(&app.state.db.read, ada).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn somebody_who_is_here_is_asked_and_the_only_way_in_stays() {
    on_each_engine(async |app| {
        let town = town().await;
        let app = &with_github(app, &town, ", sign_up: true");
        let came = by_github(app, "eve", "/auth/github", &[]).await;
        let session = cookie(&came).unwrap();
        let id = find_credentials_by_email(&app.state.db.read, "eve@example.org").await.unwrap().unwrap().id;
        let issuer = list_identities(&app.state.db.read, id).await.unwrap().remove(0).issuer;
        let fields = [("issuer", issuer.as_str()), ("subject", "4713")];
        form(app, "/ui/unlink_identity", &fields, Some(&session)).await;
        assert_eq!(list_identities(&app.state.db.read, id).await.unwrap().len(), 1);
        // Having come in just now stands for the password that she does not have.
        let offered = by_github(app, "ada", "/auth/github", &[&session]).await;
        assert_eq!(location(&offered), "/account?connect#connections");
        let both = format!("{session}; {}", set(&offered, "kubestats_identity").unwrap());
        form(app, "/ui/link_identity", &[("password", "")], Some(&both)).await;
        assert_eq!(list_identities(&app.state.db.read, id).await.unwrap().len(), 2);
        form(app, "/ui/unlink_identity", &fields, Some(&session)).await;
        assert_eq!(list_identities(&app.state.db.read, id).await.unwrap()[0].subject, "4711");
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_taken_without_a_password() {
    on_each_engine(async |app| {
        let town = town().await;
        let app = &with_github(app, &town, "");
        let command = Actor::command();
        let invited = act::create_account(&app.state.actions, &command, "b@example.org", None, "viewer").await.unwrap();
        let link = invited.link.as_str();
        let page = get(app, &format!("/welcome/{link}"), &[]).await.text();
        assert!(page.contains(&format!("/auth/github?invite={link}")), "the page offers it");
        // Another link to the same account lies in a mailbox, and somebody else is signed in in this browser.
        let minted = auth::token::mint_opaque();
        let asked = accounts::StoredLink::of(LinkKind::Reset, Some(invited.id));
        let (now, soon) = (chrono::Utc::now(), chrono::Utc::now() + chrono::TimeDelta::hours(1));
        accounts::add_link(&app.state.db.write, &minted.hash, asked, soon, now).await.unwrap();
        person(app, "ada@example.org", Role::Admin).await;
        let session = form(app, "/sign-in", &[("email", "ada@example.org"), ("password", PASSWORD)], None).await;
        let session = cookie(&session).unwrap();
        let came = by_github(app, "ben", &format!("/auth/github?invite={link}"), &[&session]).await;
        assert_eq!(
            accounts::find_link(&app.state.db.read, &minted.hash, now).await.unwrap(),
            None,
            "no other opens it"
        );
        let me = by_cookie(app, "/api/v1/me", &cookie(&came).unwrap()).await.json();
        assert_eq!(me["id"], invited.id.to_string());
        let used = by_github(app, "eve", &format!("/auth/github?invite={link}"), &[]).await;
        assert_eq!(location(&used), "/welcome/gone");
        assert_eq!(location(&by_github(app, "ben", "/auth/github", &[]).await), "/");
    })
    .await;
}

#[tokio::test]
async fn a_code_is_asked_for_there_too() {
    on_each_engine(async |app| {
        let town = town().await;
        let app = &with_github(app, &town, ", sign_up: true");
        by_github(app, "ada", "/auth/github", &[]).await;
        let id = find_credentials_by_email(&app.state.db.read, "ada@example.org").await.unwrap().unwrap().id;
        let hash = auth::password::Passwords::new().hash(PASSWORD).await.unwrap();
        accounts::set_password(&app.state.db.write, id, &hash, crate::support::day(1)).await.unwrap();
        let actor = Actor::command_as(&find_account(&app.state.db.read, id).await.unwrap().unwrap());
        let password = Zeroizing::new(PASSWORD.to_owned());
        let offer = act::begin_second_factor(&app.state.actions, &actor, &password).await.unwrap();
        let code = support_code(&offer.url);
        let codes = act::confirm_second_factor(&app.state.actions, &actor, &code).await.unwrap();
        let asked = by_github(app, "ada", "/auth/github?from=/charts", &[]).await;
        assert_eq!(location(&asked), "/sign-in/code?from=/charts");
        let pending = cookie(&asked).unwrap();
        assert_eq!(by_cookie(app, "/api/v1/me", &pending).await.status, StatusCode::UNAUTHORIZED);
        let came = form(app, "/sign-in/code", &[("code", &codes[0])], Some(&pending)).await;
        assert_eq!(by_cookie(app, "/api/v1/me", &cookie(&came).unwrap()).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn programs_get_tokens_in_the_words_that_they_know() {
    on_each_engine(async |app| {
        let town = town().await;
        let app = &with_github(app, &town, ", sign_up: true");
        let begun = get(app, "/api/v1/auth/github", &[]).await;
        let kept = set(&begun, "kubestats_begun").unwrap();
        let told = begun.json();
        let (url, state) = (told["auth_url"].as_str().unwrap(), told["state"].as_str().unwrap());
        assert!(url.starts_with(town.github().url()) && url.contains(state));
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        let agreed = browser.unwrap().get(format!("{url}&login=ada")).send().await.unwrap();
        let back = agreed.headers()["location"].to_str().unwrap().strip_prefix(HOME).unwrap().to_owned();
        let stranger = get(app, &format!("/api/v1{back}"), &[]).await;
        assert_eq!(stranger.status, StatusCode::BAD_REQUEST, "the cookie says who began");
        // The registered address answers as the API does, since a program began.
        let given = get(app, &back, &[&kept]).await;
        assert_eq!(given.status, StatusCode::OK, "{}", given.text());
        let given = given.json();
        assert_eq!((&given["token_type"], &given["user"]["email"]), (&"bearer".into(), &"ada@example.org".into()));
        let access = given["access_token"].as_str().unwrap();
        assert_eq!(ask(app, Method::GET, "/api/v1/me", Some(access), None).await.status, StatusCode::OK);
        assert!(given["refresh_token"].as_str().unwrap().len() > 20 && given["expires_in"].as_u64().unwrap() > 60);
        assert_eq!(get(app, "/api/v1/auth/nobody", &[]).await.status, StatusCode::NOT_FOUND);
    })
    .await;
}

fn of_groups(groups: &[&str]) -> Identity {
    Identity {
        issuer: "https://id.example.org".to_owned(),
        subject: "1".to_owned(),
        email: Some("gil@example.org".to_owned()),
        email_verified: true,
        name: None,
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
    }
}

#[tokio::test]
async fn groups_give_roles_each_time_and_the_last_admin_stays() {
    on_each_engine(async |app| {
        let (ctx, nobody) = (&app.state.actions, Actor::nobody(Door::Page, true));
        let admission = Admission {
            provider: "Company".to_owned(),
            sign_up: true,
            trusts_email: false,
            role: None,
            roles: vec![("ops".to_owned(), "admin".to_owned()), ("dev".to_owned(), "developer".to_owned())],
        };
        let come = async |groups: &[&str]| {
            let known = act::sign_in_elsewhere(ctx, &nobody, &of_groups(groups), &admission).await?;
            let account = known.unwrap().account;
            Ok::<_, Refusal>(find_account(&app.state.db.read, account).await.unwrap().unwrap().role)
        };
        assert!(come(&["guests"]).await.unwrap_err().text().contains("none of your groups"));
        assert_eq!(come(&["guests", "dev"]).await.unwrap(), "developer");
        assert_eq!(come(&["dev", "ops"]).await.unwrap(), "admin", "the first that is written counts");
        assert_eq!(come(&["dev"]).await.unwrap(), "developer", "there is another admin");
        assert_eq!(come(&["ops"]).await.unwrap(), "admin");
        accounts::set_active(&app.state.db.write, app.admin_id().await, false).await.unwrap();
        assert_eq!(come(&["dev"]).await.unwrap(), "admin", "nobody else could administer");
        assert!(come(&[]).await.is_err(), "who left all groups is out");
        let none = Admission { roles: vec![("dev".to_owned(), "captain".to_owned())], ..admission.clone() };
        let unknown = act::sign_in_elsewhere(ctx, &nobody, &of_groups(&["dev"]), &none).await;
        assert!(unknown.unwrap_err().text().contains("there is no role \"captain\""));
    })
    .await;
}

/// Who may come in by an issuer of the configuration.
fn admission(more: &str) -> Admission {
    let issuer = format!("id: company, name: Company, issuer: 'https://id.example.org', client_id: kubestats{more}");
    let text = format!("server: {{public_url: \"{HOME}\"}}\naccounts:\n  oidc: [{{{issuer}}}]\n");
    let config = server::config::parse(std::path::Path::new("test"), &text, [].into()).unwrap();
    let providers = server::start::providers(&config).unwrap();
    providers.find("company").unwrap().admission.clone()
}

#[tokio::test]
async fn addresses_of_an_issuer_that_verifies_none_count_where_it_is_trusted() {
    on_each_engine(async |app| {
        let (ctx, nobody) = (&app.state.actions, Actor::nobody(Door::Page, true));
        let (careful, trusting) = (admission(", sign_up: true"), admission(", sign_up: true, trusts_email: true"));
        let come = async |subject: &str, email: Option<&str>, admission: &Admission| {
            let (subject, email) = (subject.to_owned(), email.map(str::to_owned));
            let who = Identity { subject, email, email_verified: false, ..of_groups(&[]) };
            let known = act::sign_in_elsewhere(ctx, &nobody, &who, admission).await;
            known.map(|known| known.map(|known| known.account)).map_err(|refusal| refusal.text())
        };
        let refused = come("1", Some("gil@example.org"), &careful).await.unwrap_err();
        assert!(refused.contains("no verified e-mail address"), "{refused}");
        let gil = come("1", Some("gil@example.org"), &trusting).await.unwrap().unwrap();
        assert_eq!(find_account(&app.state.db.read, gil).await.unwrap().unwrap().email, "gil@example.org");
        assert!(come("2", None, &trusting).await.is_err(), "who tells no address has none");
        // Whoever has that address there too is asked for the account's password first.
        assert_eq!(come("3", Some("gil@example.org"), &trusting).await, Ok(None));
    })
    .await;
}
