//! Where documents begin and end, and their directives.

use super::{Parser, Raw, State};
use crate::YamlError;
use crate::token::{Mark, Token, TokenKind};

impl Parser<'_, '_> {
    pub(super) fn document_start(&mut self, implicit: bool) -> Result<(), YamlError> {
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

    pub(super) fn rest_of_line_is_empty(&self, mark: Mark) -> bool {
        let rest = self.scanner.text.get(mark.pos as usize..).unwrap_or_default();
        let line = rest.split(['\n', '\r']).next().unwrap_or_default().trim_start();
        line.is_empty() || line.starts_with('#')
    }

    pub(super) fn directives(&mut self) -> Result<Token, YamlError> {
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

    pub(super) fn document_content(&mut self) -> Result<(), YamlError> {
        use TokenKind::{DocumentEnd, DocumentStart, StreamEnd, TagDirective, VersionDirective};
        let token = self.scanner.peek()?;
        if matches!(token.kind, VersionDirective | TagDirective | DocumentStart | DocumentEnd | StreamEnd) {
            self.pop_state();
            return self.empty_scalar(token.start);
        }
        self.node(true, false)
    }

    pub(super) fn document_end(&mut self) -> Result<(), YamlError> {
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
    pub(super) fn last_line_before(&self, token: Token) -> u32 {
        let before = &self.scanner.bytes[..token.start.pos as usize];
        let text_end = before.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
        let breaks = before[text_end..].iter().filter(|&&byte| byte == b'\n').count();
        // At the end of a text without a final break the scanner counts a line more.
        let counted = u32::from(token.kind == TokenKind::StreamEnd && before.last() != Some(&b'\n'));
        (token.start.line - counted).saturating_sub(u32::try_from(breaks).unwrap_or(u32::MAX))
    }
}
