use std::collections::HashMap;

use entity::kind::ProblemClass;

use crate::scanner::narrow;
use crate::token::{Mark, Piece};
use crate::tree::{Kind, NodeData, Place, Property, Span, Style, Tree};
use crate::{Limits, Tag, YamlError};

/// What stands before a node.
#[derive(Default)]
pub(crate) struct Properties<'a> {
    pub(crate) anchor: Option<&'a str>,
    /// The full tag URI; `None` where the node has no tag (or `!`).
    pub(crate) tag: Option<String>,
    /// The bytes of the anchor.
    pub(crate) anchor_at: Option<(u32, u32)>,
    /// The bytes of the tag.
    pub(crate) tag_at: Option<(u32, u32)>,
}

/// Grows a [`Tree`] from parse events and refuses what exceeds the limits.
pub(crate) struct Builder<'l> {
    limits: &'l Limits,
    pub(crate) tree: Tree,
    open: Vec<Open>,
    /// Finished children of the open collections, innermost last.
    children: Vec<u32>,
    anchors: Vec<Anchor>,
    anchor_by_name: HashMap<String, usize>,
    redefined_anchors: bool,
    root: Option<u32>,
    expanded: usize,
}

struct Open {
    id: u32,
    first_child: usize,
    height: usize,
    expanded: usize,
    anchor: Option<usize>,
}

struct Anchor {
    id: u32,
    /// `None` while its node is still open: an alias to it would be a cycle.
    finished: Option<(usize, usize)>,
}

impl<'l> Builder<'l> {
    pub(crate) fn new(source_len: usize, limits: &'l Limits) -> Self {
        let tree = Tree {
            nodes: Vec::with_capacity(source_len / 16 + 4),
            links: Vec::with_capacity(source_len / 16 + 4),
            ..Tree::default()
        };
        Self {
            limits,
            tree,
            open: Vec::with_capacity(16),
            children: Vec::with_capacity(64),
            anchors: Vec::new(),
            anchor_by_name: HashMap::new(),
            redefined_anchors: false,
            root: None,
            expanded: 0,
        }
    }

    /// The finished tree over the source and the texts that the scanner made.
    pub(crate) fn finish(mut self, source: &str, own: &str) -> Tree {
        let mut pool = String::with_capacity(source.len() + own.len());
        pool.push_str(source);
        pool.push_str(own);
        self.tree.pool = pool;
        self.tree.source_len = source.len();
        self.tree
    }

    /// Ends a document: its root (a document always has one) and whether an anchor was defined twice.
    pub(crate) fn end_document(&mut self) -> (u32, bool) {
        if !self.anchors.is_empty() {
            self.anchors.clear();
            self.anchor_by_name.clear();
        }
        let root = self.root.take().unwrap_or_default();
        (root, std::mem::take(&mut self.redefined_anchors))
    }

    pub(crate) fn scalar(
        &mut self,
        text: Piece,
        resolve: Tag,
        style: Style,
        properties: &Properties<'_>,
        span: Span,
    ) -> Result<(), YamlError> {
        let (tag, uri) = self.tag(properties.tag.as_deref(), resolve);
        let anchored = properties.anchor.is_some();
        let data = NodeData {
            kind: Kind::Scalar,
            tag,
            style,
            anchored,
            tagged: properties.tag.is_some(),
            uri,
            at: text.start,
            len: text.end - text.start,
            span,
        };
        let id = self.push(data)?;
        self.note_properties(id, tag, properties);
        if let Some(name) = properties.anchor {
            self.define(name, Anchor { id, finished: Some((1, 1)) });
        }
        self.attach(id, 1, 1, span.line)
    }

    pub(crate) fn start(
        &mut self,
        kind: Kind,
        style: Style,
        properties: &Properties<'_>,
        span: Span,
    ) -> Result<(), YamlError> {
        let own = if kind == Kind::Sequence { Tag::Seq } else { Tag::Map };
        let (tag, uri) = self.tag(properties.tag.as_deref(), own);
        let anchored = properties.anchor.is_some();
        let tagged = properties.tag.is_some();
        let id = self.push(NodeData { kind, tag, style, anchored, tagged, uri, at: 0, len: 0, span })?;
        self.note_properties(id, tag, properties);
        let anchor = properties.anchor.map(|name| self.define(name, Anchor { id, finished: None }));
        if self.open.len() >= self.limits.depth {
            return Err(self.too_deep(span.line));
        }
        self.open.push(Open { id, first_child: self.children.len(), height: 1, expanded: 1, anchor });
        Ok(())
    }

