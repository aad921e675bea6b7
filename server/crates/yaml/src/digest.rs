use xxhash_rust::xxh3::{xxh3_64, xxh3_128, xxh3_128_with_seed};

use crate::node::merges;
use crate::tree::Kind;
use crate::{Node, Reading, Tag};

/// A node's content in 128 bits.
pub type Digest = u128;

/// Mappings up to this size are looked through pair by pair for keys that stand twice.
const FEW: usize = 16;

impl Node<'_> {
    /// The node's digest: equal for what kubectl reads as the same. So the order of keys, comments, quotes, anchors,
    /// merge keys and the spelling of numbers, booleans and nulls do not count.
    #[must_use]
    pub fn digest(self) -> Digest {
        self.digest_with(&mut Vec::new())
    }

    /// `open` holds the entries of the mappings that are being read, innermost last: kept to reuse its memory.
    fn digest_with(self, open: &mut Vec<(Digest, Digest)>) -> Digest {
        match self.kind() {
            Kind::Scalar => self.scalar_digest(),
            Kind::Sequence => {
                let mut state = u128::from(b'q');
                for item in self.items() {
                    state = join(state, item.digest_with(open));
                }
                state
            }
            Kind::Mapping => {
                let start = open.len();
                let mut as_read = true;
                for (key, value) in self.entries() {
                    as_read &= !merges(key, value);
                    let entry = (key.key_digest(), value.digest_with(open));
                    open.push(entry);
                }
                if !as_read || has_twice(&mut open[start..]) {
                    open.truncate(start);
                    for (key, value) in self.fields() {
                        let entry = (key.key_digest(), value.digest_with(open));
                        open.push(entry);
                    }
                }
                // A sum does not know the order of its parts; each part is a full hash of key and value.
                let parts = open.drain(start..).map(|(key, value)| join(key, value));
                let sum = parts.fold(u128::from(b'm'), u128::wrapping_add);
                join(sum, u128::from(b'm'))
            }
        }
    }

    fn scalar_digest(self) -> Digest {
        match self.reading() {
            Some(Reading::Text(text)) => text_digest(text),
            Some(Reading::Null) => xxh3_128_with_seed(b"", Tag::Null as u64 + 1),
            Some(Reading::Bool(value)) => xxh3_128_with_seed(&[u8::from(value)], Tag::Bool as u64 + 1),
            Some(Reading::Int(value)) => xxh3_128_with_seed(&value.to_le_bytes(), Tag::Int as u64 + 1),
            Some(Reading::Float(value)) => xxh3_128_with_seed(&value.to_bits().to_le_bytes(), Tag::Float as u64 + 1),
            Some(Reading::Binary(text)) => xxh3_128_with_seed(text.as_bytes(), Tag::Binary as u64 + 1),
            Some(Reading::Cycle) | None => xxh3_128_with_seed(b"", Tag::Cycle as u64 + 1),
        }
    }

    /// The digest of a mapping's key. Keys are texts in JSON, whatever they resolve to: `1` and `"1"` are one key.
    #[must_use]
    pub fn key_digest(self) -> Digest {
        self.scalar().map_or_else(|| self.digest(), text_digest)
    }

    /// The digest by the counting rules: resolved tags and texts as written, merge keys as any other key. Histories are
    /// counted by it.
    #[must_use]
    pub fn written_digest(self) -> Digest {
        match self.kind() {
            Kind::Scalar => {
                let seed = match self.tag_uri() {
                    Some(uri) => xxh3_64(uri.as_bytes()),
                    None => self.tag() as u64 + 1,
                };
                xxh3_128_with_seed(self.bytes(), seed)
            }
            Kind::Sequence => {
                let mut state = u128::from(b'q');
                for item in self.items() {
                    state = join(state, item.written_digest());
                }
                state
            }
            Kind::Mapping => {
                let mut sum = u128::from(b'm');
                for (key, value) in self.entries() {
                    sum = sum.wrapping_add(join(key.written_digest(), value.written_digest()));
                }
                join(sum, u128::from(b'm'))
            }
        }
    }
}

impl Tag {
    const _SEEDS_FIT: () = assert!((Tag::Cycle as u64) < 64, "seeds of tags are small numbers");
}

/// Whether a key stands twice; may sort the entries.
fn has_twice(entries: &mut [(Digest, Digest)]) -> bool {
    if entries.len() > FEW {
        entries.sort_unstable();
        return entries.windows(2).any(|pair| pair[0].0 == pair[1].0);
    }
    (1..entries.len()).any(|at| entries[..at].iter().any(|(key, _)| *key == entries[at].0))
}

fn text_digest(text: &str) -> Digest {
    xxh3_128_with_seed(text.as_bytes(), Tag::Str as u64 + 1)
}

fn join(left: u128, right: u128) -> u128 {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&left.to_le_bytes());
    bytes[16..].copy_from_slice(&right.to_le_bytes());
    xxh3_128(&bytes)
}
