//! Feedback items, by section.

use std::collections::{HashMap, HashSet};

use casefile::json::{Errors, Node};
use serde::Serialize;

/// The most items in one of a session's four collections of feedback.
pub const MAX_ITEMS: usize = 5_000;

/// The longest id of an item, in characters.
const MAX_ID_CHARS: usize = 200;
/// The most questions, or references, of one item.
const MAX_TEXTS: usize = 1_000;

/// How grave an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// Must be mended.
    Critical,
    /// Should be mended.
    Important,
    /// Could be better.
    Suggestion,
}

impl Gravity {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "critical" => Some(Self::Critical),
            "important" => Some(Self::Important),
            "suggestion" => Some(Self::Suggestion),
            _ => None,
        }
    }

    /// As the first line of a comment has it.
    pub fn in_capitals(self) -> &'static str {
        match self {
            Self::Critical => "CRITICAL",
            Self::Important => "IMPORTANT",
            Self::Suggestion => "SUGGESTION",
        }
    }
}

/// A feedback item: what the export needs to know of it, and the whole of it as it came.
#[derive(Debug, Clone)]
pub struct FeedbackItem<'a> {
    json: Node<'a>,
    /// Tells the item apart in its section.
    pub id: String,
    /// The item's `type`.
    pub gravity: Gravity,
    /// What it is about; "Uncategorized" where the request doesn't say.
    pub category: String,
    /// What is wrong.
    pub description: String,
    /// What would be right.
    pub suggestion: Option<String>,
    /// Questions for the author.
    pub questions: Vec<String>,
    /// Items of the checklist, `hawkeye_refs`.
    pub references: Vec<String>,
    /// High, Medium or Low; others are kept; "Unspecified" where the request doesn't say.
    pub risk_level: String,
    /// Whether the user made it.
    pub user_created: bool,
    /// When the user made it.
    pub timestamp: Option<String>,
    /// The words of the document that it is about.
    pub highlighted_text: Option<String>,
}

impl Serialize for FeedbackItem<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<'a> FeedbackItem<'a> {
    fn parse(json: &Node<'a>, errors: &mut Errors) -> Option<Self> {
        let fields = json.object(errors)?;
        let text = |name: &str, errors: &mut Errors| {
            let text = fields.get(name).and_then(|node| node.string(errors));
            text.filter(|text| !text.trim().is_empty())
        };
        if let Some(confidence) = fields.get("confidence") {
            let number = confidence.number(errors);
            if number.is_some_and(|number| !(0.0..=1.0).contains(&number)) {
                confidence.refuse(errors, "must be from 0 to 1");
            }
        }
        // Every field is read before the first missing one ends the reading, so that all errors are named.
        let id = fields
            .require("id", errors)
            .and_then(|node| identifier(node, errors));
        let gravity = fields
            .require("type", errors)
            .and_then(|node| parse_gravity(node, errors));
        let description = fields
            .require("description", errors)
            .and_then(|node| node.string(errors));
        let user_created = fields.get("user_created").map(|node| node.boolean(errors));
        let item = Self {
            json: json.clone(),
            id: id.unwrap_or_default(),
            gravity: gravity.unwrap_or(Gravity::Suggestion),
            category: text("category", errors).unwrap_or_else(|| "Uncategorized".to_owned()),
            description: description.clone().unwrap_or_default(),
            suggestion: text("suggestion", errors),
            questions: texts(fields.get("questions"), errors),
            references: texts(fields.get("hawkeye_refs"), errors),
            risk_level: text("risk_level", errors).unwrap_or_else(|| "Unspecified".to_owned()),
            user_created: user_created.flatten().unwrap_or(false),
            // One that can't be read is no reason to lose a session.
            timestamp: fields.get("timestamp").map(Node::display),
            highlighted_text: text("highlighted_text", errors),
        };
        (gravity.is_some() && description.is_some() && !item.id.is_empty()).then_some(item)
    }
}

fn parse_gravity(node: &Node<'_>, errors: &mut Errors) -> Option<Gravity> {
    let gravity = Gravity::parse(&node.string(errors)?);
    if gravity.is_none() {
        node.refuse(errors, "must be critical, important or suggestion");
    }
    gravity
}

/// Ids are strings; a number is taken as its digits.
fn identifier(node: &Node<'_>, errors: &mut Errors) -> Option<String> {
    let is_scalar = node
        .text()
        .starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit());
    let id = node.display();
    if is_scalar && !id.trim().is_empty() && id.chars().nth(MAX_ID_CHARS).is_none() {
        Some(id)
    } else {
        node.refuse(
            errors,
            format!("must be a string of 1 to {MAX_ID_CHARS} characters"),
        );
        None
    }
}

