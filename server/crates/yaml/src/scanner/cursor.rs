//! Where the scanner stands in the text, and steps within it.

use super::{Scanner, narrow};
use crate::bytes::{BLANK, BREAK, END, LEAD, is};
use crate::token::Mark;

impl Scanner<'_> {
    /// Passes everything up to a byte of one of the classes, or to the end of the text.
    #[inline(always)]
    pub(crate) fn pass_until(&mut self, classes: u8) {
        let rest = &self.bytes[self.pos..];
        self.pos += rest.iter().position(|byte| is(*byte, classes)).unwrap_or(rest.len());
    }

    #[inline(always)]
    pub(crate) fn at(&self, ahead: usize) -> u8 {
        self.bytes.get(self.pos + ahead).copied().unwrap_or(0)
    }

    #[inline]
    pub(crate) fn column(&self) -> isize {
        (self.pos - self.line_start) as isize
    }

    #[inline]
    pub(crate) fn mark(&self) -> Mark {
        Mark { pos: narrow(self.pos), line: self.line }
    }

    /// How long the line break at an offset is; 0 where there is none.
    #[inline]
    pub(crate) fn break_len(&self, ahead: usize) -> usize {
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
    pub(crate) fn is_blankz(&self, ahead: usize) -> bool {
        is(self.at(ahead), BLANK | BREAK | END) || self.break_len(ahead) > 0
    }

    #[inline]
    pub(crate) fn is_breakz(&self) -> bool {
        is(self.at(0), BREAK | END) || self.break_len(0) > 0
    }

    /// Passes a line break and says what it counts as in a scalar.
    pub(crate) fn skip_line(&mut self) -> &'static str {
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

    pub(crate) fn skip_comment(&mut self) {
        if self.at(0) == b'#' {
            while !self.is_breakz() {
                self.pos += 1;
                self.pass_until(BREAK | END | LEAD);
            }
        }
    }

    pub(crate) fn is_document_indicator(&self) -> bool {
        self.column() == 0
            && matches!(self.bytes.get(self.pos..self.pos + 3), Some(b"---" | b"..."))
            && self.is_blankz(3)
    }
}
