use super::tree::Kind;
use super::{Node, Tag};

impl Node<'_> {
    /// The node as bytes that are equal exactly for equal content, whatever the order of keys: what lasting hashes
    /// are made of (see [`Node::digest`] for the quick ones). Secrets are masked: a hash of a short one would tell it.
    #[must_use]
    pub fn canonical(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.write_canonical(&mut out);
        out
    }

    fn write_canonical(self, out: &mut Vec<u8>) {
        match self.kind() {
            Kind::Scalar => {
                let text = self.shown().unwrap_or_default();
                let uri = if self.is_hidden() { "" } else { self.tag_uri().unwrap_or_default() };
                out.push(b's');
                out.push(canonical_tag(self.tag()));
                write_text(uri, out);
                write_text(text, out);
            }
            Kind::Sequence => {
                out.push(b'q');
                out.extend_from_slice(&(self.items().len() as u64).to_le_bytes());
                self.items().for_each(|item| item.write_canonical(out));
            }
            Kind::Mapping => {
                out.push(b'm');
                out.extend_from_slice(&(self.entries().len() as u64).to_le_bytes());
                let start = out.len();
                let mut ends = Vec::with_capacity(self.entries().len());
                for (key, value) in self.entries() {
                    key.write_canonical(out);
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
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Stored hashes depend on these bytes: never change them, whatever happens to the enum.
fn canonical_tag(tag: Tag) -> u8 {
    match tag {
        Tag::Str => b's',
        Tag::Int => b'i',
        Tag::Float => b'f',
        Tag::Bool => b'b',
        Tag::Null => b'n',
        Tag::Timestamp => b't',
        Tag::Binary => b'y',
        Tag::Merge => b'<',
        Tag::Value => b'=',
        Tag::Seq => b'q',
        Tag::Map => b'm',
        Tag::Other => b'o',
        Tag::Cycle => b'@',
    }
}
