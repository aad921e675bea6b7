//! Paths of keys, written so that they can be read back.

/// Longest path; what stands deeper is passed over.
const MAX_PATH: usize = 8_000;

/// A path under construction: keys joined by `.`, an element of a list as `[]`, a key of other characters as `["key"]`.
#[derive(Debug, Default)]
pub struct KeyPath(String);

impl KeyPath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Goes into a key; gives back what [`pop`](Self::pop) takes. `None` where the path would be too long.
    pub fn push_key(&mut self, key: &str) -> Option<usize> {
        let mark = self.0.len();
        if mark + key.len() > MAX_PATH {
            return None;
        }
        if is_bare(key) {
            if mark > 0 {
                self.0.push('.');
            }
            self.0.push_str(key);
        } else {
            self.0.push('[');
            // A text can always be written as JSON.
            self.0.push_str(&serde_json::to_string(key).unwrap_or_default());
            self.0.push(']');
        }
        Some(mark)
    }

    /// Goes into the elements of a list.
    pub fn push_item(&mut self) -> usize {
        let mark = self.0.len();
        self.0.push_str("[]");
        mark
    }

    /// Goes back to where it was.
    pub fn pop(&mut self, mark: usize) {
        self.0.truncate(mark);
    }
}

fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'-'))
}
