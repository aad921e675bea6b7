use crate::tree::Style;

/// A place: byte offset and line from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) pos: u32,
    pub(crate) line: u32,
}

/// A piece of the pool: of the source, or of the texts behind it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Piece {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
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
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    /// How a scalar is written.
    pub(crate) style: Style,
    pub(crate) start: Mark,
    pub(crate) end: Mark,
    /// Text of a scalar, name of an anchor, handle of a tag; major and minor number of a version.
    pub(crate) text: Piece,
    /// Suffix of a tag, prefix of a tag directive.
    pub(crate) suffix: Piece,
}

impl Token {
    pub(crate) fn new(kind: TokenKind, start: Mark, end: Mark) -> Self {
        Self { kind, style: Style::Plain, start, end, text: Piece::default(), suffix: Piece::default() }
    }
}
