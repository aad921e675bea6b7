use serde_json::{Map, Value};

use super::tree::Kind;
use super::{Cover, Node};

impl Node<'_> {
    /// The node as kubectl reads it: its scalars as JSON, merge keys applied, the last duplicate key wins. What JSON
    /// cannot say (infinity, cycles) stays text or becomes null.
    #[must_use]
    pub fn to_json(self) -> Value {
        self.to_json_with(&|_| None)
    }

    /// The same with the texts that `cover` gives in the place of scalars.
    #[must_use]
    pub fn to_json_with(self, cover: Cover<'_>) -> Value {
        match self.kind() {
            Kind::Scalar => match cover(self) {
                Some(covered) => Value::from(covered),
                None => self.reading().map_or(Value::Null, |reading| reading.to_json()),
            },
            Kind::Sequence => Value::Array(self.items().map(|item| item.to_json_with(cover)).collect()),
            Kind::Mapping => {
                let fields = self.fields().into_iter();
                let fields = fields.map(|(key, value)| (key.json_key(cover), value.to_json_with(cover)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }

    fn json_key(self, cover: Cover<'_>) -> String {
        match (cover(self), self.scalar()) {
            (Some(covered), _) => covered.to_owned(),
            (None, Some(text)) => text.to_owned(),
            (None, None) => self.to_json_with(cover).to_string(),
        }
    }
}
