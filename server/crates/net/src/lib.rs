//! Which addresses of the network the program may talk to.
//!
//! What strangers enter and what searches find may name anything: a machine of the local network, the cloud's metadata
//! service, the program itself. [`AddressGuard`] lets only public addresses through, and those networks and hosts that the
//! operator names. Names are resolved once, and what was checked is what is connected to. [`limit`] reads how much a server
//! lets itself be asked, and [`is_here`] tells what stays on this machine.

mod address;
mod guard;
pub mod limit;

pub use address::{Class, class, is_here};
pub use guard::{AddressGuard, Refused, parse_network};
pub use ipnet::IpNet;