    /// Ends the innermost collection; `end` is its closing bracket, where it has one.
    pub(crate) fn end(&mut self, end: Option<Mark>) -> Result<(), YamlError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let at = self.tree.links.len();
        self.tree.links.extend_from_slice(&self.children[open.first_child..]);
        self.children.truncate(open.first_child);
        let last = self.tree.links[at..].iter().rev().map(|&id| self.tree.nodes[id as usize].span);
        let last = last.take(2).max_by_key(|span| span.end).map(|span| (span.end, span.end_line));
        let len = self.tree.links.len() - at;
        let data = &mut self.tree.nodes[open.id as usize];
        data.at = narrow(at);
        data.len = narrow(len);
        // A block collection ends with its last child; an alias' span is its anchor's, so never go backwards.
        if let Some((offset, line)) = end.map(|mark| (mark.pos, mark.line)).or(last) {
            data.span.end = data.span.end.max(offset);
            data.span.end_line = data.span.end_line.max(line);
        }
        let line = data.span.line;
        if let Some(anchor) = open.anchor {
            self.anchors[anchor].finished = Some((open.height, open.expanded));
        }
        self.attach(open.id, open.height, open.expanded, line)
    }

    pub(crate) fn alias(&mut self, name: &str, span: Span) -> Result<(), YamlError> {
        let Some(anchor) = self.anchor_by_name.get(name).map(|&index| &self.anchors[index]) else {
            // Not even its name is told: who writes `*` before a password did not mean an alias.
            let message = "found an alias of an anchor that is not defined before it";
            return Err(YamlError::new(ProblemClass::Anchor, message, span.line, 1));
        };
        match anchor.finished {
            Some((height, expanded)) => {
                let id = anchor.id;
                self.tree.aliases.push(Place { id, start: span.start, end: span.end });
                self.attach(id, height, expanded, span.line)
            }
            None => {
                let data = NodeData {
                    kind: Kind::Scalar,
                    tag: Tag::Cycle,
                    style: Style::Plain,
                    anchored: false,
                    tagged: false,
                    uri: 0,
                    at: 0,
                    len: 0,
                    span,
                };
                let id = self.push(data)?;
                self.attach(id, 1, 1, span.line)
            }
        }
    }

    fn tag(&mut self, uri: Option<&str>, resolve: Tag) -> (Tag, u32) {
        let Some(uri) = uri else { return (resolve, 0) };
        let tag = Tag::from_uri(uri);
        if tag != Tag::Other {
            return (tag, 0);
        }
        // Files repeat few tags; the last one is the likeliest.
        let known = self.tree.uris.iter().rev().take(8).position(|known| &**known == uri);
        let index = match known {
            Some(back) => self.tree.uris.len() - 1 - back,
            None => {
                self.tree.uris.push(uri.into());
                self.tree.uris.len() - 1
            }
        };
        (tag, narrow(index))
    }

    fn note_properties(&mut self, id: u32, tag: Tag, properties: &Properties<'_>) {
        let own_tag = properties.tag_at.filter(|_| tag == Tag::Other);
        if properties.anchor_at.is_some() || own_tag.is_some() {
            self.tree.properties.push(Property { id, anchor: properties.anchor_at, tag: own_tag });
        }
    }

    fn define(&mut self, name: &str, anchor: Anchor) -> usize {
        self.anchors.push(anchor);
        let index = self.anchors.len() - 1;
        self.redefined_anchors |= self.anchor_by_name.insert(name.to_owned(), index).is_some();
        index
    }

    fn push(&mut self, data: NodeData) -> Result<u32, YamlError> {
        if self.tree.nodes.len() >= self.limits.nodes {
            let message = format!("the file has more than {} nodes", self.limits.nodes);
            return Err(YamlError::new(ProblemClass::Size, message, data.span.line, 1));
        }
        self.tree.nodes.push(data);
        Ok(narrow(self.tree.nodes.len() - 1))
    }

    fn attach(&mut self, id: u32, height: usize, expanded: usize, line: u32) -> Result<(), YamlError> {
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(id);
            self.expanded = self.expanded.saturating_add(expanded);
            return Ok(());
        };
        parent.height = parent.height.max(height + 1);
        parent.expanded = parent.expanded.saturating_add(expanded);
        self.children.push(id);
        let (height, expanded) = (parent.height, parent.expanded);
        if height > self.limits.depth {
            return Err(self.too_deep(line));
        }
        if self.expanded.saturating_add(expanded) > self.limits.expanded_nodes {
            let message = format!("aliases blow the file up to more than {} nodes", self.limits.expanded_nodes);
            return Err(YamlError::new(ProblemClass::Size, message, line, 1));
        }
        Ok(())
    }

    fn too_deep(&self, line: u32) -> YamlError {
        let message = format!("nested deeper than {} levels", self.limits.depth);
        YamlError::new(ProblemClass::Depth, message, line, 1)
    }
}
