//! References as spans: an edge from a document to what it names, while its state stays the same.

use std::collections::BTreeMap;

use entity::input::{FoundReference, LinePoint, Span};
use entity::value::clean;

use super::super::evaluate::Reference;
use super::Tracker;
use super::names::{MAX_KEY, stable_id};

impl Tracker {
    /// Notes which edges the tree has now, and which not any more.
    pub(super) fn follow_references(&mut self, at: LinePoint, went: &[Reference], came: Vec<Reference>) {
        let mut came: BTreeMap<i64, Reference> = came.into_iter().map(|one| (key_of(&one), one)).collect();
        for one in went {
            let key = key_of(one);
            // Where documents of a file are numbered anew, another part of it may say the same edge now.
            if came.remove(&key).is_none()
                && let Some(id) = self.open_references.remove(&key)
            {
                self.end_reference(at, id);
            }
        }
        for (key, one) in came {
            if !self.open_references.contains_key(&key) {
                self.begin_reference(at, key, &one);
            }
        }
    }

    fn begin_reference(&mut self, at: LinePoint, key: i64, one: &Reference) {
        // No name that Kubernetes takes is so long.
        if one.from.len() > MAX_KEY || one.to.len() > MAX_KEY {
            return;
        }
        let (edge, sequence) = (key.to_le_bytes(), at.sequence.to_le_bytes());
        let id = stable_id("span of a reference", &[&self.repository, &edge, &sequence]);
        let ((from_kind, _, from_name), (kind, namespace, name)) = (parts(&one.from), parts(&one.to));
        self.changed = true;
        self.open_references.insert(key, id);
        self.began_references.insert(id, self.batch.references.len());
        self.batch.references.push(FoundReference {
            id,
            key,
            file_path: clean(&place_of(one)),
            from_kind: clean(from_kind),
            from_name: clean(from_name),
            field: one.field.to_owned(),
            kind: clean(kind),
            namespace: Some(clean(namespace)).filter(|namespace| namespace != "-"),
            name: clean(name),
            status: one.status,
            span: Span { from: at, to: None },
        });
    }

    fn end_reference(&mut self, at: LinePoint, id: i64) {
        self.changed = true;
        match self.began_references.get(&id) {
            Some(place) => self.batch.references[*place].span.to = Some(at),
            None => self.batch.ended_references.push((id, at)),
        }
    }
}

/// The same for the same edge from the same place.
fn key_of(one: &Reference) -> i64 {
    let place = place_of(one);
    let parts = [&one.file, place.as_str(), &one.document, &one.from, one.field, &one.to, one.status.as_str()];
    stable_id("reference", &parts.map(str::as_bytes))
}

/// Where the document stands, as resources say it.
fn place_of(one: &Reference) -> String {
    one.index.map_or_else(|| one.file.to_string(), |index| index.place(&one.file))
}

/// Kind, namespace and name of `Kind/namespace/name`.
fn parts(object: &str) -> (&str, &str, &str) {
    let (kind, rest) = object.split_once('/').unwrap_or((object, ""));
    let (namespace, name) = rest.split_once('/').unwrap_or(("-", rest));
    (kind, namespace, name)
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn objects_have_parts() {
        assert_eq!(parts("Secret/apps/web"), ("Secret", "apps", "web"));
        assert_eq!(parts("folder/-/apps/web"), ("folder", "-", "apps/web"));
        assert_eq!(parts("Secret"), ("Secret", "-", ""));
    }
}
