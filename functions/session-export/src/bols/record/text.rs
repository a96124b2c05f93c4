//! Texts that are printed.

use crate::bols::render::is_ignorable;
use casefile::json::{Errors, Node, Object};
use casefile::name::is_unprintable;

use super::demand;

/// The longest text of one line, in characters.
pub(super) const MAX_LINE_CHARS: usize = 200;
/// The longest text of several lines, in characters.
pub(super) const MAX_TEXT_CHARS: usize = 4_000;
/// The most lines that a text may have of its own: a line of one character costs as much paper as a full one.
pub(super) const MAX_TEXT_LINES: usize = 200;
/// The longest idempotency key, in characters.
pub(super) const MAX_KEY_CHARS: usize = 100;

/// A text that can be printed, and the field that it came from. It isn't blank, has no blanks around it, and holds no
/// control or text-direction characters but line feeds, and those only where [`Text::lines`] read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::bols) struct Text {
    text: String,
    pointer: String,
}

impl Text {
    /// The optional line called `name`.
    pub(super) fn line(fields: &mut Object<'_>, name: &str, errors: &mut Errors) -> Option<Self> {
        let node = fields.take(name)?;
        Self::read(&node, MAX_LINE_CHARS, "leave it out where there is none", errors)
    }

    /// The line called `name`, which must be there: it is `what`.
    pub(super) fn demanded(
        fields: &mut Object<'_>,
        name: &str,
        what: &str,
        errors: &mut Errors,
    ) -> Option<Self> {
        let node = demand(fields, name, what, errors)?;
        Self::item(&node, what, errors)
    }

    /// The line here, which is `what`.
    pub(super) fn item(node: &Node<'_>, what: &str, errors: &mut Errors) -> Option<Self> {
        Self::read(node, MAX_LINE_CHARS, what, errors)
    }

    /// The optional idempotency key called `name`.
    pub(super) fn key(fields: &mut Object<'_>, name: &str, errors: &mut Errors) -> Option<Self> {
        let node = fields.take(name)?;
        Self::read(&node, MAX_KEY_CHARS, "leave it out where there is none", errors)
    }

    /// The optional text of several lines called `name`.
    pub(super) fn lines(fields: &mut Object<'_>, name: &str, errors: &mut Errors) -> Option<Self> {
        let node = fields.take(name)?;
        let text = node.string(errors)?.replace("\r\n", "\n").replace('\t', " ");
        let text = text.trim();
        let lines = text.lines().count();
        if lines > MAX_TEXT_LINES {
            node.refuse(
                errors,
                format!("has {lines} lines; at most {MAX_TEXT_LINES} are allowed"),
            );
            return None;
        }
        let is_bad = |c| c != '\n' && is_unprintable(c);
        checked(
            &node,
            text,
            MAX_TEXT_CHARS,
            is_bad,
            "leave it out where there is none",
            errors,
        )
    }

    fn read(node: &Node<'_>, limit: usize, what: &str, errors: &mut Errors) -> Option<Self> {
        let text = node.string(errors)?;
        checked(node, &text, limit, is_unprintable, what, errors)
    }

    /// The text in capitals, of ASCII letters.
    pub(super) fn in_capitals(self) -> Self {
        Self {
            text: self.text.to_ascii_uppercase(),
            ..self
        }
    }

    /// The text itself.
    pub(in crate::bols) fn as_str(&self) -> &str {
        &self.text
    }

    /// The field that it came from: a JSON pointer.
    pub(in crate::bols) fn pointer(&self) -> &str {
        &self.pointer
    }
}

fn checked(
    node: &Node<'_>,
    text: &str,
    limit: usize,
    is_bad: impl Fn(char) -> bool,
    what: &str,
    errors: &mut Errors,
) -> Option<Text> {
    let text = text.trim();
    let chars = text.chars().count();
    let error = if text.chars().all(|c| c.is_whitespace() || is_ignorable(c)) {
        format!("must not be blank: {what}")
    } else if chars > limit {
        format!("has {chars} characters; at most {limit} are allowed")
    } else if text.chars().any(is_bad) {
        "must not hold control or text-direction characters, nor what is no character".to_owned()
    } else {
        return Some(Text {
            text: text.to_owned(),
            pointer: node.pointer().to_string(),
        });
    };
    node.refuse(errors, error);
    None
}
