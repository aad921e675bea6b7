//! An address of PostgreSQL that asks for encryption is followed encrypted, or not at all.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use store::db::{ConnectionTrait as _, Db, DbSettings};

use crate::support::POSTGRES_URL;

#[tokio::test]
async fn an_address_that_asks_for_encryption_is_never_followed_in_clear() {
    for mode in ["require", "verify-ca", "verify-full"] {
        // A server that does not encrypt: it says so when it is asked, and hears what comes then.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut heard, mut piece) = (Vec::new(), [0; 1024]);
            while let Ok(read @ 1..) = stream.read(&mut piece) {
                heard.extend_from_slice(&piece[..read]);
                if stream.write_all(b"N").is_err() {
                    break;
                }
            }
            heard
        });
        let url = format!("postgres://ada:pass-of-ada@127.0.0.1:{port}/stats?sslmode={mode}");
        let error = Db::connect(&DbSettings::new(url)).await.unwrap_err().to_string();
        assert!(!error.contains("pass-of-ada"), "{mode}: {error}");
        let heard = heard.join().unwrap();
        // No more than whether it encrypts.
        assert!(heard.len() <= 8, "{mode}: {:?}", String::from_utf8_lossy(&heard));
    }
}

#[tokio::test]
async fn a_server_that_encrypts_is_spoken_to_encrypted_and_one_that_is_not_known_is_not() {
    let Ok(url) = std::env::var(POSTGRES_URL) else {
        println!("skipped: {POSTGRES_URL} is not set");
        return;
    };
    let with = |mode: &str| {
        let (address, _) = url.split_once('?').unwrap_or((&url, ""));
        DbSettings::new(format!("{address}?sslmode={mode}"))
    };
    let holds = |what: &str| format!("DO $$ BEGIN IF NOT ({what}) THEN RAISE EXCEPTION 'no'; END IF; END $$");
    let plain = Db::connect(&with("disable")).await.unwrap();
    let is_able = plain.write.execute_unprepared(&holds("current_setting('ssl')::boolean")).await.is_ok();
    let encrypted = holds("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    assert!(plain.write.execute_unprepared(&encrypted).await.is_err(), "what was asked for in clear is encrypted");
    plain.close().await.unwrap();
    if !is_able {
        println!("skipped: the server of {POSTGRES_URL} speaks no TLS");
        return;
    }
    // Where the address says nothing, TLS is taken where it is there.
    for mode in ["prefer", "require"] {
        let db = Db::connect(&with(mode)).await.unwrap();
        db.write.execute_unprepared(&encrypted).await.unwrap();
        db.close().await.unwrap();
    }
    // Its certificate is signed by nobody.
    let error = Db::connect(&with("verify-full")).await.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("certificate") || error.contains("UnknownIssuer"), "{error}");
}
