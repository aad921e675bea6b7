//! What people see: pages, components and server functions. `ssr` renders them on the server, `hydrate` wakes
//! them in the browser; what is heavy (comparing, highlighting, describing charts) happens on the server only.

#![recursion_limit = "512"]

pub mod app;
pub mod busy;
pub mod chart;
mod client;
pub mod components;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod cookies;
pub mod error;
pub mod frame;
#[cfg(feature = "ssr")]
pub mod functions;
pub mod live;
pub mod pages;
pub mod reload;
pub mod theme;
pub mod viewer;

pub use app::App;
