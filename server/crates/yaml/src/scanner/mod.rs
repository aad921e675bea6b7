//! Text to tokens. The grammar, with its tolerance and its messages, is libyaml's: that is what Kubernetes' own tools
//! (through go-yaml) and PyYAML accept, and what people know from their error messages.

mod cursor;
mod keys;

use keys::SimpleKey;

use super::bytes::{WORD, is};
use super::error::problem;
use super::token::{Mark, Piece, Token, TokenKind};
use super::{Escapes, YamlError};

pub(super) struct Scanner<'s> {
    pub(super) escapes: Escapes,
    pub(super) text: &'s str,
    pub(super) bytes: &'s [u8],
    /// Texts of scalars that cannot be a piece of the source.
    pub(super) own: String,
    pub(super) pos: usize,
    pub(super) line: u32,
    pub(super) line_start: usize,
    pub(super) indent: isize,
    pub(super) flow_level: usize,
    pub(super) simple_key_allowed: bool,
    /// Line breaks of the scalar that is being read; kept to reuse its memory.
    pub(super) breaks: String,
    indents: Vec<isize>,
    simple_keys: Vec<SimpleKey>,
    tokens: Vec<Token>,
    head: usize,
    /// Tokens handed out so far.
    taken: usize,
    available: bool,
}

impl<'s> Scanner<'s> {
    pub(super) fn new(text: &'s str, escapes: Escapes) -> Self {
        Self {
            escapes,
            text,
            bytes: text.as_bytes(),
            own: String::new(),
            pos: 0,
            line: 1,
            line_start: 0,
            indent: -1,
            flow_level: 0,
            simple_key_allowed: true,
            breaks: String::new(),
            indents: Vec::with_capacity(16),
            simple_keys: vec![SimpleKey::default()],
            tokens: Vec::with_capacity(16),
            head: 0,
            taken: 0,
            available: false,
        }
    }

