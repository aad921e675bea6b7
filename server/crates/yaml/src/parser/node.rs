//! A node's properties and what it is.

use super::{Parser, State, span};
use crate::build::Properties;
use crate::tag::resolve_plain;
use crate::token::{Mark, Piece, Token, TokenKind};
use crate::tree::{Kind, Style};
use crate::{Tag, YamlError};

impl Parser<'_, '_> {
    pub(super) fn node(&mut self, block: bool, indentless: bool) -> Result<(), YamlError> {
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
            let bytes = |token: Token| (token.start.pos, token.end.pos);
            (properties.anchor_at, properties.tag_at) = (anchor.map(bytes), tag.map(bytes));
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

    pub(super) fn resolve_tag(&self, token: Token) -> Result<String, YamlError> {
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

    pub(super) fn empty_scalar(&mut self, mark: Mark) -> Result<(), YamlError> {
        let nothing = Piece { start: mark.pos, end: mark.pos };
        self.builder.scalar(nothing, Tag::Null, Style::Plain, &Properties::default(), span(mark, mark))
    }
}
