//! Text to tokens. The grammar, with its tolerance and its messages, is libyaml's: that is what Kubernetes' own tools
//! (through go-yaml) and PyYAML accept, and what people know from their error messages.

use super::YamlError;
use super::bytes::{BLANK, BREAK, END, LEAD, WORD, is};
use super::error::problem;
use super::token::{Mark, Piece, Token, TokenKind};

/// A simple key (one without `?`) must end on its line and within this many characters.
const SIMPLE_KEY_REACH: usize = 1024;

#[derive(Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    /// Which token, counted from the start of the stream, would get a `Key` before it.
    number: usize,
    mark: Mark,
    column: isize,
}

pub(super) struct Scanner<'s> {
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
    pub(super) fn new(text: &'s str) -> Self {
        Self {
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

    /// Passes everything up to a byte of one of the classes, or to the end of the text.
    #[inline(always)]
    pub(super) fn pass_until(&mut self, classes: u8) {
        let rest = &self.bytes[self.pos..];
        self.pos += rest.iter().position(|byte| is(*byte, classes)).unwrap_or(rest.len());
    }

    #[inline(always)]
    pub(super) fn at(&self, ahead: usize) -> u8 {
        self.bytes.get(self.pos + ahead).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn column(&self) -> isize {
        (self.pos - self.line_start) as isize
    }

    #[inline]
    pub(super) fn mark(&self) -> Mark {
        Mark { pos: narrow(self.pos), line: self.line }
    }

    /// How long the line break at an offset is; 0 where there is none.
    #[inline]
    pub(super) fn break_len(&self, ahead: usize) -> usize {
        let byte = self.at(ahead);
        if !is(byte, BREAK | LEAD) {
            return 0;
        }
        match byte {
            b'\r' if self.at(ahead + 1) == b'\n' => 2,
            b'\n' | b'\r' => 1,
            0xC2 if self.at(ahead + 1) == 0x85 => 2,
            0xE2 if self.at(ahead + 1) == 0x80 && matches!(self.at(ahead + 2), 0xA8 | 0xA9) => 3,
            _ => 0,
        }
    }

    /// Blank, line break or end of the text.
    #[inline]
    pub(super) fn is_blankz(&self, ahead: usize) -> bool {
        is(self.at(ahead), BLANK | BREAK | END) || self.break_len(ahead) > 0
    }

    #[inline]
    pub(super) fn is_breakz(&self) -> bool {
        is(self.at(0), BREAK | END) || self.break_len(0) > 0
    }

    /// Passes a line break and says what it counts as in a scalar.
    pub(super) fn skip_line(&mut self) -> &'static str {
        let len = self.break_len(0);
        let reads_as = match (len, self.at(2)) {
            (3, 0xA8) => "\u{2028}",
            (3, _) => "\u{2029}",
            _ => "\n",
        };
        self.pos += len;
        self.line += 1;
        self.line_start = self.pos;
        reads_as
    }

    pub(super) fn skip_comment(&mut self) {
        if self.at(0) == b'#' {
            while !self.is_breakz() {
                self.pos += 1;
                self.pass_until(BREAK | END | LEAD);
            }
        }
    }

    pub(super) fn is_document_indicator(&self) -> bool {
        self.column() == 0
            && matches!(self.bytes.get(self.pos..self.pos + 3), Some(b"---" | b"..."))
            && self.is_blankz(3)
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

    /// Whether the next token may turn out to begin a key, so that a token may have to go before it.
    #[inline]
    fn may_become_key(&self) -> bool {
        self.simple_keys.iter().any(|key| key.possible && key.number == self.taken)
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

    fn insert(&mut self, number: usize, token: Token) {
        let index = self.head + (number - self.taken);
        self.tokens.insert(index, token);
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

    #[inline]
    fn forget_stale_keys(&mut self) -> Result<(), YamlError> {
        let (line, pos) = (self.line, self.pos);
        let may_be_stale =
            |key: &SimpleKey| key.possible && (key.mark.line < line || pos - key.mark.pos as usize > SIMPLE_KEY_REACH);
        if self.simple_keys.iter().any(may_be_stale) { self.forget_keys() } else { Ok(()) }
    }

    #[cold]
    fn forget_keys(&mut self) -> Result<(), YamlError> {
        for index in 0..self.simple_keys.len() {
            let key = self.simple_keys[index];
            let start = key.mark.pos as usize;
            let stale = key.possible
                && (key.mark.line < self.line || self.text[start..self.pos].chars().count() > SIMPLE_KEY_REACH);
            if stale {
                if key.required {
                    return self.fail("while scanning a simple key", "could not find expected ':'");
                }
                self.simple_keys[index].possible = false;
            }
        }
        Ok(())
    }

    fn last_key(&mut self) -> &mut SimpleKey {
        if self.simple_keys.is_empty() {
            self.simple_keys.push(SimpleKey::default());
        }
        let last = self.simple_keys.len() - 1;
        &mut self.simple_keys[last]
    }

    fn save_simple_key(&mut self) -> Result<(), YamlError> {
        if self.simple_key_allowed {
            self.remove_simple_key()?;
            *self.last_key() = SimpleKey {
                possible: true,
                required: self.flow_level == 0 && self.indent == self.column(),
                number: self.taken + (self.tokens.len() - self.head),
                mark: self.mark(),
                column: self.column(),
            };
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Result<(), YamlError> {
        let key = self.last_key();
        let missing = key.possible && key.required;
        key.possible = false;
        if missing { self.fail("while scanning a simple key", "could not find expected ':'") } else { Ok(()) }
    }

    /// Opens a block collection where the column says that one begins; before an earlier token, if `number` is given.
    fn roll_indent(&mut self, column: isize, number: Option<usize>, kind: TokenKind, mark: Mark) {
        if self.flow_level > 0 || self.indent >= column {
            return;
        }
        self.indents.push(self.indent);
        self.indent = column;
        let token = Token::new(kind, mark, mark);
        match number {
            Some(number) => self.insert(number, token),
            None => self.tokens.push(token),
        }
    }

    #[inline]
    fn unroll_indent(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push(TokenKind::BlockEnd, self.mark());
            self.indent = self.indents.pop().unwrap_or(-1);
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
