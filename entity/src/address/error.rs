//! What is no address, and why.

use std::fmt;

/// Why a text is no address of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// There is nothing.
    Empty,
    /// It is longer than anybody's address.
    TooLong,
    /// Control characters are in it.
    Control,
    /// `helper::address` would have git run a program.
    Helper,
    /// It cannot be taken apart.
    Unreadable(String),
    /// A scheme and no host behind it.
    NoHost,
    /// A host, and nothing on it.
    NoRepository,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty; write something like https://github.com/owner/name"),
            Self::TooLong => f.write_str("it is longer than 2,000 characters"),
            Self::Control => f.write_str("it holds control characters"),
            Self::Helper => f.write_str("remote helpers are not run; use https://"),
            Self::Unreadable(why) => write!(f, "it cannot be read: {why}"),
            Self::NoHost => f.write_str("it names no host"),
            Self::NoRepository => f.write_str("it names a host but no repository on it"),
        }
    }
}

impl std::error::Error for AddressError {}
