//! What only later text tells: that a token began a key, and by its column that a collection begins or ends.

use super::Scanner;
use crate::YamlError;
use crate::token::{Mark, Token, TokenKind};

/// A simple key (one without `?`) must end on its line and within this many characters.
const SIMPLE_KEY_REACH: usize = 1024;

#[derive(Clone, Copy, Default)]
pub(super) struct SimpleKey {
    pub possible: bool,
    required: bool,
    /// Which token, counted from the start of the stream, would get a `Key` before it.
    pub number: usize,
    pub mark: Mark,
    pub column: isize,
}

impl Scanner<'_> {
    /// Whether the next token may turn out to begin a key, so that a token may have to go before it.
    #[inline]
    pub(super) fn may_become_key(&self) -> bool {
        self.simple_keys.iter().any(|key| key.possible && key.number == self.taken)
    }

    #[inline]
    pub(super) fn forget_stale_keys(&mut self) -> Result<(), YamlError> {
        let (line, pos) = (self.line, self.pos);
        let may_be_stale =
            |key: &SimpleKey| key.possible && (key.mark.line < line || pos - key.mark.pos as usize > SIMPLE_KEY_REACH);
        if self.simple_keys.iter().any(may_be_stale) { self.forget_keys() } else { Ok(()) }
    }

    #[cold]
    pub(super) fn forget_keys(&mut self) -> Result<(), YamlError> {
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

    pub(super) fn last_key(&mut self) -> &mut SimpleKey {
        if self.simple_keys.is_empty() {
            self.simple_keys.push(SimpleKey::default());
        }
        let last = self.simple_keys.len() - 1;
        &mut self.simple_keys[last]
    }

    pub(super) fn save_simple_key(&mut self) -> Result<(), YamlError> {
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

    pub(super) fn remove_simple_key(&mut self) -> Result<(), YamlError> {
        let key = self.last_key();
        let missing = key.possible && key.required;
        key.possible = false;
        if missing { self.fail("while scanning a simple key", "could not find expected ':'") } else { Ok(()) }
    }

    /// Opens a block collection where the column says that one begins; before an earlier token, if `number` is given.
    pub(super) fn roll_indent(&mut self, column: isize, number: Option<usize>, kind: TokenKind, mark: Mark) {
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
    pub(super) fn unroll_indent(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push(TokenKind::BlockEnd, self.mark());
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    pub(super) fn insert(&mut self, number: usize, token: Token) {
        let index = self.head + (number - self.taken);
        self.tokens.insert(index, token);
    }
}
