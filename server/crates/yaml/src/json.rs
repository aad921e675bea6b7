use serde_json::{Map, Value};

use crate::Node;
use crate::tree::Kind;

impl Node<'_> {
    /// The node as kubectl reads it: its scalars as JSON, merge keys applied, the last duplicate key wins. What JSON
    /// cannot say (infinity, cycles) stays text or becomes null. Secrets are masked.
    #[must_use]
    pub fn to_json(self) -> Value {
        match self.kind() {
            Kind::Scalar if self.is_hidden() => Value::from(self.shown()),
            Kind::Scalar => self.reading().map_or(Value::Null, super::reading::Reading::to_json),
            Kind::Sequence => Value::Array(self.items().map(Node::to_json).collect()),
            Kind::Mapping => {
                let fields = self.fields().into_iter();
                Value::Object(fields.map(|(key, value)| (key.json_key(), value.to_json())).collect::<Map<_, _>>())
            }
        }
    }

    fn json_key(self) -> String {
        match self.shown() {
            Some(text) => text.to_owned(),
            None => self.to_json().to_string(),
        }
    }
}
