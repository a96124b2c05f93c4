use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::error::TemplateError;

/// How deep a template may be nested; real ones stay below 20.
const MAX_DEPTH: usize = 64;

/// A part of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// The text as it stands: `029` stays `029`.
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    /// An intrinsic function by its short name (`Ref`, `Sub`), however it was written, and its argument.
    Call(String, Box<Node>),
}

/// A collection that is being read.
struct Open {
    line: usize,
    tag: Option<String>,
    is_map: bool,
    key: Option<String>,
    entries: Vec<(String, Node)>,
    items: Vec<Node>,
}

/// Reads the one document of a YAML text.
pub(super) fn parse(text: &str) -> Result<Node, TemplateError> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax_error(&error))?;
        let finished = match event {
            Event::Scalar(text, style, _, tag) => {
                Some(scalar(text.into_owned(), style, tag.as_deref(), span))
            }
            Event::SequenceStart(_, tag) => open_collection(&mut open, false, tag.as_deref(), span)?,
            Event::MappingStart(_, tag) => open_collection(&mut open, true, tag.as_deref(), span)?,
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(Open::close),
            Event::Alias(_) => {
                return Err(problem(
                    span.start.line(),
                    "aliases are not allowed in a template",
                ));
            }
            _ => None,
        };
        let Some(node) = finished else { continue };
        match open.last_mut() {
            Some(parent) => parent.add(node)?,
            None if root.is_some() => return Err(problem(node.line, "there is a second document")),
            None => root = Some(node),
        }
    }
    root.ok_or_else(|| problem(1, "is empty"))
}

fn open_collection(
    open: &mut Vec<Open>,
    is_map: bool,
    tag: Option<&Tag>,
    span: Span,
) -> Result<Option<Node>, TemplateError> {
    if open.len() >= MAX_DEPTH {
        return Err(problem(span.start.line(), "is nested too deep"));
    }
    let line = span.start.line();
    open.push(Open {
        line,
        tag: name(tag),
        is_map,
        key: None,
        entries: Vec::new(),
        items: Vec::new(),
    });
    Ok(None)
}

impl Open {
    fn add(&mut self, node: Node) -> Result<(), TemplateError> {
        if !self.is_map {
            self.items.push(node);
            return Ok(());
        }
        let line = node.line;
        match (self.key.take(), node.value) {
            (Some(key), value) => self.entries.push((key, Node { line, value })),
            (None, Value::Text(key)) if self.entries.iter().any(|(other, _)| *other == key) => {
                return Err(TemplateError {
                    line,
                    path: key,
                    problem: "stands here twice".to_owned(),
                });
            }
            (None, Value::Text(key)) => self.key = Some(key),
            (None, _) => {
                let problem = "a key must be text".to_owned();
                return Err(TemplateError {
                    line,
                    path: "the template".to_owned(),
                    problem,
                });
            }
        }
        Ok(())
    }

    fn close(self) -> Node {
        let value = if self.is_map {
            map_or_call(self.entries)
        } else {
            Value::List(self.items)
        };
        tagged(
            self.tag,
            Node {
                line: self.line,
                value,
            },
        )
    }
}

/// `{"Fn::Sub": x}` and `{Ref: x}` are the long forms of `!Sub x` and `!Ref x`.
fn map_or_call(mut entries: Vec<(String, Node)>) -> Value {
    let function = match entries.as_slice() {
        [(key, _)] if key == "Ref" => Some(key.clone()),
        [(key, _)] => key.strip_prefix("Fn::").map(str::to_owned),
        _ => None,
    };
    match (function, entries.pop()) {
        (Some(function), Some((_, argument))) => Value::Call(function, Box::new(argument)),
        (_, last) => {
            entries.extend(last);
            Value::Map(entries)
        }
    }
}

fn scalar(text: String, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Node {
    let is_null = style == ScalarStyle::Plain && matches!(text.as_str(), "" | "~" | "null");
    let value = if is_null { Value::Null } else { Value::Text(text) };
    tagged(
        name(tag),
        Node {
            line: span.start.line(),
            value,
        },
    )
}

fn tagged(tag: Option<String>, node: Node) -> Node {
    match tag {
        Some(function) => Node {
            line: node.line,
            value: Value::Call(function, Box::new(node)),
        },
        None => node,
    }
}

/// `Ref` of `!Ref`. YAML's own tags (`!!str`) mean nothing here.
fn name(tag: Option<&Tag>) -> Option<String> {
    tag.filter(|tag| tag.handle == "!").map(|tag| tag.suffix.clone())
}

fn problem(line: usize, problem: &str) -> TemplateError {
    let path = "the template".to_owned();
    TemplateError {
        line,
        path,
        problem: problem.to_owned(),
    }
}

fn syntax_error(error: &ScanError) -> TemplateError {
    problem(error.marker().line(), error.info())
}
