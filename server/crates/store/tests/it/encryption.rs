//! An address of PostgreSQL that asks for encryption is followed encrypted, or not at all.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use store::db::{Db, DbSettings};

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
        assert!(error.contains("TLS") && !error.contains("pass-of-ada"), "{mode}: {error}");
        let heard = heard.join().unwrap();
        // No more than whether it encrypts.
        assert!(heard.len() <= 8, "{mode}: {:?}", String::from_utf8_lossy(&heard));
    }
}
