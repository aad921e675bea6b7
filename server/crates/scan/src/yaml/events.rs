use entity::kind::ProblemClass;
use saphyr_parser::{Event, Parser, ScalarStyle, Span as EventSpan};

use super::build::{Builder, Properties, Text};
use super::tree::{Kind, Span, Style};
use super::{Limits, Tag, YamlError, resolve_plain};

pub(super) struct Raw {
    pub(super) root: u32,
    pub(super) redefined: bool,
    pub(super) line_start: u32,
    pub(super) line_end: u32,
}

pub(super) fn build<'l>(source: &str, limits: &'l Limits) -> Result<(Builder<'l>, Vec<Raw>), YamlError> {
    let mut builder = Builder::new(source.len(), limits);
    let mut documents = Vec::new();
    let offsets: Option<Vec<u32>> = (!source.is_ascii())
        .then(|| source.char_indices().map(|(i, _)| i as u32).chain([source.len() as u32]).collect());
    let byte =
        |index: usize| offsets.as_ref().map_or(index as u32, |o| o.get(index).copied().unwrap_or(source.len() as u32));
    let at = |span: EventSpan| Span {
        start: byte(span.start.index()),
        end: byte(span.end.index()),
        line: span.start.line() as u32,
        end_line: span.end.line() as u32,
    };
    let mut line_start = 1;
    for event in Parser::new_from_str(source).keep_tags(false) {
        let (event, span) = event.map_err(|error| {
            let mark = error.marker();
            YamlError::new(ProblemClass::Syntax, error.info(), mark.line() as u32, mark.col() as u32 + 1)
        })?;
        let span = at(span);
        match event {
            Event::DocumentStart(_) => line_start = span.line,
            Event::DocumentEnd => {
                let (root, redefined) = builder.end_document();
                documents.push(Raw { root, redefined, line_start, line_end: span.end_line });
            }
            Event::Alias(id) => builder.alias(&id.to_string(), span, 1)?,
            Event::Scalar(text, style, anchor, tag) => {
                let name = (anchor > 0).then(|| anchor.to_string());
                let uri = tag.map(|t| format!("{}{}", t.handle, t.suffix));
                let p = Properties { anchor: name.as_deref(), tag: uri.as_deref() };
                let (style, resolve) = match style {
                    ScalarStyle::Plain => (Style::Plain, resolve_plain(&text)),
                    ScalarStyle::SingleQuoted => (Style::SingleQuoted, Tag::Str),
                    ScalarStyle::DoubleQuoted => (Style::DoubleQuoted, Tag::Str),
                    ScalarStyle::Literal => (Style::Literal, Tag::Str),
                    ScalarStyle::Folded => (Style::Folded, Tag::Str),
                };
                builder.scalar(Text::Own(&text), resolve, style, &p, span)?;
            }
            Event::SequenceStart(anchor, tag) => {
                let name = (anchor > 0).then(|| anchor.to_string());
                let uri = tag.map(|t| format!("{}{}", t.handle, t.suffix));
                builder.start(
                    Kind::Sequence,
                    Style::Block,
                    &Properties { anchor: name.as_deref(), tag: uri.as_deref() },
                    span,
                )?;
            }
            Event::MappingStart(anchor, tag) => {
                let name = (anchor > 0).then(|| anchor.to_string());
                let uri = tag.map(|t| format!("{}{}", t.handle, t.suffix));
                builder.start(
                    Kind::Mapping,
                    Style::Block,
                    &Properties { anchor: name.as_deref(), tag: uri.as_deref() },
                    span,
                )?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.end(None)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd => {}
        }
    }
    Ok((builder, documents))
}
