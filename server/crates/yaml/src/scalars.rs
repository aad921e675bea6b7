//! The texts: plain, quoted and block scalars. What stands in the source as it reads is not copied.

use crate::bytes::{BLANK, BREAK, COLON, FLOW, LEAD, QUOTE, is};
use crate::scanner::{Scanner, narrow};
use crate::token::{Mark, Piece, Token, TokenKind};
use crate::tree::Style;
use crate::{Escapes, YamlError};

/// A scalar under construction: a run of the source, copied only once it turns out that one run is not enough.
struct Run {
    start: usize,
    /// Where the copy starts in `own`, if there is one.
    copy: Option<usize>,
}

impl Run {
    /// Copies the run up to `end`; the next one starts at `next`.
    fn copy(&mut self, scanner: &mut Scanner<'_>, end: usize, next: usize) {
        self.copy.get_or_insert(scanner.own.len());
        scanner.own.push_str(scanner.text.get(self.start..end).unwrap_or_default());
        self.start = next;
    }

    fn finish(mut self, scanner: &mut Scanner<'_>, end: usize) -> Piece {
        if self.copy.is_none() {
            return Piece { start: narrow(self.start), end: narrow(end) };
        }
        self.copy(scanner, end, end);
        scanner.own_piece(self.copy.unwrap_or_default())
    }
}

