//! What an expression may hold. Each rule keeps one thing from growing: loops and sums the work, uses of `paths` the lists,
//! texts to match the patterns that are compiled; names are known or said to be wrong.

use std::collections::HashMap;

use cel::Program;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};
use regex::Regex;

use crate::pattern::compile;
use crate::text::cut;

const MAX_LOOPS: usize = 4;
const MAX_SUMS: usize = 8;
const MAX_PATTERNS: usize = 8;
const MAX_USES_OF_PATHS: usize = 8;
/// Whoever works it out goes down with each part that stands within another.
const MAX_DEPTH: usize = 64;

const OPERATORS: [&str; 19] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::NOT_STRICTLY_FALSE,
    operators::IN,
];
/// What may be called, beside loops and operators.
const FUNCTIONS: [&str; 10] =
    ["size", "contains", "startsWith", "endsWith", "matches", "string", "int", "uint", "double", "bool"];
const LOOPS: [&str; 6] = ["exists", "all", "exists_one", "existsOne", "map", "filter"];
const REPOSITORY_FIELDS: [&str; 3] = ["name", "url", "provider"];
const TEKTON_FIELDS: [&str; 3] = ["found", "action", "kinds"];

/// A variable of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Branch,
    Event,
    Repository,
    Commit,
    PreviousCommit,
    Forced,
    Paths,
    Tekton,
}

impl Use {
    const ALL: [Self; 8] = [
        Self::Branch,
        Self::Event,
        Self::Repository,
        Self::Commit,
        Self::PreviousCommit,
        Self::Forced,
        Self::Paths,
        Self::Tekton,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Event => "event",
            Self::Repository => "repository",
            Self::Commit => "commit",
            Self::PreviousCommit => "previous_commit",
            Self::Forced => "forced",
            Self::Paths => "paths",
            Self::Tekton => "tekton",
        }
    }

    const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Repository => &REPOSITORY_FIELDS,
            Self::Tekton => &TEKTON_FIELDS,
            _ => &[],
        }
    }
}

/// What was found while looking.
pub(super) struct Found {
    pub(super) uses: Vec<Use>,
    /// What `matches` is called with.
    pub(super) patterns: HashMap<String, Regex>,
    /// Whether more paths cannot make it false.
    pub(super) grows: bool,
}

struct Bounds<'a> {
    text: &'a str,
    program: &'a Program,
    uses: Vec<Use>,
    patterns: HashMap<String, Regex>,
    loops: usize,
    sums: usize,
    uses_of_paths: usize,
}

/// Where something stands, in words: lines and columns from 1.
pub(super) fn place(text: &str, line: isize, column: isize) -> String {
    let column = column.max(1);
    if text.contains('\n') { format!("line {}, column {column}", line.max(1)) } else { format!("column {column}") }
}

/// Looks through a whole expression.
pub(super) fn check(text: &str, program: &Program) -> Result<Found, String> {
    let mut bounds =
        Bounds { text, program, uses: Vec::new(), patterns: HashMap::new(), loops: 0, sums: 0, uses_of_paths: 0 };
    bounds.walk(program.expression(), &mut Vec::new(), false, 0)?;
    Ok(Found { uses: bounds.uses, patterns: bounds.patterns, grows: grows(program.expression()) })
}

