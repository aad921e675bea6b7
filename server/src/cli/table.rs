//! Plain aligned columns for people: numbers to the right, no frames.

use std::io::Write;

/// Rows of text with a heading.
pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings; one that begins with `>` heads a column of numbers.
    pub fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; control characters from outside are shown as `?`, so that no file can paint on a terminal.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let clean = |cell: String| cell.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        self.rows.push(cells.into_iter().map(clean).collect());
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes a title and at most `limit` rows, saying how many were left out.
    pub fn write(&self, out: &mut impl Write, title: &str, limit: usize) -> std::io::Result<()> {
        writeln!(out, "\n{title}")?;
        let shown = &self.rows[..self.rows.len().min(limit)];
        let width = |column: usize| {
            let cells = shown.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([self.head[column].trim_start_matches('>').len()]).max().unwrap_or(0).min(72)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let line = |out: &mut dyn Write, cells: &[&str]| -> std::io::Result<()> {
            let mut text = String::from(" ");
            for ((cell, width), head) in cells.iter().zip(&widths).zip(&self.head) {
                let cell = fit(cell, *width);
                if head.starts_with('>') {
                    text.push_str(&format!(" {cell:>width$} "));
                } else {
                    text.push_str(&format!(" {cell:<width$} "));
                }
            }
            writeln!(out, "{}", text.trim_end())
        };
        let head: Vec<&str> = self.head.iter().map(|head| head.trim_start_matches('>')).collect();
        line(out, &head)?;
        for row in shown {
            line(out, &row.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        match self.rows.len() - shown.len() {
            0 => Ok(()),
            more => writeln!(out, "  … and {} more", number(more as u64)),
        }
    }
}

fn fit(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    cell.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Digits in groups of three, parted by thin spaces.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(table: &Table, limit: usize) -> String {
        let mut out = Vec::new();
        table.write(&mut out, "Kinds", limit).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_line_up_and_numbers_stand_to_the_right() {
        let mut table = Table::new(&["kind", ">count"]);
        table.row(["Deployment".to_owned(), "7".to_owned()]);
        table.row(["Pod".to_owned(), number(1_234)]);
        assert_eq!(
            written(&table, 9),
            "\nKinds\n  kind        count\n  Deployment      7\n  Pod         1\u{2009}234\n"
        );
    }

    #[test]
    fn what_is_left_out_is_counted_and_control_characters_are_harmless() {
        let mut table = Table::new(&["kind"]);
        table.row(["a\u{1b}[31m".to_owned()]);
        table.row(["b".to_owned()]);
        assert_eq!(written(&table, 1), "\nKinds\n  kind\n  a?[31m\n  … and 1 more\n");
    }
}
