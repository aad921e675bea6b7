//! Accounts and tokens from the machine's own shell: what is said there holds at the doors.

use std::io::Write as _;
use std::process::{Output, Stdio};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use server::clock;
use store::accounts;
use uuid::Uuid;

use super::program;
use crate::backup::all_rows;
use crate::support::{Answer, Nobody, TestApp, on_each_engine};

const ADA: &str = "ada@example.org";
const GRACE: &str = "grace@example.org";
const PASSWORD: &str = "violet anchor timber seventeen";
const OTHER: &str = "copper lantern meadow nineteen";

/// Runs a command on the app's database, with this at its standard input.
async fn run(app: &TestApp, input: &str, arguments: &[&str]) -> (bool, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(arguments);
    command.current_dir(folder.path()).stdin(Stdio::piped()).env_remove("GITHUB_TOKEN").env("DATABASE_URL", &app.url);
    command.env("KUBESTATS_APP_DATA_DIR", folder.path().join("data")).env("KUBESTATS_SECRET_KEY", "07".repeat(32));
    let input = input.to_owned();
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        // One that reads nothing may have ended before.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    });
    let Output { status, stdout, stderr } = ended.await.unwrap();
    (status.success(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// What a command says that has to succeed.
async fn says(app: &TestApp, input: &str, arguments: &[&str]) -> String {
    let (well, told, said) = run(app, input, arguments).await;
    assert!(well, "{arguments:?}: {told}{said}");
    told
}

async fn form(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    // A process that nobody tried a password at yet.
    let process = app.with_config("discovery: {enabled: false}");
    process.send(request.extension(Nobody).body(Body::from(body)).unwrap()).await
}

/// What a program comes in with that signs in; nothing where it is refused.
async fn signs_in(app: &TestApp, email: &str, password: &str) -> Option<String> {
    let answer = form(app, "/api/v1/login/access-token", &[("username", email), ("password", password)]).await;
    match answer.status {
        StatusCode::OK => Some(answer.json()["access_token"].as_str().unwrap().to_owned()),
        StatusCode::BAD_REQUEST => None,
        other => panic!("{other}: {}", answer.text()),
    }
}

/// Whether a token lets in whom it is of.
async fn lets_in(app: &TestApp, token: &str) -> bool {
    let request = Request::get("/api/v1/me").header(header::AUTHORIZATION, format!("Bearer {token}"));
    let answer = app.send(request.body(Body::empty()).unwrap()).await;
    match answer.status {
        StatusCode::OK => true,
        StatusCode::FORBIDDEN => false,
        other => panic!("{other}: {}", answer.text()),
    }
}

/// The line of a list that begins with this.
fn line<'a>(list: &'a str, first: &str) -> &'a str {
    let mut lines = list.lines().map(str::trim_start);
    lines.find(|line| line.starts_with(first)).unwrap_or_else(|| panic!("no {first} in {list}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_reset_and_shut_out_from_a_shell() {
    on_each_engine(async |app| {
        let add = ["user", "add", ADA, "--name", "Ada Byron", "--role", "developer", "--password-stdin"];
        assert_eq!(says(app, &format!("{PASSWORD}\n"), &add).await, format!("{ADA} can sign in\n"));
        let session = signs_in(app, ADA, PASSWORD).await.unwrap();
        assert!(lets_in(app, &session).await);

        // Without a password there is a link, by which it is chosen once.
        let told = says(app, "", &["user", "add", GRACE]).await;
        let (_, link) = told.split_once("/welcome/").unwrap_or_else(|| panic!("{told}"));
        let welcome = format!("/welcome/{}", link.trim());
        let chosen =
            async |password| form(app, &welcome, &[("password", password)]).await.header("location").to_owned();
        assert_eq!((chosen(PASSWORD).await.as_str(), chosen(OTHER).await), ("/sign-in?chosen", welcome.clone()));
        assert!(signs_in(app, GRACE, PASSWORD).await.is_some() && signs_in(app, GRACE, OTHER).await.is_none());

        let list = says(app, "", &["user", "list"]).await;
        for word in ["Ada Byron", "developer", "active"] {
            assert!(line(&list, ADA).contains(word), "{list}");
        }
        assert!(line(&list, GRACE).contains("user") && line(&list, "admin@example.org").contains("never"), "{list}");

        let told = says(app, OTHER, &["user", "reset", ADA, "--password-stdin"]).await;
        assert!(told.starts_with(&format!("{ADA} has the new password; all sessions are over")), "{told}");
        assert!(signs_in(app, ADA, PASSWORD).await.is_none() && !lets_in(app, &session).await);
        let session = signs_in(app, ADA, OTHER).await.unwrap();
        let told = says(app, "", &["user", "reset", " Ada@Example.org "]).await;
        let (_, link) = told.split_once("/welcome/").unwrap_or_else(|| panic!("{told}"));
        assert!(signs_in(app, ADA, OTHER).await.is_some(), "nothing is changed before the link is used");
        let chosen = form(app, &format!("/welcome/{}", link.trim()), &[("password", PASSWORD)]).await;
        assert_eq!(chosen.header("location"), "/sign-in?chosen");
        assert!(signs_in(app, ADA, OTHER).await.is_none() && !lets_in(app, &session).await);

        let found = accounts::find_credentials_by_email(&app.state.db.read, ADA).await.unwrap().unwrap();
        accounts::set_totp(&app.state.db.write, found.id, Some(vec![1]), Some(clock::now())).await.unwrap();
        assert!(signs_in(app, ADA, PASSWORD).await.is_none(), "without a code");
        says(app, "", &["user", "reset", ADA, "--second-factor"]).await;
        let session = signs_in(app, ADA, PASSWORD).await.unwrap();

        let told = says(app, "", &["user", "disable", ADA]).await;
        assert_eq!(told, format!("{ADA} can't sign in any more; all sessions are over\n"));
        assert!(signs_in(app, ADA, PASSWORD).await.is_none() && !lets_in(app, &session).await);
        assert!(line(&says(app, "", &["user", "list"]).await, ADA).contains("disabled"));
        says(app, "", &["user", "enable", ADA]).await;
        assert!(!lets_in(app, &session).await && signs_in(app, ADA, PASSWORD).await.is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_made_in_a_shell_works_until_it_is_revoked() {
    on_each_engine(async |app| {
        says(app, PASSWORD, &["user", "add", ADA, "--role", "developer", "--password-stdin"]).await;
        says(app, "", &["user", "add", GRACE]).await;
        let create = ["token", "create", ADA, "--name", "ci", "--scope", "read", "--scope", "jobs:run", "--days", "7"];
        let token = says(app, "", &create).await;
        let token = token.strip_suffix('\n').unwrap();
        let ever = says(app, "", &["token", "create", ADA, "--name", "for ever", "--days", "0"]).await;
        assert!(lets_in(app, token).await && lets_in(app, ever.trim()).await);
        let list = says(app, "", &["token", "list", ADA]).await;
        let of = |name: &str| {
            let found = list.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("no {name} in {list}"));
            (found.split_whitespace().next().unwrap().to_owned(), found.to_owned())
        };
        let ((id, told), (_, told_ever)) = (of(" ci "), of("for ever"));
        assert!(told.contains("read jobs:run") && !told_ever.contains("jobs:run"), "{list}");
        assert!(told_ever.contains("never") && !list.contains(token), "{list}");

        // Nobody revokes what is not theirs.
        let (well, _, said) = run(app, "", &["token", "revoke", GRACE, &id]).await;
        assert!(!well && said.contains(&format!("{GRACE} has no token {id}")), "{said}");
        assert!(lets_in(app, token).await);
        assert_eq!(says(app, "", &["token", "revoke", ADA, &id]).await, "the token works no more\n");
        assert!(!lets_in(app, token).await && lets_in(app, ever.trim()).await);
        assert!(!says(app, "", &["token", "list", ADA]).await.contains(&id));
        // One works for no longer than its account.
        says(app, "", &["user", "disable", ADA]).await;
        assert!(!lets_in(app, ever.trim()).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_done_is_said_with_what_to_do_and_changes_nothing() {
    const ADMIN: &str = "admin@example.org";
    on_each_engine(async |app| {
        says(app, "", &["user", "add", GRACE, "--role", "viewer"]).await;
        let before = all_rows(&app.state.db).await;
        let gone = Uuid::nil().to_string();
        let nobody = ["there is no account nobody@example.org", "kubestats user list"];
        let cases: [(&str, &[&str], [&str; 2]); 16] = [
            ("", &["user", "add", "ada"], ["no e-mail address", "name@example.org"]),
            ("", &["user", "add", ADA, "--role", "captain"], ["no role \"captain\"", "there are: viewer"]),
            ("", &["user", "add", GRACE], ["grace@example.org is there already", "give another"]),
            ("", &["user", "add", ADA, "--password-stdin"], ["standard input is empty", "write the password there"]),
            ("short", &["user", "add", ADA, "--password-stdin"], ["has 5 characters, 15 are needed", "add words"]),
            (
                "password1234567",
                &["user", "reset", GRACE, "--password-stdin"],
                ["too easy to guess", "use several words"],
            ),
            ("", &["user", "reset", "nobody@example.org"], nobody),
            ("", &["user", "reset", GRACE, "--second-factor"], ["grace@example.org", "has no second factor"]),
            ("", &["user", "disable", "nobody@example.org"], nobody),
            ("", &["user", "disable", ADMIN], ["the last account that may administer", "make another one first"]),
            ("", &["token", "create", "nobody@example.org", "--name", "ci"], nobody),
            ("", &["token", "create", GRACE, "--name", " "], ["a name of 1 to 100 characters", "what it is for"]),
            (
                "",
                &["token", "create", GRACE, "--name", "ci", "--scope", "fly"],
                ["\"fly\" is not known", "allowed: read"],
            ),
            (
                "",
                &["token", "create", GRACE, "--name", "ci", "--scope", "admin"],
                ["does not have the permission", "an admin can give you one"],
            ),
            ("", &["token", "revoke", GRACE, "7"], ["no id of a token", "kubestats token list"]),
            ("", &["token", "revoke", GRACE, &gone], ["has no token", "kubestats token list grace@example.org"]),
        ];
        for (input, arguments, words) in cases {
            let (well, told, said) = run(app, input, arguments).await;
            assert!(!well && told.is_empty(), "{arguments:?}: {told}{said}");
            assert!(words.iter().all(|words| said.contains(*words)), "{arguments:?}: {words:?} is not in {said}");
        }
        assert_eq!(all_rows(&app.state.db).await, before);
    })
    .await;
}
