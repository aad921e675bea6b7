//! Tokens to nodes: the states of YAML's grammar, as libyaml walks them.

use super::build::{Builder, Properties};
use super::error::problem;
use super::scanner::Scanner;
use super::tag::resolve_plain;
use super::token::{Mark, Piece, Token, TokenKind};
use super::tree::{Kind, Span, Style, Tree};
use super::{Limits, Tag, YamlError};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first document may begin without `---`.
    FirstDocument,
    Document,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceEntry,
    IndentlessEntry,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirst,
    FlowSequenceEntry,
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingFirst,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// A document of the tree that [`run`] builds.
pub(super) struct Raw {
    pub(super) root: u32,
    pub(super) redefined_anchors: bool,
    pub(super) line_start: u32,
    pub(super) line_end: u32,
}

struct Parser<'s, 'l> {
    scanner: Scanner<'s>,
    builder: Builder<'l>,
    state: State,
    states: Vec<State>,
    /// `%TAG` of the current document: handle and prefix.
    tag_directives: Vec<(String, String)>,
    documents: Vec<Raw>,
    line_start: u32,
}

/// Parses all documents of a text.
pub(super) fn run(source: &str, limits: &Limits) -> Result<(Tree, Vec<Raw>), YamlError> {
    let mut parser = Parser {
        scanner: Scanner::new(source),
        builder: Builder::new(source.len(), limits),
        state: State::FirstDocument,
        states: Vec::with_capacity(16),
        tag_directives: Vec::new(),
        documents: Vec::with_capacity(1),
        line_start: 1,
    };
    while parser.state != State::End {
        parser.step()?;
    }
    Ok((parser.builder.finish(source, &parser.scanner.own), parser.documents))
}

impl Parser<'_, '_> {
    fn step(&mut self) -> Result<(), YamlError> {
        match self.state {
            State::FirstDocument => self.document_start(true),
            State::Document => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(true, false),
            State::BlockSequenceEntry => self.block_sequence_entry(),
            State::IndentlessEntry => self.indentless_entry(),
            State::BlockMappingKey => self.block_mapping_key(),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirst => self.flow_sequence_entry(true),
            State::FlowSequenceEntry => self.flow_sequence_entry(false),
            State::FlowPairKey => self.flow_pair_key(),
            State::FlowPairValue => self.flow_pair_value(),
            State::FlowPairEnd => {
                self.state = State::FlowSequenceEntry;
                self.builder.end(None)
            }
            State::FlowMappingFirst => self.flow_mapping_key(true),
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.flow_mapping_value(true),
            State::End => Ok(()),
        }
    }

