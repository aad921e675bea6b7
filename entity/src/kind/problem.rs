use super::words;

words! {
    /// Why a file gave no resources, or fewer than it holds.
    ProblemClass {
        Template = "template",
        /// A template of a Helm chart: what it is only Helm knows, and nobody needs to do anything about it.
        HelmTemplate = "helm_template",
        Syntax = "syntax",
        Tab = "tab",
        Anchor = "anchor",
        Encoding = "encoding",
        /// Nested deeper than the limit.
        Depth = "depth",
        /// Larger than the limit in bytes, nodes or aliases.
        Size = "size",
        /// A key stands twice in one mapping; the last one counts.
        DuplicateKey = "duplicate_key",
        /// What stands in the file is a pointer to its content, or encrypted as a whole.
        Elsewhere = "elsewhere",
        /// The object is missing or damaged in the clone.
        Object = "object",
        /// A path that cannot be kept as it is (not UTF-8, too long).
        Path = "path",
        /// A name, kind or namespace longer than Kubernetes allows.
        Name = "name",
    }
}

impl ProblemClass {
    /// Whether somebody may want to mend it; the others are counted apart.
    #[must_use]
    pub const fn needs_somebody(self) -> bool {
        !matches!(self, Self::HelmTemplate)
    }

    /// Whether the file gave no resources at all because of it.
    #[must_use]
    pub const fn hides_file(self) -> bool {
        !matches!(self, Self::DuplicateKey | Self::Name)
    }
}
