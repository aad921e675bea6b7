//! The program killed while it sends a mail, by TLS that its machine trusts; and what `kubestats doctor` says of the server.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use entity::view::Timestamp;
use sea_orm::Statement;
use serde_json::{Value, json};
use server::clock;
use standin::Port;
use store::db::{ConnectionTrait as _, Db, DbSettings};

use super::smtp::{PATIENCE, Smtp};
use super::{OTHER, certified};
use crate::support::{Program, address_in, with_first_account};

/// Starts the program in a folder, with its address.
async fn start(folder: &Path) -> (Program, SocketAddr) {
    let log = folder.join("log");
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubestats"));
    with_first_account(&mut program);
    program.env("KUBESTATS_MAIL_SMTP_PASSWORD", OTHER).env("SSL_CERT_FILE", folder.join("tls.crt"));
    program.args(["serve", "--config"]).arg(folder.join("kubestats.yaml")).stdout(Stdio::null());
    let served = Program(program.stderr(fs::File::create(&log).unwrap()).spawn().unwrap());
    let address = address_in(&|| fs::read_to_string(&log).unwrap()).await;
    (served, address)
}

async fn execute(folder: &Path, sql: &str, values: Vec<sea_orm::Value>) {
    let url = format!("sqlite://{}", folder.join("data/kubestats.db").display());
    let db = Db::connect(&DbSettings::new(&url)).await.unwrap();
    let statement = Statement::from_sql_and_values(db.write.get_database_backend(), sql, values);
    db.write.execute_raw(statement).await.unwrap();
    db.close().await.unwrap();
}

async fn next_try(folder: &Path) -> Option<Timestamp> {
    let url = format!("sqlite://{}", folder.join("data/kubestats.db").display());
    let db = Db::connect(&DbSettings::new(&url)).await.unwrap();
    let next = store::mail::next_try(&db.read).await.unwrap();
    db.close().await.unwrap();
    next
}

fn doctor(folder: &Path, password: &str) -> Value {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubestats"));
    program.env("KUBESTATS_MAIL_SMTP_PASSWORD", password).env("SSL_CERT_FILE", folder.join("tls.crt"));
    let output = program.args(["doctor", "--format", "json", "--config"]).arg(folder.join("kubestats.yaml")).output();
    let report: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let checks = report["checks"].as_array().unwrap().iter();
    checks.clone().find(|check| check["part"] == "mail").unwrap_or_else(|| panic!("{report}")).clone()
}

#[tokio::test]
async fn a_mail_outlives_the_process_that_was_sending_it_and_arrives_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut options = certified(folder, "tls");
    (options["user"], options["password"], options["hangs"]) = (json!("kubestats"), json!(OTHER), json!(true));
    // For the server that takes the place of this one.
    let port = Port::take().unwrap();
    options["port"] = json!(port.number);
    let Some(smtp) = Smtp::with(options.clone()).await else { return };
    let text = format!(
        "app: {{data_dir: {}, listen: '127.0.0.1:0', samples: never}}\nserver: {{public_url: 'http://localhost'}}\n\
         discovery: {{enabled: false}}\n\
         mail: {{smtp: {{host: localhost, port: {}, encryption: tls, username: kubestats}}, from: k@example.org}}\n",
        folder.join("data").display(),
        smtp.port
    );
    fs::write(folder.join("kubestats.yaml"), text).unwrap();
    let (served, address) = start(folder).await;
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let asked = client.post(format!("http://{address}/sign-in/forgot")).body("email=ada@example.org");
    let asked = asked.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    assert_eq!(asked.status(), 303);
    // SIGKILL in the middle of the mail: nothing in the program hears of it.
    smtp.told_with("hangs").await;
    drop(served);
    drop(smtp);
    options["hangs"] = json!(false);
    let smtp = Smtp::with(options).await.unwrap();
    let past = clock::now() - TimeDelta::seconds(1);
    execute(folder, "UPDATE mail SET next_try_at = $1", vec![past.into()]).await;
    let (served, _) = start(folder).await;
    smtp.told_with("to").await;
    let mail = smtp.mail().await;
    assert_eq!((mail.to(), mail.is("tls"), mail.is("user")), (vec!["ada@example.org"], true, true));
    assert!(mail.link().len() > 20);
    // The mail is told of before its server has answered; until then the program may still note how that went.
    let began = Instant::now();
    while next_try(folder).await.is_some() {
        assert!(began.elapsed() < PATIENCE, "it is not noted that the mail was sent");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Once more nothing is due.
    execute(folder, "UPDATE mail SET next_try_at = $1 WHERE next_try_at IS NOT NULL", vec![past.into()]).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(smtp.mails().await.len(), 1);
    drop(served);
    let log = fs::read_to_string(folder.join("log")).unwrap();
    assert!(!log.contains(OTHER) && !log.contains(mail.link().trim_start_matches("/welcome/")), "{log}");

    let (right, wrong) = (doctor(folder, OTHER), doctor(folder, "wrong"));
    assert_eq!(right["state"], "ok", "{right}");
    assert_eq!(wrong["state"], "fail", "{wrong}");
    assert!(wrong["message"].as_str().unwrap().contains("535"), "{wrong}");
}
