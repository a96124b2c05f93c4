//! A finished review session, as its application sends it.

use std::collections::HashSet;

use casefile::json::{Errors, Node, Object};
use casefile::name::{FileName, SessionId};
use casefile::time;
use jiff::Timestamp;

use super::feedback::FeedbackBySection;

/// The most entries in one of a session's logs.
pub const MAX_LOG_ENTRIES: usize = 20_000;
/// The most paragraphs of one section.
pub const MAX_PARAGRAPHS: usize = 200_000;
/// The longest section name, in characters: it is repeated with each of the section's comments.
pub const MAX_SECTION_CHARS: usize = 500;
/// The most sections, those included that only feedback names.
pub const MAX_SECTIONS: usize = 5_000;

/// A review session. What the export doesn't know stays in `rest` as it came.
#[derive(Debug)]
pub struct Session<'a> {
    /// The session's id.
    pub id: SessionId,
    /// The reviewed document's name.
    pub document_name: FileName,
    /// What the document was reviewed against.
    pub guidelines_name: Option<String>,
    /// Which guidelines counted, in the application's words.
    pub guidelines_preference: Option<String>,
    /// Names of the document's sections, in its order, then others that feedback names.
    pub sections: Vec<String>,
    /// Each section's paragraphs: indices of the paragraphs directly in the document's body.
    pub paragraph_indices: Vec<(String, Vec<usize>)>,
    /// The AI's suggestions, `feedback_data`.
    pub suggestions: FeedbackBySection<'a>,
    /// What the user accepted, own items included.
    pub accepted: FeedbackBySection<'a>,
    /// What the user rejected.
    pub rejected: FeedbackBySection<'a>,
    /// What the user added, `user_feedback`.
    pub custom: FeedbackBySection<'a>,
    /// The chat.
    pub chat: Vec<Node<'a>>,
    /// What happened, for the user.
    pub activities: Vec<LogEntry<'a>>,
    /// What happened, for auditors.
    pub audit: Vec<LogEntry<'a>>,
    /// All fields that no other file of the export holds.
    pub rest: Vec<(String, Node<'a>)>,
}

/// An entry of a log: what the export needs to know of it, and the whole of it as it came.
#[derive(Debug, Clone)]
pub struct LogEntry<'a> {
    /// The whole entry.
    pub json: Node<'a>,
    /// When, as it came.
    pub timestamp: String,
    /// What was done, as a constant like `FEEDBACK_ACCEPTED`.
    pub action: String,
    /// More about it.
    pub details: String,
    /// INFO, WARNING, …
    pub level: String,
}

impl LogEntry<'_> {
    /// When, if the timestamp can be read.
    pub fn time(&self) -> Option<Timestamp> {
        time::parse(&self.timestamp)
    }
}

impl<'a> Session<'a> {
    /// Reads a session; all its errors are noted. `None` when one was.
    pub fn parse(node: &Node<'a>, default_name: Option<&FileName>, errors: &mut Errors) -> Option<Self> {
        let mut fields = node.object(errors)?;
        let id = fields.take_required("session_id", errors);
        let id = id.and_then(|node| named(&node, SessionId::parse, errors));
        let document_name = match fields.take("document_name") {
            Some(node) => named(&node, FileName::parse, errors),
            None => default_name.cloned(),
        };
        let suggestions = FeedbackBySection::parse(fields.take("feedback_data").as_ref(), errors);
        let mut accepted = FeedbackBySection::parse(fields.take("accepted_feedback").as_ref(), errors);
        let mut rejected = FeedbackBySection::parse(fields.take("rejected_feedback").as_ref(), errors);
        let mut custom = FeedbackBySection::parse(fields.take("user_feedback").as_ref(), errors);
        accepted.mark_own(&custom);
        rejected.mark_own(&custom);
        custom.mark_all_own();
        let sections = section_names(&fields, [&suggestions, &accepted, &rejected, &custom], errors);
        Some(Self {
            paragraph_indices: paragraph_indices(fields.get("paragraph_indices"), errors),
            chat: entries(fields.take("chat_history"), errors),
            activities: log(fields.take("activity_log"), errors),
            audit: log(fields.take("audit_logs"), errors),
            guidelines_name: fields
                .take("guidelines_name")
                .and_then(|node| node.string(errors)),
            guidelines_preference: fields
                .take("guidelines_preference")
                .and_then(|node| node.string(errors)),
            rest: fields.into_members(),
            id: id?,
            document_name: document_name?,
            sections,
            suggestions,
            accepted,
            rejected,
            custom,
        })
    }
}

