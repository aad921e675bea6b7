//! Sync and scan over real repositories, as the runner calls them.

mod discover;
mod hostile;
mod killed;
mod moved;
mod processes;
mod repository;