fn texts(node: Option<&Node<'_>>, errors: &mut Errors) -> Vec<String> {
    let items = node
        .and_then(|node| node.array(MAX_TEXTS, errors))
        .unwrap_or_default();
    items
        .iter()
        .map(Node::display)
        .filter(|text| !text.trim().is_empty())
        .collect()
}

/// One of a session's four collections of feedback: items by section, in the order they came.
#[derive(Debug, Clone, Default)]
pub struct FeedbackBySection<'a> {
    sections: Vec<(String, Vec<FeedbackItem<'a>>)>,
    by_name: HashMap<String, usize>,
}

impl<'a> FeedbackBySection<'a> {
    /// Reads `{section: [item]}`; an absent one is empty.
    pub fn parse(node: Option<&Node<'a>>, errors: &mut Errors) -> Self {
        let Some(sections) = node.and_then(|node| node.object(errors)) else {
            return Self::default();
        };
        let mut total = 0;
        let mut by_section = Self::default();
        for (name, items) in sections.into_members() {
            let items = items.array(MAX_ITEMS, errors).unwrap_or_default();
            total += items.len();
            if total <= MAX_ITEMS {
                let items = items
                    .iter()
                    .filter_map(|item| FeedbackItem::parse(item, errors))
                    .collect();
                by_section.by_name.insert(name.clone(), by_section.sections.len());
                by_section.sections.push((name, items));
            }
        }
        if let Some(node) = node.filter(|_| total > MAX_ITEMS) {
            node.refuse(
                errors,
                format!("holds {total} feedback items; at most {MAX_ITEMS} are allowed"),
            );
        }
        by_section
    }

    /// Every item is the user's own.
    pub fn mark_all_own(&mut self) {
        for item in self.sections.iter_mut().flat_map(|(_, items)| items) {
            item.user_created = true;
        }
    }

    /// Items that are among `own` are the user's own, also where they don't say so themselves.
    pub fn mark_own(&mut self, own: &Self) {
        for (section, items) in &mut self.sections {
            let ids: HashSet<&str> = own.section(section).iter().map(|item| item.id.as_str()).collect();
            for item in items {
                item.user_created |= ids.contains(item.id.as_str());
            }
        }
    }

    /// The sections and their items.
    pub fn sections(&self) -> &[(String, Vec<FeedbackItem<'a>>)] {
        &self.sections
    }

    /// The items of one section.
    pub fn section(&self, name: &str) -> &[FeedbackItem<'a>] {
        self.by_name
            .get(name)
            .and_then(|at| self.sections.get(*at))
            .map_or(&[], |(_, items)| items)
    }

    /// All items.
    pub fn items(&self) -> impl Iterator<Item = &FeedbackItem<'a>> {
        self.sections.iter().flat_map(|(_, items)| items)
    }

    /// How many items there are.
    pub fn total(&self) -> usize {
        self.sections.iter().map(|(_, items)| items.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::review::testing::{inline, sample_request};

    fn with_session<T>(request: &Value, look: impl Fn(&FeedbackItem<'_>) -> T) -> T {
        let text = request.to_string();
        let request = inline(&text);
        look(&request.session.accepted.section("Background")[0])
    }

    #[test]
    fn a_timestamp_of_any_kind_is_no_reason_to_refuse_a_session() {
        let mut request = sample_request();
        request["session"]["accepted_feedback"]["Background"][0]["timestamp"] = json!(1_731_594_310);
        assert_eq!(
            with_session(&request, |item| item.timestamp.clone()),
            Some("1731594310".to_owned())
        );
    }

    #[test]
    fn what_the_user_added_is_the_user_s_also_without_a_flag() {
        let mut request = sample_request();
        assert!(!with_session(&request, |item| item.user_created));
        request["session"]["user_feedback"]["Background"] = json!([
            {"id": "bg-1", "type": "critical", "description": "mine"}
        ]);
        assert!(with_session(&request, |item| item.user_created));
    }

    #[test]
    fn what_is_not_said_has_a_name_in_the_counts() {
        let mut request = sample_request();
        request["session"]["accepted_feedback"]["Background"][0] =
            json!({"id": 7, "type": "important", "description": ""});
        let item = with_session(&request, |item| {
            (item.id.clone(), item.category.clone(), item.risk_level.clone())
        });
        assert_eq!(
            item,
            (
                "7".to_owned(),
                "Uncategorized".to_owned(),
                "Unspecified".to_owned()
            )
        );
    }
}
