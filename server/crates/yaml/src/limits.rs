/// How much one file may ask of us. Everything beyond is a problem of class `size` or `depth`, never a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file as stored.
    pub bytes: usize,
    /// Nodes of the file as written.
    pub nodes: usize,
    /// Nesting of one document, counted through aliases.
    pub depth: usize,
    /// Nodes of the file once every alias is replaced by what it stands for: what a walk may meet.
    pub expanded_nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 10 << 20, nodes: 1_000_000, depth: 256, expanded_nodes: 2_000_000 }
    }
}