    fn fail<T>(&self, context: &str, what: &str, mark: Mark) -> Result<T, YamlError> {
        Err(problem(self.scanner.text, context, what, mark))
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    fn skip_and_peek(&mut self) -> Result<Token, YamlError> {
        self.scanner.skip();
        self.scanner.peek()
    }

    fn document_start(&mut self, implicit: bool) -> Result<(), YamlError> {
        use TokenKind::{DocumentEnd, DocumentStart, StreamEnd, TagDirective, VersionDirective};
        let mut token = self.scanner.peek()?;
        if !implicit {
            while token.kind == DocumentEnd {
                token = self.skip_and_peek()?;
            }
        }
        if token.kind == StreamEnd {
            self.state = State::End;
            self.scanner.skip();
            return Ok(());
        }
        if implicit && !matches!(token.kind, VersionDirective | TagDirective | DocumentStart) {
            self.states.push(State::DocumentEnd);
            self.state = State::BlockNode;
            self.line_start = 1;
            return Ok(());
        }
        let token = self.directives()?;
        if token.kind != DocumentStart {
            return self.fail("", "did not find expected <document start>", token.start);
        }
        self.line_start = token.end.line + u32::from(self.rest_of_line_is_empty(token.end));
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        self.scanner.skip();
        Ok(())
    }

    fn rest_of_line_is_empty(&self, mark: Mark) -> bool {
        let rest = self.scanner.text.get(mark.pos as usize..).unwrap_or_default();
        let line = rest.split(['\n', '\r']).next().unwrap_or_default().trim_start();
        line.is_empty() || line.starts_with('#')
    }

    fn directives(&mut self) -> Result<Token, YamlError> {
        let mut versions = 0;
        let mut token = self.scanner.peek()?;
        loop {
            match token.kind {
                TokenKind::VersionDirective => {
                    versions += 1;
                    if versions > 1 {
                        return self.fail("", "found duplicate %YAML directive", token.start);
                    }
                    if token.text.start != 1 || !matches!(token.text.end, 1 | 2) {
                        return self.fail("", "found incompatible YAML document", token.start);
                    }
                }
                TokenKind::TagDirective => {
                    let handle = self.scanner.piece(token.text).to_owned();
                    let prefix = self.scanner.piece(token.suffix).to_owned();
                    // A file of nothing but directives must not cost the square of its length.
                    if self.tag_directives.len() >= 64 {
                        return self.fail("", "found more than 64 %TAG directives", token.start);
                    }
                    if self.tag_directives.iter().any(|(known, _)| *known == handle) {
                        return self.fail("", "found duplicate %TAG directive", token.start);
                    }
                    self.tag_directives.push((handle, prefix));
                }
                _ => return Ok(token),
            }
            token = self.skip_and_peek()?;
        }
    }

    fn document_content(&mut self) -> Result<(), YamlError> {
        use TokenKind::{DocumentEnd, DocumentStart, StreamEnd, TagDirective, VersionDirective};
        let token = self.scanner.peek()?;
        if matches!(token.kind, VersionDirective | TagDirective | DocumentStart | DocumentEnd | StreamEnd) {
            self.pop_state();
            return self.empty_scalar(token.start);
        }
        self.node(true, false)
    }

    fn document_end(&mut self) -> Result<(), YamlError> {
        let token = self.scanner.peek()?;
        let (root, redefined_anchors) = self.builder.end_document();
        let span = self.builder.tree.nodes[root as usize].span;
        let line_end = self.last_line_before(token).max(span.end_line).max(self.line_start);
        self.documents.push(Raw { root, redefined_anchors, line_start: self.line_start, line_end });
        if token.kind == TokenKind::DocumentEnd {
            self.scanner.skip();
        }
        self.tag_directives.clear();
        self.state = State::Document;
        Ok(())
    }

    /// The last line before a token that is not empty.
    fn last_line_before(&self, token: Token) -> u32 {
        let before = &self.scanner.bytes[..token.start.pos as usize];
        let text_end = before.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
        let breaks = before[text_end..].iter().filter(|&&byte| byte == b'\n').count();
        // At the end of a text without a final break the scanner counts a line more.
        let counted = u32::from(token.kind == TokenKind::StreamEnd && before.last() != Some(&b'\n'));
        (token.start.line - counted).saturating_sub(u32::try_from(breaks).unwrap_or(u32::MAX))
    }

    fn node(&mut self, block: bool, indentless: bool) -> Result<(), YamlError> {
        let mut token = self.scanner.peek()?;
        if token.kind == TokenKind::Alias {
            let text = self.scanner.text;
            let name = text.get(token.text.start as usize..token.text.end as usize).unwrap_or_default();
            self.builder.alias(name, span(token.start, token.end))?;
            self.pop_state();
            self.scanner.skip();
            return Ok(());
        }
        let start = token.start;
        let mut end = token.start;
        let mut properties = Properties::default();
        if matches!(token.kind, TokenKind::Anchor | TokenKind::Tag) {
            let (mut anchor, mut tag) = (None, None);
            // An anchor and a tag, in either order, each once.
            for _ in 0..2 {
                match token.kind {
                    TokenKind::Anchor if anchor.is_none() => anchor = Some(token),
                    TokenKind::Tag if tag.is_none() => tag = Some(token),
                    _ => break,
                }
                end = token.end;
                token = self.skip_and_peek()?;
            }
            let text = self.scanner.text;
            properties.anchor = anchor.and_then(|token| text.get(token.text.start as usize..token.text.end as usize));
            properties.tag = tag.map(|tag| self.resolve_tag(tag)).transpose()?;
        }
        let bare = properties.tag.is_none();
        // `!` says "no tag" and, to libyaml, that even a quoted scalar is read like a plain one.
        let non_specific = properties.tag.as_deref() == Some("!");
        if non_specific {
            properties.tag = None;
        }
        let here = |end: Mark| span(start, end);
        match token.kind {
            TokenKind::BlockEntry if indentless => {
                self.state = State::IndentlessEntry;
                self.builder.start(Kind::Sequence, Style::Block, &properties, here(token.start))
            }
            TokenKind::Scalar => {
                let resolve = if token.style == Style::Plain && bare || non_specific {
                    resolve_plain(self.scanner.piece(token.text))
                } else {
                    Tag::Str
                };
                self.builder.scalar(token.text, resolve, token.style, &properties, span(token.start, token.end))?;
                self.pop_state();
                self.scanner.skip();
                Ok(())
            }
            TokenKind::FlowSequenceStart => {
                self.state = State::FlowSequenceFirst;
                self.builder.start(Kind::Sequence, Style::Flow, &properties, here(token.end))
            }
            TokenKind::FlowMappingStart => {
                self.state = State::FlowMappingFirst;
                self.builder.start(Kind::Mapping, Style::Flow, &properties, here(token.end))
            }
            TokenKind::BlockSequenceStart if block => {
                self.state = State::BlockSequenceEntry;
                self.scanner.skip();
                self.builder.start(Kind::Sequence, Style::Block, &properties, here(token.end))
            }
            TokenKind::BlockMappingStart if block => {
                self.state = State::BlockMappingKey;
                self.scanner.skip();
                self.builder.start(Kind::Mapping, Style::Block, &properties, here(token.end))
            }
            _ if properties.anchor.is_some() || !bare => {
                let resolve = if bare { Tag::Null } else { Tag::Str };
                let nothing = Piece { start: end.pos, end: end.pos };
                self.builder.scalar(nothing, resolve, Style::Plain, &properties, span(end, end))?;
                self.pop_state();
                Ok(())
            }
            _ => {
                let context = if block { "while parsing a block node" } else { "while parsing a flow node" };
                self.fail(context, "did not find expected node content", token.start)
            }
        }
    }

    fn resolve_tag(&self, token: Token) -> Result<String, YamlError> {
        let handle = self.scanner.piece(token.text);
        let suffix = self.scanner.piece(token.suffix);
        if handle.is_empty() {
            return Ok(suffix.to_owned());
        }
        let known = self.tag_directives.iter().find(|(known, _)| known == handle).map(|(_, prefix)| prefix.as_str());
        let prefix = match (known, handle) {
            (Some(prefix), _) => prefix,
            (None, "!") => "!",
            (None, "!!") => "tag:yaml.org,2002:",
            _ => return self.fail("while parsing a node", "found undefined tag handle", token.start),
        };
        Ok(format!("{prefix}{suffix}"))
    }

    fn empty_scalar(&mut self, mark: Mark) -> Result<(), YamlError> {
        let nothing = Piece { start: mark.pos, end: mark.pos };
        self.builder.scalar(nothing, Tag::Null, Style::Plain, &Properties::default(), span(mark, mark))
    }

    fn block_sequence_entry(&mut self) -> Result<(), YamlError> {
        use TokenKind::{BlockEnd, BlockEntry};
        let token = self.scanner.peek()?;
        match token.kind {
            BlockEntry => {
                let next = self.skip_and_peek()?;
                if matches!(next.kind, BlockEntry | BlockEnd) {
                    return self.empty_scalar(token.end);
                }
                self.states.push(State::BlockSequenceEntry);
                self.node(true, false)
            }
            BlockEnd => self.end_collection(None),
            _ => self.fail("while parsing a block collection", "did not find expected '-' indicator", token.start),
        }
    }

    fn end_collection(&mut self, end: Option<Mark>) -> Result<(), YamlError> {
        self.pop_state();
        self.scanner.skip();
        self.builder.end(end)
    }

    fn indentless_entry(&mut self) -> Result<(), YamlError> {
        use TokenKind::{BlockEnd, BlockEntry, Key, Value};
        let token = self.scanner.peek()?;
        if token.kind != BlockEntry {
            self.pop_state();
            return self.builder.end(None);
        }
        let next = self.skip_and_peek()?;
        if matches!(next.kind, BlockEntry | Key | Value | BlockEnd) {
            return self.empty_scalar(token.end);
        }
        self.states.push(State::IndentlessEntry);
        self.node(true, false)
    }

    fn block_mapping_key(&mut self) -> Result<(), YamlError> {
        use TokenKind::{BlockEnd, Key, Value};
        let token = self.scanner.peek()?;
        match token.kind {
            Key => {
                let next = self.skip_and_peek()?;
                if matches!(next.kind, Key | Value | BlockEnd) {
                    self.state = State::BlockMappingValue;
                    return self.empty_scalar(token.end);
                }
                self.states.push(State::BlockMappingValue);
                self.node(true, true)
            }
            BlockEnd => self.end_collection(None),
            _ => self.fail("while parsing a block mapping", "did not find expected key", token.start),
        }
    }

    fn block_mapping_value(&mut self) -> Result<(), YamlError> {
        use TokenKind::{BlockEnd, Key, Value};
        let token = self.scanner.peek()?;
        self.state = State::BlockMappingKey;
        if token.kind != Value {
            return self.empty_scalar(token.start);
        }
        let next = self.skip_and_peek()?;
        if matches!(next.kind, Key | Value | BlockEnd) {
            return self.empty_scalar(token.end);
        }
        self.states.push(State::BlockMappingKey);
        self.node(true, true)
    }

    fn flow_sequence_entry(&mut self, first: bool) -> Result<(), YamlError> {
        use TokenKind::{FlowEntry, FlowSequenceEnd, Key};
        let mut token = if first { self.skip_and_peek()? } else { self.scanner.peek()? };
        if token.kind != FlowSequenceEnd {
            if !first {
                if token.kind != FlowEntry {
                    return self.fail("while parsing a flow sequence", "did not find expected ',' or ']'", token.start);
                }
                token = self.skip_and_peek()?;
            }
            if token.kind == Key {
                self.state = State::FlowPairKey;
                self.scanner.skip();
                let place = span(token.start, token.end);
                return self.builder.start(Kind::Mapping, Style::Flow, &Properties::default(), place);
            }
            if token.kind != FlowSequenceEnd {
                self.states.push(State::FlowSequenceEntry);
                return self.node(false, false);
            }
        }
        self.end_collection(Some(token.end))
    }

    fn flow_pair_key(&mut self) -> Result<(), YamlError> {
        use TokenKind::{FlowEntry, FlowSequenceEnd, Value};
        let token = self.scanner.peek()?;
        if matches!(token.kind, Value | FlowEntry | FlowSequenceEnd) {
            // libyaml swallows the token here; with it, `[?, a]` is an error and so it is here.
            self.scanner.skip();
            self.state = State::FlowPairValue;
            return self.empty_scalar(token.end);
        }
        self.states.push(State::FlowPairValue);
        self.node(false, false)
    }

    fn flow_pair_value(&mut self) -> Result<(), YamlError> {
        use TokenKind::{FlowEntry, FlowSequenceEnd, Value};
        let mut token = self.scanner.peek()?;
        if token.kind == Value {
            token = self.skip_and_peek()?;
            if !matches!(token.kind, FlowEntry | FlowSequenceEnd) {
                self.states.push(State::FlowPairEnd);
                return self.node(false, false);
            }
        }
        self.state = State::FlowPairEnd;
        self.empty_scalar(token.start)
    }

    fn flow_mapping_key(&mut self, first: bool) -> Result<(), YamlError> {
        use TokenKind::{FlowEntry, FlowMappingEnd, Key, Value};
        let mut token = if first { self.skip_and_peek()? } else { self.scanner.peek()? };
        if token.kind != FlowMappingEnd {
            if !first {
                if token.kind != FlowEntry {
                    return self.fail("while parsing a flow mapping", "did not find expected ',' or '}'", token.start);
                }
                token = self.skip_and_peek()?;
            }
            if token.kind == Key {
                token = self.skip_and_peek()?;
                if matches!(token.kind, Value | FlowEntry | FlowMappingEnd) {
                    self.state = State::FlowMappingValue;
                    return self.empty_scalar(token.start);
                }
                self.states.push(State::FlowMappingValue);
                return self.node(false, false);
            }
            if token.kind != FlowMappingEnd {
                self.states.push(State::FlowMappingEmptyValue);
                return self.node(false, false);
            }
        }
        self.end_collection(Some(token.end))
    }

    fn flow_mapping_value(&mut self, empty: bool) -> Result<(), YamlError> {
        use TokenKind::{FlowEntry, FlowMappingEnd, Value};
        let mut token = self.scanner.peek()?;
        self.state = State::FlowMappingKey;
        if !empty && token.kind == Value {
            token = self.skip_and_peek()?;
            if !matches!(token.kind, FlowEntry | FlowMappingEnd) {
                self.states.push(State::FlowMappingKey);
                return self.node(false, false);
            }
        }
        self.empty_scalar(token.start)
    }
}

fn span(start: Mark, end: Mark) -> Span {
    Span { start: start.pos, end: end.pos, line: start.line, end_line: end.line }
}