    /// The next token, which stays next.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<Token, YamlError> {
        if !self.available {
            self.fill()?;
        }
        Ok(self.tokens[self.head])
    }

    /// Drops the token that `peek` gave.
    #[inline]
    pub(super) fn skip(&mut self) {
        self.available = false;
        self.taken += 1;
        self.head += 1;
        if self.head == self.tokens.len() {
            self.tokens.clear();
            self.head = 0;
        }
    }

    pub(super) fn piece(&self, piece: Piece) -> &str {
        let (start, end) = (piece.start as usize, piece.end as usize);
        match start.checked_sub(self.text.len()) {
            Some(start) if piece.end > piece.start => &self.own[start..end - self.text.len()],
            _ => self.text.get(start..end).unwrap_or_default(),
        }
    }

    /// A piece of the texts behind the source: from `start` in `own` to its end.
    pub(super) fn own_piece(&self, start: usize) -> Piece {
        Piece { start: narrow(self.text.len() + start), end: narrow(self.text.len() + self.own.len()) }
    }

    pub(super) fn fail<T>(&self, context: &str, what: &str) -> Result<T, YamlError> {
        Err(problem(self.text, context, what, self.mark()))
    }

    fn fill(&mut self) -> Result<(), YamlError> {
        loop {
            if self.head < self.tokens.len() {
                self.forget_stale_keys()?;
                if !self.may_become_key() {
                    break;
                }
            }
            self.fetch()?;
        }
        self.available = true;
        Ok(())
    }

    fn push(&mut self, kind: TokenKind, start: Mark) {
        let end = self.mark();
        self.tokens.push(Token::new(kind, start, end));
    }

    fn push_indicator(&mut self, kind: TokenKind, len: usize) {
        let start = self.mark();
        self.pos += len;
        self.push(kind, start);
    }

    fn fetch(&mut self) -> Result<(), YamlError> {
        self.skip_to_next_token();
        self.forget_stale_keys()?;
        self.unroll_indent(self.column());
        if self.pos >= self.bytes.len() {
            return self.fetch_stream_end();
        }
        let byte = self.at(0);
        if self.column() == 0 {
            if byte == b'%' {
                return self.fetch_directive();
            }
            if self.is_document_indicator() {
                return self.fetch_document_indicator(byte);
            }
        }
        let in_flow = self.flow_level > 0;
        match byte {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                self.push_indicator(TokenKind::FlowEntry, 1);
                Ok(())
            }
            b'-' if self.is_blankz(1) => self.fetch_block_entry(),
            b'?' if in_flow || self.is_blankz(1) => self.fetch_key(),
            b':' if in_flow || self.is_blankz(1) => self.fetch_value(),
            b'*' => self.fetch_anchor(TokenKind::Alias),
            b'&' => self.fetch_anchor(TokenKind::Anchor),
            b'!' => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                let token = self.scan_tag()?;
                self.tokens.push(token);
                Ok(())
            }
            b'|' | b'>' if !in_flow => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                let token = self.scan_block_scalar(byte == b'|')?;
                self.tokens.push(token);
                Ok(())
            }
            b'\'' | b'"' => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                let token = self.scan_quoted_scalar(byte == b'\'')?;
                self.tokens.push(token);
                Ok(())
            }
            b'-' | b'?' | b':' => self.fetch_plain_scalar(),
            b'\t' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => {
                self.fail("while scanning for the next token", "found character that cannot start any token")
            }
            _ => self.fetch_plain_scalar(),
        }
    }

    fn skip_to_next_token(&mut self) {
        loop {
            if self.column() == 0 && self.bytes[self.pos..].starts_with("\u{feff}".as_bytes()) {
                self.pos += 3;
                // One character wide, however many bytes it takes.
                self.line_start += 2;
            }
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            while self.at(0) == b' ' || (tabs && self.at(0) == b'\t') {
                self.pos += 1;
            }
            self.skip_comment();
            if self.break_len(0) == 0 {
                return;
            }
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    fn fetch_stream_end(&mut self) -> Result<(), YamlError> {
        if self.column() != 0 {
            self.line_start = self.pos;
            self.line += 1;
        }
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push(TokenKind::StreamEnd, self.mark());
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), YamlError> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_directive()?;
        self.tokens.push(token);
        Ok(())
    }

    fn fetch_document_indicator(&mut self, byte: u8) -> Result<(), YamlError> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let kind = if byte == b'-' { TokenKind::DocumentStart } else { TokenKind::DocumentEnd };
        self.push_indicator(kind, 3);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind) -> Result<(), YamlError> {
        self.save_simple_key()?;
        self.simple_keys.push(SimpleKey::default());
        self.flow_level += 1;
        self.simple_key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind) -> Result<(), YamlError> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            self.simple_keys.pop();
        }
        self.simple_key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), YamlError> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.fail("", "block sequence entries are not allowed in this context");
            }
            self.roll_indent(self.column(), None, TokenKind::BlockSequenceStart, self.mark());
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(TokenKind::BlockEntry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), YamlError> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.fail("", "mapping keys are not allowed in this context");
            }
            self.roll_indent(self.column(), None, TokenKind::BlockMappingStart, self.mark());
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_indicator(TokenKind::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), YamlError> {
        let key = *self.last_key();
        if key.possible {
            self.insert(key.number, Token::new(TokenKind::Key, key.mark, key.mark));
            self.roll_indent(key.column, Some(key.number), TokenKind::BlockMappingStart, key.mark);
            self.last_key().possible = false;
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return self.fail("", "mapping values are not allowed in this context");
                }
                self.roll_indent(self.column(), None, TokenKind::BlockMappingStart, self.mark());
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_indicator(TokenKind::Value, 1);
        Ok(())
    }

    fn fetch_anchor(&mut self, kind: TokenKind) -> Result<(), YamlError> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark();
        self.pos += 1;
        let from = self.pos;
        while is(self.at(0), WORD) {
            self.pos += 1;
        }
        let ends = matches!(self.at(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`') || self.is_blankz(0);
        if self.pos == from || !ends {
            let context =
                if kind == TokenKind::Anchor { "while scanning an anchor" } else { "while scanning an alias" };
            return self.fail(context, "did not find expected alphabetic or numeric character");
        }
        let mut token = Token::new(kind, start, self.mark());
        token.text = Piece { start: narrow(from), end: narrow(self.pos) };
        self.tokens.push(token);
        Ok(())
    }

    fn fetch_plain_scalar(&mut self) -> Result<(), YamlError> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_plain_scalar()?;
        self.tokens.push(token);
        Ok(())
    }
}

/// Files are far smaller than 4 GiB (see `Limits::bytes`), so offsets fit.
pub(super) fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
