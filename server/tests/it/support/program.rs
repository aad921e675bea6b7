//! The program as a process of its own.

use std::{
    net::SocketAddr,
    process::Child,
    time::{Duration, Instant},
};

/// Something hangs that takes longer to begin.
const PATIENCE: Duration = Duration::from_mins(4);

/// A running program, killed when it is dropped.
pub struct Program(pub Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where a program listens, as its log says once it does.
pub async fn address_in(log: &impl Fn() -> String) -> SocketAddr {
    let began = Instant::now();
    loop {
        let log = log();
        let told = log.split("serving http://").nth(1);
        let end = |rest: &str| rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').unwrap_or(rest.len());
        if let Some(address) = told.and_then(|rest| rest[..end(rest)].parse().ok()) {
            return address;
        }
        assert!(began.elapsed() < PATIENCE, "it does not begin to serve: {log}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
