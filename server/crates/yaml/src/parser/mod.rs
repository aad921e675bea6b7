//! Tokens to nodes: the states of YAML's grammar, as libyaml walks them.

mod block;
mod document;
mod flow;
mod node;

use super::build::Builder;
use super::error::problem;
use super::scanner::Scanner;
use super::token::{Mark, Token};
use super::tree::{Span, Tree};
use super::{Escapes, Limits, YamlError};

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
pub(super) fn run(source: &str, limits: &Limits, escapes: Escapes) -> Result<(Tree, Vec<Raw>), YamlError> {
    let mut parser = Parser {
        scanner: Scanner::new(source, escapes),
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
}

fn span(start: Mark, end: Mark) -> Span {
    Span { start: start.pos, end: end.pos, line: start.line, end_line: end.line }
}
