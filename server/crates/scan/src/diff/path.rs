use std::fmt;

/// Longest path as text, in characters; what is longer is cut at its end.
const MAX_PATH: usize = 500;

/// The place of a field: `spec.values.image.tag`, `spec.containers[name=app].image`, `args[0]`,
/// `metadata.labels."app.kubernetes.io/name"`.
#[derive(Clone, Debug, Default)]
pub struct FieldPath {
    text: String,
    /// Where each segment starts.
    starts: Vec<usize>,
}

impl FieldPath {
    /// A path of plain keys.
    #[must_use]
    pub fn of(keys: &[&str]) -> Self {
        let mut path = Self::default();
        keys.iter().for_each(|key| path.push_key(key));
        path
    }

    /// How many segments it has.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.starts.len()
    }

    /// One key deeper; keys with dots or odd characters are quoted.
    pub fn push_key(&mut self, key: &str) {
        self.starts.push(self.text.len());
        if self.is_full() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('.');
        }
        if is_plain(key) {
            self.text.push_str(key);
        } else {
            self.push_quoted(key);
        }
    }

    /// One place of a list deeper, from 0.
    pub fn push_index(&mut self, index: usize) {
        self.starts.push(self.text.len());
        if !self.is_full() {
            self.text.push('[');
            self.text.push_str(&index.to_string());
            self.text.push(']');
        }
    }

    /// One item of a list deeper, found by what it is called.
    pub fn push_identity(&mut self, key: &str, value: &str) {
        self.starts.push(self.text.len());
        if self.is_full() {
            return;
        }
        self.text.push('[');
        self.text.push_str(key);
        self.text.push('=');
        if value.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')) && !value.is_empty() {
            self.text.extend(value.chars().take(MAX_PATH));
        } else {
            self.push_quoted(value);
        }
        self.text.push(']');
    }

    /// One segment back.
    pub fn pop(&mut self) {
        if let Some(start) = self.starts.pop() {
            self.text.truncate(start);
        }
    }

    /// Bytes are at least as many as characters, and four times as many at most.
    fn is_full(&self) -> bool {
        self.text.len() > MAX_PATH * 4
    }

    fn push_quoted(&mut self, text: &str) {
        self.text.push('"');
        for c in text.chars().take(MAX_PATH) {
            match c {
                '"' | '\\' => self.text.extend(['\\', c]),
                c if c.is_control() => self.text.extend(c.escape_default()),
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= MAX_PATH
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.char_indices().nth(MAX_PATH) {
            Some((end, _)) => write!(f, "{}…", &self.text[..end]),
            None => f.write_str(&self.text),
        }
    }
}
