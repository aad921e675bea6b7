use crate::tree::Kind;
use crate::{Node, Reading};

impl Node<'_> {
    /// The node as bytes that are equal exactly for what kubectl reads as the same: what lasting hashes are made of (see
    /// [`Node::digest`] for the quick ones). Secrets are masked: a hash of a short one would tell it.
    #[must_use]
    pub fn canonical(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.write_canonical(&mut out);
        out
    }

    fn write_canonical(self, out: &mut Vec<u8>) {
        match self.kind() {
            Kind::Scalar if self.is_hidden() => write_scalar(b's', self.shown().unwrap_or_default(), out),
            Kind::Scalar => match self.reading() {
                Some(Reading::Null) => write_scalar(b'n', "null", out),
                Some(Reading::Bool(value)) => write_scalar(b'b', if value { "true" } else { "false" }, out),
                Some(Reading::Int(value)) => write_scalar(b'i', &value.to_string(), out),
                Some(Reading::Float(value)) => write_scalar(b'f', &value.to_string(), out),
                Some(Reading::Text(text)) => write_scalar(b's', text, out),
                Some(Reading::Binary(text)) => write_scalar(b'y', text, out),
                Some(Reading::Cycle) | None => write_scalar(b'@', "", out),
            },
            Kind::Sequence => {
                out.push(b'q');
                out.extend_from_slice(&(self.items().len() as u64).to_le_bytes());
                self.items().for_each(|item| item.write_canonical(out));
            }
            Kind::Mapping => {
                out.push(b'm');
                let fields = self.fields();
                out.extend_from_slice(&(fields.len() as u64).to_le_bytes());
                let start = out.len();
                let mut ends = Vec::with_capacity(fields.len());
                for (key, value) in fields {
                    key.write_key(out);
                    value.write_canonical(out);
                    ends.push(out.len());
                }
                let mut from = start;
                let mut entries: Vec<&[u8]> = Vec::with_capacity(ends.len());
                for end in ends {
                    entries.push(&out[from..end]);
                    from = end;
                }
                if !entries.is_sorted() {
                    entries.sort_unstable();
                    let sorted = entries.concat();
                    out.truncate(start);
                    out.extend_from_slice(&sorted);
                }
            }
        }
    }

    /// Keys are texts in JSON.
    fn write_key(self, out: &mut Vec<u8>) {
        match self.shown() {
            Some(text) => write_scalar(b's', text, out),
            None => self.write_canonical(out),
        }
    }
}

/// Stored hashes are made of these bytes. The empty text is where tags stood that are not YAML's own: it keeps the
/// hashes of what was stored before they stopped to count.
fn write_scalar(kind: u8, text: &str, out: &mut Vec<u8>) {
    out.extend([b's', kind]);
    write_text("", out);
    write_text(text, out);
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}
