//! Reads files (each behind a line with its length) and prints one line for each: the composed documents, or the error.
//! `tests/differential.py` compares this with what PyYAML's composer over libyaml says.
#![expect(clippy::print_stdout, reason = "a program whose output is its purpose")]

use std::fmt::Write;
use std::io::{BufRead, Read};

use anyhow::Result;
use yaml::{Kind, Limits, Node, Tag, parse};

fn main() -> Result<()> {
    let mut input = std::io::stdin().lock();
    let limits = Limits { depth: 200, ..Limits::default() };
    loop {
        let mut head = String::new();
        if input.read_line(&mut head)? == 0 {
            return Ok(());
        }
        let mut text = vec![0; head.trim().parse()?];
        input.read_exact(&mut text)?;
        let mut out = String::new();
        match parse(&text, &limits) {
            Err(error) => write!(out, "E {} {} {}", error.class, error.line.unwrap_or(0), error.message)?,
            Ok(documents) => {
                out.push('D');
                for document in documents {
                    out.push(' ');
                    dump(document.root(), &mut out)?;
                }
            }
        }
        println!("{out}");
    }
}

fn dump(node: Node<'_>, out: &mut String) -> Result<()> {
    match node.kind() {
        Kind::Scalar if node.tag() == Tag::Cycle => out.push('@'),
        Kind::Scalar => {
            let tag = match (node.tag_uri(), node.tag()) {
                (Some(uri), _) => uri.to_owned(),
                (None, tag) => format!("tag:yaml.org,2002:{}", format!("{tag:?}").to_lowercase()),
            };
            write!(
                out,
                "s{}:{}",
                serde_json::to_string(&tag)?,
                serde_json::to_string(node.scalar().unwrap_or_default())?
            )?;
        }
        Kind::Sequence => {
            out.push('[');
            for item in node.items() {
                dump(item, out)?;
                out.push(',');
            }
            out.push(']');
        }
        Kind::Mapping => {
            out.push('{');
            for (key, value) in node.entries() {
                dump(key, out)?;
                out.push('>');
                dump(value, out)?;
                out.push(',');
            }
            out.push('}');
        }
    }
    Ok(())
}