impl Scanner<'_> {
    fn scalar(style: Style, text: Piece, start: Mark, end: Mark) -> Token {
        Token { style, text, ..Token::new(TokenKind::Scalar, start, end) }
    }

    /// Folds the breaks between two lines: a single one is a space, of several the first is dropped.
    fn fold(&mut self, leading: &str) {
        if leading != "\n" {
            self.own.push_str(leading);
            self.own.push_str(&self.breaks);
        } else if self.breaks.is_empty() {
            self.own.push(' ');
        } else {
            self.own.push_str(&self.breaks);
        }
        self.breaks.clear();
    }

    pub(crate) fn scan_plain_scalar(&mut self) -> Result<Token, YamlError> {
        const CONTEXT: &str = "while scanning a plain scalar";
        let start = self.mark();
        let mut end = start;
        let indent = self.indent + 1;
        let in_flow = self.flow_level > 0;
        let stop = BLANK | BREAK | LEAD | COLON | if in_flow { FLOW } else { 0 };
        let mut run = Run { start: self.pos, copy: None };
        let mut leading: Option<&'static str> = None;
        self.breaks.clear();
        loop {
            if self.at(0) == b'#' || self.is_document_indicator() {
                break;
            }
            loop {
                let from = self.pos;
                self.pass_until(stop);
                // What only might have stopped us is content: a colon within a word, the lead byte of a letter.
                let content = match self.at(0) {
                    b':' if in_flow && matches!(self.at(1), b',' | b'?' | b'[' | b']' | b'{' | b'}') => {
                        return self.fail(CONTEXT, "found unexpected ':'");
                    }
                    b':' => !self.is_blankz(1),
                    0xC2 | 0xE2 => self.break_len(0) == 0,
                    _ => false,
                };
                self.pos += usize::from(content);
                if self.pos > from {
                    if let Some(leading) = leading.take() {
                        run.copy(self, end.pos as usize, from);
                        self.fold(leading);
                    }
                    end = self.mark();
                }
                if !content {
                    break;
                }
            }
            if !is(self.at(0), BLANK) && self.break_len(0) == 0 {
                break;
            }
            loop {
                if is(self.at(0), BLANK) {
                    if leading.is_some() && self.column() < indent && self.at(0) == b'\t' {
                        return self.fail(CONTEXT, "found a tab character that violates indentation");
                    }
                    self.pos += 1;
                } else if self.break_len(0) > 0 {
                    let line_break = self.skip_line();
                    if leading.is_none() {
                        leading = Some(line_break);
                    } else {
                        self.breaks.push_str(line_break);
                    }
                } else {
                    break;
                }
            }
            if !in_flow && self.column() < indent {
                break;
            }
        }
        if leading.is_some() {
            self.simple_key_allowed = true;
        }
        let text = run.finish(self, end.pos as usize);
        Ok(Self::scalar(Style::Plain, text, start, end))
    }

    pub(crate) fn scan_quoted_scalar(&mut self, single: bool) -> Result<Token, YamlError> {
        const CONTEXT: &str = "while scanning a quoted scalar";
        let start = self.mark();
        let quote = self.at(0);
        self.pos += 1;
        let mut run = Run { start: self.pos, copy: None };
        let text = loop {
            if self.is_document_indicator() {
                return self.fail(CONTEXT, "found unexpected document indicator");
            }
            if self.pos >= self.bytes.len() {
                return self.fail(CONTEXT, "found unexpected end of stream");
            }
            // `Some` once a break is behind us; empty after an escaped one, which reads as nothing.
            let mut leading: Option<&'static str> = None;
            self.breaks.clear();
            loop {
                self.pass_until(BLANK | BREAK | LEAD | QUOTE);
                let byte = self.at(0);
                if byte == b'\'' && single && self.at(1) == b'\'' {
                    let end = self.pos + 1;
                    run.copy(self, end, end + 1);
                    self.pos += 2;
                } else if byte == quote {
                    break;
                } else if byte == b'\\' && !single {
                    let end = self.pos;
                    if self.break_len(1) > 0 {
                        self.pos += 1;
                        self.skip_line();
                        run.copy(self, end, self.pos);
                        leading = Some("");
                        break;
                    }
                    run.copy(self, end, end);
                    self.scan_escape()?;
                    run.start = self.pos;
                } else if self.is_blankz(0) {
                    break;
                } else {
                    self.pos += 1;
                }
            }
            if self.at(0) == quote && leading.is_none() {
                break run.finish(self, self.pos);
            }
            if self.at(0) == quote {
                run.start = self.pos;
                break run.finish(self, self.pos);
            }
            let line_end = self.pos;
            loop {
                if is(self.at(0), BLANK) {
                    self.pos += 1;
                } else if self.break_len(0) > 0 {
                    let line_break = self.skip_line();
                    match leading {
                        None => {
                            run.copy(self, line_end, line_end);
                            leading = Some(line_break);
                        }
                        Some(_) => self.breaks.push_str(line_break),
                    }
                } else {
                    break;
                }
            }
            if let Some(leading) = leading {
                self.fold(leading);
                run.start = self.pos;
            }
        };
        self.pos += 1;
        let style = if single { Style::SingleQuoted } else { Style::DoubleQuoted };
        Ok(Self::scalar(style, text, start, self.mark()))
    }

    /// Reads what a backslash starts.
    fn scan_escape(&mut self) -> Result<(), YamlError> {
        const CONTEXT: &str = "while parsing a quoted scalar";
        let simple = match self.at(1) {
            b'0' => '\0',
            b'a' => '\u{7}',
            b'b' => '\u{8}',
            b't' | b'\t' => '\t',
            b'n' => '\n',
            b'v' => '\u{b}',
            b'f' => '\u{c}',
            b'r' => '\r',
            b'e' => '\u{1b}',
            b' ' => ' ',
            b'"' => '"',
            b'/' => '/',
            b'\\' => '\\',
            b'N' => '\u{85}',
            b'_' => '\u{a0}',
            b'L' => '\u{2028}',
            b'P' => '\u{2029}',
            b'x' => return self.scan_code(2),
            b'u' => return self.scan_code(4),
            b'U' => return self.scan_code(8),
            _ => return self.fail(CONTEXT, "found unknown escape character"),
        };
        self.pos += 2;
        self.own.push(simple);
        Ok(())
    }

    fn scan_code(&mut self, digits: usize) -> Result<(), YamlError> {
        const CONTEXT: &str = "while parsing a quoted scalar";
        self.pos += 2;
        let Some(value) = self.hexadecimal(0, digits) else {
            return self.fail(CONTEXT, "did not find expected hexadecimal number");
        };
        let character = match (char::from_u32(value), self.escapes) {
            (Some(character), _) => character,
            (None, Escapes::Json) if digits == 4 => {
                self.scan_half(value);
                return Ok(());
            }
            (None, _) => return self.fail(CONTEXT, "found invalid Unicode character escape code"),
        };
        self.own.push(character);
        self.pos += digits;
        Ok(())
    }

    /// The first half of a character; one that stands alone is no character, as readers of JSON have it.
    fn scan_half(&mut self, first: u32) {
        let second = (self.at(4) == b'\\' && self.at(5) == b'u').then(|| self.hexadecimal(6, 4)).flatten();
        let pair = second.filter(|second| (0xDC00..0xE000).contains(second) && first < 0xDC00);
        let whole = pair.and_then(|second| char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)));
        self.own.push(whole.unwrap_or(char::REPLACEMENT_CHARACTER));
        self.pos += if whole.is_some() { 10 } else { 4 };
    }

    /// The number that so many digits are; `None` where one of them is no digit.
    fn hexadecimal(&self, from: usize, digits: usize) -> Option<u32> {
        let digit = |ahead| char::from(self.at(ahead)).to_digit(16);
        (from..from + digits).try_fold(0_u32, |value, ahead| Some(value.wrapping_shl(4) | digit(ahead)?))
    }

    pub(crate) fn scan_block_scalar(&mut self, literal: bool) -> Result<Token, YamlError> {
        const CONTEXT: &str = "while scanning a block scalar";
        let start = self.mark();
        self.pos += 1;
        let (mut keep, mut strip, mut increment) = (false, false, 0);
        // Chomping and indentation stand in either order.
        for _ in 0..2 {
            match self.at(0) {
                b'+' | b'-' if !keep && !strip => {
                    (keep, strip) = (self.at(0) == b'+', self.at(0) == b'-');
                    self.pos += 1;
                }
                b'0' if increment == 0 => {
                    return self.fail(CONTEXT, "found an indentation indicator equal to 0");
                }
                digit @ b'1'..=b'9' if increment == 0 => {
                    increment = isize::from(digit - b'0');
                    self.pos += 1;
                }
                _ => break,
            }
        }
        while is(self.at(0), BLANK) {
            self.pos += 1;
        }
        self.skip_comment();
        if !self.is_breakz() {
            return self.fail(CONTEXT, "did not find expected comment or line break");
        }
        // Where the last line with text ends: what is masked or shown, without the empty lines behind it.
        let mut end = self.mark();
        if self.break_len(0) > 0 {
            self.skip_line();
        }
        let mut indent = if increment > 0 { self.indent.max(0) + increment } else { 0 };
        let from = self.own.len();
        self.breaks.clear();
        self.scan_block_breaks(&mut indent)?;
        let mut leading = "";
        let mut leading_blank = false;
        while self.column() == indent && self.pos < self.bytes.len() {
            let blank = is(self.at(0), BLANK);
            if !literal && leading == "\n" && !leading_blank && !blank {
                if self.breaks.is_empty() {
                    self.own.push(' ');
                }
            } else {
                self.own.push_str(leading);
            }
            self.own.push_str(&self.breaks);
            self.breaks.clear();
            leading_blank = blank;
            let line = self.pos;
            loop {
                self.pass_until(BREAK | LEAD);
                if self.is_breakz() {
                    break;
                }
                self.pos += 1;
            }
            self.own.push_str(self.text.get(line..self.pos).unwrap_or_default());
            end = self.mark();
            leading = if self.break_len(0) > 0 { self.skip_line() } else { "" };
            self.scan_block_breaks(&mut indent)?;
        }
        if !strip {
            self.own.push_str(leading);
        }
        if keep {
            self.own.push_str(&self.breaks);
        }
        let style = if literal { Style::Literal } else { Style::Folded };
        let text = self.own_piece(from);
        Ok(Self::scalar(style, text, start, end))
    }

    /// Passes empty lines, and finds the indentation out where it is not known (0).
    fn scan_block_breaks(&mut self, indent: &mut isize) -> Result<(), YamlError> {
        let mut widest = 0;
        loop {
            while (*indent == 0 || self.column() < *indent) && self.at(0) == b' ' {
                self.pos += 1;
            }
            widest = widest.max(self.column());
            if (*indent == 0 || self.column() < *indent) && self.at(0) == b'\t' {
                return self.fail(
                    "while scanning a block scalar",
                    "found a tab character where an indentation space is expected",
                );
            }
            if self.break_len(0) == 0 {
                break;
            }
            let line_break = self.skip_line();
            self.breaks.push_str(line_break);
        }
        if *indent == 0 {
            *indent = widest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}
