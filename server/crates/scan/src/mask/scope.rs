//! What decides about a value beside its own name.

/// What a node stands within.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    /// Values of a chart or a ConfigMap: what programs are told.
    pub(super) is_config: bool,
    /// A patch of a Secret, which need not say so itself.
    pub(super) of_secret: bool,
    /// A kind whose `template` becomes a Secret.
    pub(super) makes_secret: bool,
    /// Texts around it.
    pub(super) nesting: u8,
}

impl Scope {
    /// Where the documents of a text in this place stand.
    pub(super) fn within_text(self) -> Self {
        Self { makes_secret: false, nesting: self.nesting + 1, ..self }
    }
}
