use xxhash_rust::xxh3::{xxh3_64, xxh3_128, xxh3_128_with_seed};

use super::tree::Kind;
use super::{Node, Tag};

/// A node's content in 128 bits: equal for equal (resolved tag, text) trees, whatever the order of keys, the comments
/// and the way it is written.
pub type Digest = u128;

impl Node<'_> {
    /// The node's digest. Aliases count as what they stand for.
    #[must_use]
    pub fn digest(self) -> Digest {
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
                    state = join(state, item.digest());
                }
                state
            }
            Kind::Mapping => {
                // A sum does not know the order of its parts; each part is a full hash of key and value.
                let mut sum = u128::from(b'm');
                for (key, value) in self.entries() {
                    sum = sum.wrapping_add(join(key.digest(), value.digest()));
                }
                join(sum, u128::from(b'm'))
            }
        }
    }
}

impl Tag {
    const _SEEDS_FIT: () = assert!((Tag::Cycle as u64) < 64, "seeds of tags are small numbers");
}

fn join(left: u128, right: u128) -> u128 {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&left.to_le_bytes());
    bytes[16..].copy_from_slice(&right.to_le_bytes());
    xxh3_128(&bytes)
}
