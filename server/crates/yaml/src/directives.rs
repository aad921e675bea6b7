//! The rare tokens: directives and tags.

use crate::YamlError;
use crate::bytes::{BLANK, WORD, is};
use crate::scanner::{Scanner, narrow};
use crate::token::{Mark, Piece, Token, TokenKind};

impl Scanner<'_> {
    pub(crate) fn scan_directive(&mut self) -> Result<Token, YamlError> {
        const CONTEXT: &str = "while scanning a directive";
        let start = self.mark();
        self.pos += 1;
        let from = self.pos;
        while is(self.at(0), WORD) {
            self.pos += 1;
        }
        if self.pos == from {
            return self.fail(CONTEXT, "could not find expected directive name");
        }
        if !self.is_blankz(0) {
            return self.fail(CONTEXT, "found unexpected non-alphabetical character");
        }
        let token = match self.text.get(from..self.pos) {
            Some("YAML") => self.scan_version(start)?,
            Some("TAG") => self.scan_tag_directive(start)?,
            _ => return self.fail(CONTEXT, "found unknown directive name"),
        };
        self.skip_blanks();
        self.skip_comment();
        if !self.is_breakz() {
            return self.fail(CONTEXT, "did not find expected comment or line break");
        }
        if self.break_len(0) > 0 {
            self.skip_line();
        }
        Ok(token)
    }

    fn skip_blanks(&mut self) {
        while is(self.at(0), BLANK) {
            self.pos += 1;
        }
    }

    fn scan_version(&mut self, start: Mark) -> Result<Token, YamlError> {
        self.skip_blanks();
        let major = self.scan_version_number()?;
        if self.at(0) != b'.' {
            return self.fail("while scanning a %YAML directive", "did not find expected digit or '.' character");
        }
        self.pos += 1;
        let minor = self.scan_version_number()?;
        let mut token = Token::new(TokenKind::VersionDirective, start, self.mark());
        token.text = Piece { start: major, end: minor };
        Ok(token)
    }

    fn scan_version_number(&mut self) -> Result<u32, YamlError> {
        const CONTEXT: &str = "while scanning a %YAML directive";
        let from = self.pos;
        let mut value = 0_u32;
        while self.at(0).is_ascii_digit() {
            if self.pos - from == 9 {
                return self.fail(CONTEXT, "found extremely long version number");
            }
            value = value * 10 + u32::from(self.at(0) - b'0');
            self.pos += 1;
        }
        if self.pos == from {
            return self.fail(CONTEXT, "did not find expected version number");
        }
        Ok(value)
    }

    fn scan_tag_directive(&mut self, start: Mark) -> Result<Token, YamlError> {
        const CONTEXT: &str = "while scanning a %TAG directive";
        self.skip_blanks();
        let handle = self.scan_tag_handle(true)?;
        if !is(self.at(0), BLANK) {
            return self.fail(CONTEXT, "did not find expected whitespace");
        }
        self.skip_blanks();
        let prefix = self.scan_tag_uri("", true, true)?;
        if !self.is_blankz(0) {
            return self.fail(CONTEXT, "did not find expected whitespace or line break");
        }
        let mut token = Token::new(TokenKind::TagDirective, start, self.mark());
        (token.text, token.suffix) = (handle, prefix);
        Ok(token)
    }

    pub(crate) fn scan_tag(&mut self) -> Result<Token, YamlError> {
        const CONTEXT: &str = "while scanning a tag";
        let start = self.mark();
        let (mut handle, mut suffix);
        if self.at(1) == b'<' {
            self.pos += 2;
            handle = Piece::default();
            suffix = self.scan_tag_uri("", true, false)?;
            if self.at(0) != b'>' {
                return self.fail(CONTEXT, "did not find the expected '>'");
            }
            self.pos += 1;
        } else {
            handle = self.scan_tag_handle(false)?;
            let head = self.piece(handle);
            if head.len() > 1 && head.ends_with('!') {
                suffix = self.scan_tag_uri("", false, false)?;
            } else {
                // What looked like a handle is the start of the suffix; the handle is `!`.
                let head = head.to_owned();
                suffix = self.scan_tag_uri(&head, false, false)?;
                handle.end = handle.start + 1;
                if suffix.start == suffix.end {
                    (handle, suffix) = (Piece::default(), handle);
                }
            }
        }
        if !self.is_blankz(0) && (self.flow_level == 0 || self.at(0) != b',') {
            return self.fail(CONTEXT, "did not find expected whitespace or line break");
        }
        let mut token = Token::new(TokenKind::Tag, start, self.mark());
        (token.text, token.suffix) = (handle, suffix);
        Ok(token)
    }

    fn scan_tag_handle(&mut self, directive: bool) -> Result<Piece, YamlError> {
        let from = self.pos;
        if self.at(0) != b'!' {
            let context = if directive { "while scanning a tag directive" } else { "while scanning a tag" };
            return self.fail(context, "did not find expected '!'");
        }
        self.pos += 1;
        while is(self.at(0), WORD) {
            self.pos += 1;
        }
        if self.at(0) == b'!' {
            self.pos += 1;
        } else if directive && self.pos - from > 1 {
            return self.fail("while parsing a tag directive", "did not find expected '!'");
        }
        Ok(Piece { start: narrow(from), end: narrow(self.pos) })
    }

    /// A URI with its escapes resolved; `head` is a handle whose text, without its `!`, belongs to it.
    fn scan_tag_uri(&mut self, head: &str, any: bool, directive: bool) -> Result<Piece, YamlError> {
        let from = self.own.len();
        self.own.push_str(head.get(1..).unwrap_or_default());
        let mut length = head.len();
        loop {
            let byte = self.at(0);
            if byte == b'%' {
                self.scan_uri_escapes(directive)?;
            } else if is(byte, WORD)
                || b";/?:@&=+$.!~*'()".contains(&byte)
                || (any && matches!(byte, b',' | b'[' | b']'))
            {
                self.own.push(char::from(byte));
                self.pos += 1;
            } else {
                break;
            }
            length += 1;
        }
        if length == 0 {
            return self.fail(uri_context(directive), "did not find expected tag URI");
        }
        Ok(self.own_piece(from))
    }

    /// One character, as one to four `%XX`.
    fn scan_uri_escapes(&mut self, directive: bool) -> Result<(), YamlError> {
        let context = uri_context(directive);
        let mut octets = Vec::with_capacity(4);
        let mut width = 1;
        while octets.len() < width {
            let high = char::from(self.at(1)).to_digit(16);
            let low = char::from(self.at(2)).to_digit(16);
            let (b'%', Some(high), Some(low)) = (self.at(0), high, low) else {
                return self.fail(context, "did not find URI escaped octet");
            };
            let octet = (high * 16 + low) as u8;
            if octets.is_empty() {
                width = match octet {
                    0..=0x7F => 1,
                    0xC0..=0xDF => 2,
                    0xE0..=0xEF => 3,
                    0xF0..=0xF7 => 4,
                    _ => return self.fail(context, "found an incorrect leading UTF-8 octet"),
                };
            } else if octet & 0xC0 != 0x80 {
                return self.fail(context, "found an incorrect trailing UTF-8 octet");
            }
            octets.push(octet);
            self.pos += 3;
        }
        match std::str::from_utf8(&octets) {
            Ok(text) => {
                self.own.push_str(text);
                Ok(())
            }
            Err(_) => self.fail(context, "found an incorrect UTF-8 sequence"),
        }
    }
}

fn uri_context(directive: bool) -> &'static str {
    if directive { "while parsing a %TAG directive" } else { "while parsing a tag" }
}
