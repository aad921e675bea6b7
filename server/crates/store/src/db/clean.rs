//! Texts from outside, as every engine takes them.

pub(crate) use entity::value::clean;

/// The same of what may be missing.
pub(crate) fn clean_option(text: Option<&str>) -> Option<String> {
    text.map(clean)
}