/// Reads a string that must be a name.
fn named<T, E: std::fmt::Display>(
    node: &Node<'_>,
    parse: impl FnOnce(&str) -> Result<T, E>,
    errors: &mut Errors,
) -> Option<T> {
    let text = node.string(errors)?;
    parse(&text)
        .map_err(|error| node.refuse(errors, error.to_string()))
        .ok()
}

fn section_names(
    fields: &Object<'_>,
    feedback: [&FeedbackBySection<'_>; 4],
    errors: &mut Errors,
) -> Vec<String> {
    let sections = fields.get("sections").and_then(|node| node.object(errors));
    let document = sections
        .map(Object::into_members)
        .unwrap_or_default()
        .into_iter()
        .map(|(name, _)| name);
    let others = feedback
        .into_iter()
        .flat_map(|by_section| by_section.sections().iter().map(|(name, _)| name.clone()));
    let mut seen = HashSet::new();
    let mut names: Vec<_> = document
        .chain(others)
        .filter(|name| seen.insert(name.clone()))
        .collect();
    let pointer = format!("{}/sections", fields.pointer());
    if names.len() > MAX_SECTIONS {
        let detail = format!(
            "the session names {} sections; at most {MAX_SECTIONS} are allowed",
            names.len()
        );
        errors.add(&pointer, detail);
        names.clear();
    }
    if names
        .iter()
        .any(|name| name.chars().nth(MAX_SECTION_CHARS).is_some())
    {
        errors.add(
            &pointer,
            format!("a section's name has more than {MAX_SECTION_CHARS} characters"),
        );
    }
    names
}

fn paragraph_indices(node: Option<&Node<'_>>, errors: &mut Errors) -> Vec<(String, Vec<usize>)> {
    let sections = node
        .and_then(|node| node.object(errors))
        .map(Object::into_members)
        .unwrap_or_default();
    let mut indices = |node: &Node<'_>| {
        let items = node.array(MAX_PARAGRAPHS, errors).unwrap_or_default();
        items.iter().filter_map(|item| item.index(errors)).collect()
    };
    sections
        .iter()
        .map(|(name, node)| (name.clone(), indices(node)))
        .collect()
}

/// A log's entries, each of which must be an object.
fn entries<'a>(node: Option<Node<'a>>, errors: &mut Errors) -> Vec<Node<'a>> {
    let Some(node) = node else { return Vec::new() };
    let entries = node.array(MAX_LOG_ENTRIES, errors).unwrap_or_default();
    for entry in entries.iter().filter(|entry| !entry.text().starts_with('{')) {
        entry.refuse(errors, "must be an object");
    }
    entries
}

fn log<'a>(node: Option<Node<'a>>, errors: &mut Errors) -> Vec<LogEntry<'a>> {
    let entries = entries(node, errors)
        .into_iter()
        .filter(|entry| entry.text().starts_with('{'));
    entries.filter_map(|json| log_entry(json, errors)).collect()
}

fn log_entry<'a>(json: Node<'a>, errors: &mut Errors) -> Option<LogEntry<'a>> {
    let fields = json.object(errors)?;
    let text = |name: &str| fields.get(name).map(Node::display).unwrap_or_default();
    let action = fields
        .require("action", errors)
        .and_then(|node| node.string(errors));
    Some(LogEntry {
        timestamp: text("timestamp"),
        details: text("details"),
        level: text("level"),
        action: action?,
        json,
    })
}
