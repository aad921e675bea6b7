//! The crate as others use it.