impl<'a> Bounds<'a> {
    fn walk(&mut self, at: &'a IdedExpr, own: &mut Vec<&'a str>, in_loop: bool, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(self.error(at, "is nested too deeply; write it as several parts joined by &&"));
        }
        match &at.expr {
            Expr::Literal(LiteralValue::Bytes(_)) => Err(self.error(at, "bytes are not known here; write a text")),
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.name(at, name, own, in_loop),
            Expr::Select(select) => {
                let Expr::Ident(root) = &select.operand.expr else {
                    return Err(self.error(at, &format!("nothing here has a field {}", cut(&select.field, 60))));
                };
                self.field(at, root, &select.field, own)
            }
            Expr::Call(call) => self.call(at, call, own, in_loop, depth),
            Expr::Comprehension(comprehension) => self.repeated(at, comprehension, own, in_loop, depth),
            Expr::List(list) => {
                let is_plain = list.elements.iter().all(|element| matches!(element.expr, Expr::Literal(_)));
                if in_loop && !is_plain {
                    return Err(self.error(at, "a list within a loop may hold texts and numbers only"));
                }
                list.elements.iter().try_for_each(|element| self.walk(element, own, in_loop, depth + 1))
            }
            Expr::Map(_) | Expr::Struct(_) => Err(self.error(at, "maps are not known here; compare with == and `in`")),
            Expr::Unspecified => Err(self.error(at, "something is missing")),
        }
    }

    fn name(&mut self, at: &IdedExpr, name: &str, own: &[&str], in_loop: bool) -> Result<(), String> {
        if name.starts_with('@') || own.contains(&name) {
            return Ok(());
        }
        let Some(found) = Use::ALL.into_iter().find(|known| known.name() == name) else {
            let known: Vec<&str> = Use::ALL.iter().map(|known| known.name()).collect();
            let name = cut(name, 60);
            return Err(self.error(at, &format!("there is no {name}; there are {}", known.join(", "))));
        };
        if let Some(first) = found.fields().first() {
            let fields = found.fields().join(", ");
            return Err(self.error(at, &format!("{name} has fields ({fields}); write {name}.{first}")));
        }
        if found == Use::Paths {
            if in_loop {
                return Err(self.error(at, "paths cannot be used within a loop; write a loop over paths of its own"));
            }
            self.uses_of_paths += 1;
            if self.uses_of_paths > MAX_USES_OF_PATHS {
                return Err(self.error(at, &format!("paths may be used {MAX_USES_OF_PATHS} times at most")));
            }
        }
        self.used(found);
        Ok(())
    }

    fn field(&mut self, at: &IdedExpr, root: &str, field: &str, own: &[&str]) -> Result<(), String> {
        let known = Use::ALL.into_iter().find(|known| known.name() == root && !own.contains(&root));
        let (root, field) = (cut(root, 60), cut(field, 60));
        match known {
            Some(known) if known.fields().contains(&field.as_str()) => {
                self.used(known);
                Ok(())
            }
            Some(known) if !known.fields().is_empty() => {
                let fields = known.fields().join(", ");
                Err(self.error(at, &format!("{root} has no field {field}; it has {fields}")))
            }
            _ => Err(self.error(at, &format!("{root} has no field {field}"))),
        }
    }

    fn call(
        &mut self,
        at: &'a IdedExpr,
        call: &'a CallExpr,
        own: &mut Vec<&'a str>,
        in_loop: bool,
        depth: usize,
    ) -> Result<(), String> {
        let name = call.func_name.as_str();
        if !OPERATORS.contains(&name) && !FUNCTIONS.contains(&name) {
            let what = if LOOPS.contains(&name) {
                "is called on a list, such as paths.exists(p, p.endsWith(\".yaml\"))"
            } else {
                "is not known here"
            };
            let known = FUNCTIONS.join(", ");
            return Err(self.error(at, &format!("{} {what}; there are {known} and loops", cut(name, 60))));
        }
        if name == operators::ADD {
            // What loops collect with is no sum of whoever wrote it.
            if let [IdedExpr { expr: Expr::Ident(first), .. }, last] = call.args.as_slice()
                && first.starts_with('@')
            {
                return match &last.expr {
                    Expr::List(list) => {
                        list.elements.iter().try_for_each(|element| self.walk(element, own, in_loop, depth + 1))
                    }
                    _ => self.walk(last, own, in_loop, depth + 1),
                };
            }
            self.sums += 1;
            if self.sums > MAX_SUMS {
                return Err(self.error(at, &format!("at most {MAX_SUMS} sums are allowed")));
            }
        }
        if name == "matches" {
            self.pattern(at, call)?;
        }
        call.target.iter().try_for_each(|target| self.walk(target, own, in_loop, depth + 1))?;
        call.args.iter().try_for_each(|argument| self.walk(argument, own, in_loop, depth + 1))
    }

    /// Patterns are compiled here, once: compiled for each path they would take seconds.
    fn pattern(&mut self, at: &IdedExpr, call: &CallExpr) -> Result<(), String> {
        let Some(IdedExpr { expr: Expr::Literal(LiteralValue::String(pattern)), .. }) = call.args.last() else {
            return Err(self.error(at, "matches takes a pattern in quotes, such as branch.matches(\"^release/\")"));
        };
        let pattern = pattern.inner();
        if self.patterns.contains_key(pattern) {
            return Ok(());
        }
        if self.patterns.len() == MAX_PATTERNS {
            return Err(self.error(at, &format!("at most {MAX_PATTERNS} patterns are allowed")));
        }
        let regex = compile(pattern).map_err(|why| self.error(at, &format!("matches: {why}")))?;
        self.patterns.insert(pattern.to_owned(), regex);
        Ok(())
    }

    fn repeated(
        &mut self,
        at: &'a IdedExpr,
        comprehension: &'a ComprehensionExpr,
        own: &mut Vec<&'a str>,
        in_loop: bool,
        depth: usize,
    ) -> Result<(), String> {
        if in_loop {
            return Err(self.error(at, "loops cannot stand within loops; join them by && or ||"));
        }
        self.loops += 1;
        if self.loops > MAX_LOOPS {
            return Err(self.error(at, &format!("at most {MAX_LOOPS} loops are allowed")));
        }
        self.walk(&comprehension.iter_range, own, in_loop, depth + 1)?;
        own.push(&comprehension.iter_var);
        for part in [&comprehension.loop_cond, &comprehension.loop_step, &comprehension.result] {
            self.walk(part, own, true, depth + 1)?;
        }
        own.pop();
        Ok(())
    }

    fn used(&mut self, what: Use) {
        if !self.uses.contains(&what) {
            self.uses.push(what);
        }
    }

    fn error(&self, at: &IdedExpr, message: &str) -> String {
        let Some((start, _)) = self.program.source_info().offset_for(at.id) else { return message.to_owned() };
        let before = self.text.get(..start as usize).unwrap_or_default();
        let line = isize::try_from(before.matches('\n').count() + 1).unwrap_or(1);
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let place = place(self.text, line, isize::try_from(column).unwrap_or(1));
        format!("{place}: {message}")
    }
}

/// Whether what is true of some of the paths is true of all: `exists` and `in`, joined by `&&` and `||`.
fn grows(at: &IdedExpr) -> bool {
    if !uses_paths(at) {
        return true;
    }
    let is_paths = |at: &IdedExpr| matches!(&at.expr, Expr::Ident(name) if name == "paths");
    match &at.expr {
        Expr::Call(call) => match call.func_name.as_str() {
            operators::LOGICAL_AND | operators::LOGICAL_OR => call.args.iter().all(grows),
            operators::IN => matches!(call.args.as_slice(), [one, all] if is_paths(all) && !uses_paths(one)),
            _ => false,
        },
        Expr::Comprehension(exists) => {
            let begins_false = matches!(&exists.accu_init.expr, Expr::Literal(LiteralValue::Boolean(b)) if !*b.inner());
            is_paths(&exists.iter_range) && begins_false
        }
        _ => false,
    }
}

fn uses_paths(at: &IdedExpr) -> bool {
    at.references().has_variable("paths")
}
