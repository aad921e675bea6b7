//! What of a file must not be shown, as somebody found it who knows what secrets look like.

use entity::view::MASK;

/// How a scalar is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cover {
    /// A mask in its place.
    Whole,
    /// Its text with masks in the place of its secret parts, as many lines as before.
    Parts(Box<str>),
}

/// What of a file must not be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Numbers of the scalars, ascending.
    ids: Vec<u32>,
    covers: Vec<Cover>,
    /// Numbers of all nodes that stand within a secret, ascending: their tags and anchors are not shown either.
    within: Vec<u32>,
    /// Comments, by their bytes.
    comments: Vec<(usize, usize)>,
}

impl Hidden {
    /// Puts together what was found, in any order. Of two findings about one node the stricter one counts.
    #[must_use]
    pub fn new(mut covers: Vec<(u32, Cover)>, mut within: Vec<u32>, comments: Vec<(usize, usize)>) -> Self {
        covers.sort_by_key(|(id, cover)| (*id, *cover != Cover::Whole));
        covers.dedup_by_key(|(id, _)| *id);
        within.sort_unstable();
        within.dedup();
        let (ids, covers) = covers.into_iter().unzip();
        Self { ids, covers, within, comments }
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The scalars that are not shown as they are, by their numbers, ascending.
    pub fn covers(&self) -> impl Iterator<Item = (u32, &Cover)> {
        self.ids.iter().copied().zip(&self.covers)
    }

    /// The comments that are not shown, by their bytes.
    #[must_use]
    pub fn comments(&self) -> &[(usize, usize)] {
        &self.comments
    }

    /// Whether anything stands within a secret.
    #[must_use]
    pub fn has_within(&self) -> bool {
        !self.within.is_empty()
    }

    /// Whether a node stands within a secret.
    #[must_use]
    pub fn is_within(&self, id: u32) -> bool {
        self.within.binary_search(&id).is_ok()
    }

    /// What is shown of a scalar by its number; `None` where that is all of it.
    #[must_use]
    pub fn shown(&self, id: u32) -> Option<&str> {
        match &self.covers[self.ids.binary_search(&id).ok()?] {
            Cover::Whole => Some(MASK),
            Cover::Parts(text) => Some(text),
        }
    }
}
