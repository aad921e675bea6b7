use super::tree::Style;

/// A place: byte offset and line from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) pos: u32,
    pub(super) line: u32,
}

/// A piece of the pool: of the source, or of the texts behind it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Piece {
    pub(super) start: u32,
    pub(super) end: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    StreamEnd,
    VersionDirective,
    TagDirective,
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias,
    Anchor,
    Tag,
    Scalar,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// How a scalar is written.
    pub(super) style: Style,
    pub(super) start: Mark,
    pub(super) end: Mark,
    /// Text of a scalar, name of an anchor, handle of a tag; major and minor number of a version.
    pub(super) text: Piece,
    /// Suffix of a tag, prefix of a tag directive.
    pub(super) suffix: Piece,
}

impl Token {
    pub(super) fn new(kind: TokenKind, start: Mark, end: Mark) -> Self {
        Self { kind, style: Style::Plain, start, end, text: Piece::default(), suffix: Piece::default() }
    }
}
