use super::error::TemplateError;
use super::node::{Node, Value};

/// A node and the keys that lead to it.
#[derive(Debug, Clone)]
pub(super) struct At<'a> {
    pub(super) node: &'a Node,
    path: String,
}

impl<'a> At<'a> {
    pub(super) fn root(node: &'a Node) -> Self {
        Self {
            node,
            path: String::new(),
        }
    }

    /// The value of a key; nothing where there is none, where it is null, or where this is not a map.
    pub(super) fn get(&self, key: &str) -> Option<At<'a>> {
        let Value::Map(entries) = &self.node.value else {
            return None;
        };
        let (_, node) = entries.iter().find(|(name, _)| name == key)?;
        (node.value != Value::Null).then(|| self.step(node, key))
    }

    /// The value behind several keys.
    pub(super) fn find(&self, keys: &[&str]) -> Option<At<'a>> {
        keys.iter().try_fold(self.clone(), |at, key| at.get(key))
    }

    /// The value of a key that must be there.
    pub(super) fn require(&self, key: &str) -> Result<At<'a>, TemplateError> {
        self.get(key)
            .ok_or_else(|| self.error(format!("{key} is missing")))
    }

    pub(super) fn entries(&self) -> Result<Vec<(&'a str, At<'a>)>, TemplateError> {
        match &self.node.value {
            Value::Map(entries) => Ok(entries
                .iter()
                .map(|(key, node)| (key.as_str(), self.step(node, key)))
                .collect()),
            Value::Null => Ok(Vec::new()),
            _ => Err(self.error("must be a map")),
        }
    }

    pub(super) fn items(&self) -> Result<Vec<At<'a>>, TemplateError> {
        match &self.node.value {
            Value::List(items) => Ok(items
                .iter()
                .zip(0_usize..)
                .map(|(node, n)| self.step(node, &n.to_string()))
                .collect()),
            _ => Err(self.error("must be a list")),
        }
    }

    /// The function's name and argument, if this is one.
    pub(super) fn call(&self) -> Option<(&'a str, At<'a>)> {
        match &self.node.value {
            Value::Call(function, argument) => Some((
                function,
                At {
                    node: argument,
                    path: self.path.clone(),
                },
            )),
            _ => None,
        }
    }

    /// The text as it stands.
    pub(super) fn text(&self) -> Result<&'a str, TemplateError> {
        match &self.node.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.error("must be text")),
        }
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> TemplateError {
        let path = if self.path.is_empty() {
            "the template".to_owned()
        } else {
            self.path.clone()
        };
        TemplateError {
            line: self.node.line,
            path,
            problem: problem.into(),
        }
    }

    fn step(&self, node: &'a Node, key: &str) -> At<'a> {
        let path = if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        };
        At { node, path }
    }
}
