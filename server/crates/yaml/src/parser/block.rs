//! Collections by indentation.

use super::{Parser, State};
use crate::YamlError;
use crate::token::{Mark, TokenKind};

impl Parser<'_, '_> {
    pub(super) fn block_sequence_entry(&mut self) -> Result<(), YamlError> {
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

    pub(super) fn end_collection(&mut self, end: Option<Mark>) -> Result<(), YamlError> {
        self.pop_state();
        self.scanner.skip();
        self.builder.end(end)
    }

    pub(super) fn indentless_entry(&mut self) -> Result<(), YamlError> {
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

    pub(super) fn block_mapping_key(&mut self) -> Result<(), YamlError> {
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

    pub(super) fn block_mapping_value(&mut self) -> Result<(), YamlError> {
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
}
