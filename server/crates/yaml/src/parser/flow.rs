//! Collections in brackets.

use super::{Parser, State, span};
use crate::YamlError;
use crate::build::Properties;
use crate::token::TokenKind;
use crate::tree::{Kind, Style};

impl Parser<'_, '_> {
    pub(super) fn flow_sequence_entry(&mut self, first: bool) -> Result<(), YamlError> {
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

    pub(super) fn flow_pair_key(&mut self) -> Result<(), YamlError> {
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

    pub(super) fn flow_pair_value(&mut self) -> Result<(), YamlError> {
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

    pub(super) fn flow_mapping_key(&mut self, first: bool) -> Result<(), YamlError> {
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

    pub(super) fn flow_mapping_value(&mut self, empty: bool) -> Result<(), YamlError> {
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
