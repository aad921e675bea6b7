//! One way to walk nodes of files and merged values.

use entity::kind::ValueType;
use yaml::{Kind, Node};

use super::super::text::{entries, scalar};
use super::merged::Merged;

/// A node of a file, or something that merging made.
#[derive(Clone, Copy)]
pub enum View<'m> {
    /// A node, and the number of the layer that it comes from.
    Node(Node<'m>, u16),
    Merged(&'m Merged),
}

/// What a node is made of.
pub enum Shape<'m> {
    /// In the order of their keys, each once.
    Map(Vec<(&'m str, View<'m>)>),
    List(Vec<View<'m>>),
    Scalar(&'m str, ValueType),
}

impl<'m> View<'m> {
    /// What it is made of.
    pub fn shape(self) -> Shape<'m> {
        match self {
            Self::Node(node, layer) => match node.kind() {
                Kind::Mapping => {
                    Shape::Map(entries(node).into_iter().map(|(key, value)| (key, Self::Node(value, layer))).collect())
                }
                Kind::Sequence => Shape::List(node.items().map(|item| Self::Node(item, layer)).collect()),
                Kind::Scalar => scalar(node)
                    .map_or(Shape::Scalar("null", ValueType::Null), |(text, kind)| Shape::Scalar(text, kind)),
            },
            Self::Merged(Merged::Node(node, layer)) => Self::Node(node.node(), *layer).shape(),
            Self::Merged(Merged::Text { text, kind, .. }) => Shape::Scalar(text, *kind),
            Self::Merged(Merged::Map(map)) => {
                Shape::Map(map.iter().map(|(key, value)| (key.as_str(), Self::Merged(value))).collect())
            }
            Self::Merged(Merged::List(list)) => Shape::List(list.iter().map(Self::Merged).collect()),
        }
    }

    /// The text and type of a scalar; `None` for maps and lists.
    pub fn shape_of_leaf(self) -> Option<(&'m str, ValueType)> {
        match self {
            Self::Node(node, _) => match node.kind() {
                Kind::Scalar => scalar(node),
                Kind::Mapping | Kind::Sequence => None,
            },
            Self::Merged(Merged::Node(node, layer)) => Self::Node(node.node(), *layer).shape_of_leaf(),
            Self::Merged(Merged::Text { text, kind, .. }) => Some((text, *kind)),
            Self::Merged(Merged::Map(_) | Merged::List(_)) => None,
        }
    }

    /// Whether it is a list.
    pub fn is_list(self) -> bool {
        match self {
            Self::Node(node, _) => node.is_sequence(),
            Self::Merged(Merged::Node(node, _)) => node.node().is_sequence(),
            Self::Merged(merged) => matches!(merged, Merged::List(_)),
        }
    }

    /// The layer that it comes from and the line in that; `None` for what several layers made together.
    pub fn place(self) -> Option<(u16, u32)> {
        match self {
            Self::Node(node, layer) => Some((layer, node.span().line)),
            Self::Merged(Merged::Node(node, layer)) => Some((*layer, node.node().span().line)),
            Self::Merged(Merged::Text { layer, line, .. }) => Some((*layer, *line)),
            Self::Merged(Merged::Map(_) | Merged::List(_)) => None,
        }
    }

    /// Whether what it says is secret by where it stands.
    pub fn is_hidden(self) -> bool {
        match self {
            Self::Node(node, _) => node.is_hidden(),
            Self::Merged(Merged::Node(node, _)) => node.node().is_hidden(),
            Self::Merged(Merged::Text { hidden, .. }) => *hidden,
            Self::Merged(_) => false,
        }
    }
}
