//! A port for a program that listens at it again after it was stopped, or that takes a port and tells none.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port of this machine that is given to nobody else as long as this lives. Only who asks for this very port, and lets others
/// have it too (`SO_REUSEADDR`), may listen there, as all programs do that tests start; until then connections are refused.
#[derive(Debug)]
pub struct Port {
    /// What programs and addresses are told.
    pub number: u16,
    /// Bound, and never listened at: the system gives away neither to listeners nor to connections what is bound.
    _bound: TcpSocket,
}

impl Port {
    /// Takes one that is free.
    ///
    /// # Errors
    /// The system has none.
    pub fn take() -> std::io::Result<Self> {
        let bound = TcpSocket::new_v4()?;
        bound.set_reuseaddr(true)?;
        bound.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(Self { number: bound.local_addr()?.port(), _bound: bound })
    }
}
