//! The `kubestats` program.

fn main() {}
