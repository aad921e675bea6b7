//! Manifests as they are stored: zstd with a dictionary made of what manifests have in common.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

/// The dictionary that new texts are compressed with.
pub const CURRENT_DICTIONARY: i16 = 1;

/// Larger texts are not stored; nothing larger is unpacked, whatever a row says.
pub const MAX_TEXT_BYTES: usize = 64 * 1024 * 1024;

/// Fast above all: a first scan compresses tens of thousands of texts.
const LEVEL: i32 = 1;

/// Every dictionary that texts may still be stored with, by id. Never take one away.
const DICTIONARIES: &[(i16, &[u8])] = &[(1, include_bytes!("../../assets/manifest.dict"))];

static ENCODER: LazyLock<Option<EncoderDictionary<'static>>> = LazyLock::new(|| {
    DICTIONARIES
        .iter()
        .find(|(id, _)| *id == CURRENT_DICTIONARY)
        .map(|(_, bytes)| EncoderDictionary::copy(bytes, LEVEL))
});

static DECODERS: LazyLock<HashMap<i16, DecoderDictionary<'static>>> =
    LazyLock::new(|| DICTIONARIES.iter().map(|(id, bytes)| (*id, DecoderDictionary::copy(bytes))).collect());

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSORS: RefCell<HashMap<i16, Decompressor<'static>>> = RefCell::new(HashMap::new());
}

/// Why a text could not be packed or unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// Packed by a newer program.
    #[error("dictionary {0} is not known to this version of the program")]
    UnknownDictionary(i16),
    /// The row is damaged.
    #[error("{0}")]
    Zstd(#[from] std::io::Error),
    /// A size that no stored text has.
    #[error("size {0} is out of range")]
    Size(i64),
    /// The row is damaged.
    #[error("text has {found} bytes, {expected} were stored")]
    Length {
        /// What came out.
        found: usize,
        /// What the row says.
        expected: usize,
    },
}

/// Packs a text with [`CURRENT_DICTIONARY`]; the context is kept by each thread.
pub fn compress(text: &[u8]) -> Result<Vec<u8>, TextError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(TextError::Size(i64::try_from(text.len()).unwrap_or(i64::MAX)));
    }
    COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => {
                let mut compressor = match &*ENCODER {
                    Some(dictionary) => Compressor::with_prepared_dictionary(dictionary)?,
                    None => return Err(TextError::UnknownDictionary(CURRENT_DICTIONARY)),
                };
                // The row names dictionary and size; four bytes saved in each of a million texts.
                compressor.include_dictid(false)?;
                compressor.include_contentsize(false)?;
                compressor.include_checksum(false)?;
                slot.insert(compressor)
            }
        };
        Ok(compressor.compress(text)?)
    })
}

/// Unpacks a text that is `size` bytes long; anything else is an error.
pub fn decompress(dictionary: i16, packed: &[u8], size: i64) -> Result<Vec<u8>, TextError> {
    let expected = usize::try_from(size).ok().filter(|size| *size <= MAX_TEXT_BYTES).ok_or(TextError::Size(size))?;
    let prepared = DECODERS.get(&dictionary).ok_or(TextError::UnknownDictionary(dictionary))?;
    let text = DECOMPRESSORS.with_borrow_mut(|all| {
        let decompressor = match all.entry(dictionary) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(Decompressor::with_prepared_dictionary(prepared)?)
            }
        };
        decompressor.decompress(packed, expected)
    })?;
    if text.len() == expected { Ok(text) } else { Err(TextError::Length { found: text.len(), expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: default\nspec:\n  ports:\n    - port: 80\n";

    #[test]
    fn text_comes_back_as_it_was() {
        for text in ["", "a", MANIFEST, &MANIFEST.repeat(1000)] {
            let packed = compress(text.as_bytes()).unwrap();
            let size = i64::try_from(text.len()).unwrap();
            assert_eq!(decompress(CURRENT_DICTIONARY, &packed, size).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn dictionary_makes_small_manifests_small() {
        assert!(compress(MANIFEST.as_bytes()).unwrap().len() * 2 < MANIFEST.len());
    }

    #[test]
    fn more_than_the_stored_size_is_refused() {
        let packed = compress(&vec![b'a'; 100_000]).unwrap();
        assert!(decompress(CURRENT_DICTIONARY, &packed, 10).is_err());
        assert!(matches!(decompress(CURRENT_DICTIONARY, &packed, 100_001), Err(TextError::Length { .. })));
        assert!(matches!(decompress(CURRENT_DICTIONARY, &packed, -1), Err(TextError::Size(-1))));
        assert!(matches!(decompress(99, &packed, 100_000), Err(TextError::UnknownDictionary(99))));
    }
}
