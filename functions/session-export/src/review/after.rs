//! The after document: the before document with a Word comment for each item that the review kept.

use std::collections::HashSet;

use bytes::Bytes;
use casefile::json::FieldError;
use casefile::key::DocumentRole;
use casefile::manifest::{CommentRecord, Warning};
use casefile::problem::Problem;
use casefile::time;
use serde::Serialize;

use super::feedback::FeedbackItem;
use super::folder::warning;
use super::request::ReviewRequest;
use super::session::Session;
use crate::document::Document;
use crate::docx::{self, Anchor, Annotated, Comment, Section};

/// The after document, and what is to be said of it.
#[derive(Debug, Default)]
pub struct After {
    /// As the request brought it, or as it was made; none when it couldn't be made.
    pub document: Option<Document>,
    /// How each comment was anchored.
    pub comments: Vec<CommentRecord>,
    /// Why there is no document, or what a reader of it should know.
    pub warnings: Vec<Warning>,
}

/// Takes the request's after document, or makes one.
///
/// # Errors
/// `invalid-request` when the request is strict and the before document can't be marked. Otherwise that is a
/// warning, and the export goes on without an after document.
pub fn document(request: &ReviewRequest<'_>, exported_at: &str) -> Result<After, Problem> {
    if let Some(given) = &request.documents.after {
        return Ok(After {
            document: Some(given.clone()),
            ..After::default()
        });
    }
    let kept = kept_items(&request.session);
    let dates: Vec<String> = kept
        .iter()
        .map(|(_, item)| comment_date(item, exported_at))
        .collect();
    let comments: Vec<Comment<'_>> = kept
        .iter()
        .zip(&dates)
        .map(|((section, item), date)| comment(section, item, date))
        .collect();
    let indices = &request.session.paragraph_indices;
    let sections: Vec<_> = indices
        .iter()
        .map(|(name, paragraphs)| Section { name, paragraphs })
        .collect();
    let before = &request.documents.before;
    let annotated = match before.bytes() {
        Some(bytes) => docx::annotate(bytes, &comments, &sections).map_err(|error| error.to_string()),
        None => Err(format!("it has {} bytes, too many to be read", before.size)),
    };
    match annotated {
        Ok(annotated) => Ok(made(before, annotated, &kept)),
        Err(why) if request.strict => Err(Problem::invalid(vec![FieldError {
            pointer: "/documents/before".to_owned(),
            detail: format!("can't be marked with comments: {why}"),
        }])),
        Err(why) => {
            let detail =
                format!("no after document was made, for this one can't be marked with comments: {why}");
            let warnings = vec![warning(DocumentRole::Before, &before.name, detail)];
            Ok(After {
                warnings,
                ..After::default()
            })
        }
    }
}

/// Accepted items, then the user's own that aren't among them, in the order of the session's sections.
fn kept_items<'s, 'a>(session: &'s Session<'a>) -> Vec<(&'s str, &'s FeedbackItem<'a>)> {
    let mut kept = Vec::new();
    for section in &session.sections {
        let accepted = session.accepted.section(section);
        let ids: HashSet<&str> = accepted.iter().map(|item| item.id.as_str()).collect();
        let own = session
            .custom
            .section(section)
            .iter()
            .filter(|item| !ids.contains(item.id.as_str()));
        kept.extend(accepted.iter().chain(own).map(|item| (section.as_str(), item)));
    }
    kept
}

fn comment<'a>(section: &'a str, item: &'a FeedbackItem<'_>, date: &'a str) -> Comment<'a> {
    let (author, initials) = if item.user_created {
        ("User Feedback", "UF")
    } else {
        ("AI Feedback", "AI")
    };
    Comment {
        author,
        initials,
        date,
        paragraphs: comment_text(item),
        quote: item.highlighted_text.as_deref(),
        section: Some(section),
    }
}

/// `2025-11-14T14:12:31Z`: the item's own time, else the export's.
fn comment_date(item: &FeedbackItem<'_>, exported_at: &str) -> String {
    let time = item
        .timestamp
        .as_deref()
        .and_then(time::parse)
        .or_else(|| time::parse(exported_at));
    time.unwrap_or_default()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// The comment's paragraphs.
fn comment_text(item: &FeedbackItem<'_>) -> Vec<String> {
    let mut paragraphs = vec![format!(
        "[{} - {} Risk]",
        item.gravity.in_capitals(),
        item.risk_level
    )];
    paragraphs.extend(item.description.lines().map(str::to_owned));
    if let Some(suggestion) = &item.suggestion {
        paragraphs.extend(format!("Suggestion: {suggestion}").lines().map(str::to_owned));
    }
    if !item.questions.is_empty() {
        paragraphs.push("Key questions:".to_owned());
        paragraphs.extend(
            item.questions
                .iter()
                .enumerate()
                .map(|(n, question)| format!("{}. {question}", n + 1)),
        );
    }
    if !item.references.is_empty() {
        paragraphs.push(format!("Checklist references: {}", item.references.join(", ")));
    }
    paragraphs
}

fn made(before: &Document, annotated: Annotated, kept: &[(&str, &FeedbackItem<'_>)]) -> After {
    let record = |((section, item), anchor): (&(&str, &FeedbackItem<'_>), Anchor)| CommentRecord {
        feedback_id: item.id.clone(),
        section: (*section).to_owned(),
        comment_id: anchor.comment_id,
        anchored_by: constant(anchor.anchored_by),
        quote_in: anchor.quote_in.map(constant),
        widened: anchor.widened,
    };
    let comments = kept.iter().zip(annotated.anchors).map(record).collect();
    let mut warnings = Vec::new();
    if annotated.signature_broken {
        let detail = "the document is signed; its comments make the signature invalid, which was kept";
        warnings.push(warning(DocumentRole::After, &before.name, detail.to_owned()));
    }
    let document = Document::new(before.name.clone(), Bytes::from(annotated.document));
    After {
        document: Some(document),
        comments,
        warnings,
    }
}

/// A variant's name as JSON has it: `section_paragraph`.
fn constant(variant: impl Serialize) -> String {
    serde_json::to_value(variant)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::review::testing::{build, inline, sample_request};

    #[test]
    fn every_kept_item_of_the_sample_is_anchored_and_recorded() {
        let folder = build(&sample_request());
        let comments: Vec<_> = folder
            .manifest
            .comments
            .iter()
            .map(|comment| (comment.feedback_id.as_str(), comment.anchored_by.as_str()))
            .collect();
        let expected = [
            ("es-1", "section_paragraph"),
            ("bg-1", "section_paragraph"),
            ("custom_101602_000002", "section_paragraph"),
            ("tl-1", "section_paragraph"),
            ("ip-1", "section_paragraph"),
            ("custom_101530_000001", "quote"),
            ("rc-1", "section_paragraph"),
        ];
        assert_eq!(comments, expected);
        assert_eq!(folder.manifest.warnings, []);
    }

    #[test]
    fn a_comment_says_what_the_item_says() {
        let mut request = sample_request();
        request["session"]["accepted_feedback"] = json!({"Background": [{
            "id": "x", "type": "critical", "risk_level": "High", "description": "One.\nTwo.", "suggestion": "Do it.",
            "questions": ["Why?", "When?"], "hawkeye_refs": [7, "8b"],
        }]});
        let text = request.to_string();
        let request = inline(&text);
        let paragraphs = comment_text(&request.session.accepted.section("Background")[0]);
        let expected = [
            "[CRITICAL - High Risk]",
            "One.",
            "Two.",
            "Suggestion: Do it.",
            "Key questions:",
            "1. Why?",
            "2. When?",
            "Checklist references: 7, 8b",
        ];
        assert_eq!(paragraphs, expected);
    }

    #[test]
    fn a_given_after_document_is_taken_as_it_is() {
        let mut request = sample_request();
        request["documents"]["after"] = json!({"file_name": "mine.docx", "content_base64": "bWluZQ=="});
        let folder = build(&request);
        let file = folder
            .files
            .iter()
            .find(|file| file.file.path() == "documents/after_mine.docx")
            .unwrap();
        assert_eq!(file.bytes().unwrap().as_ref(), b"mine");
        assert_eq!(folder.manifest.comments, []);
    }

    #[test]
    fn a_comment_s_date_is_the_item_s_else_the_export_s() {
        let mut request = sample_request();
        let items = &mut request["session"]["accepted_feedback"]["Background"];
        items[0]["timestamp"] = json!("2025-11-14T15:14:02.900+01:00");
        items[1]["timestamp"] = json!("long ago");
        let text = request.to_string();
        let request = inline(&text);
        let items = request.session.accepted.section("Background").iter();
        let dates: Vec<_> = items
            .map(|item| comment_date(item, "2025-11-14T14:25:10.000Z"))
            .collect();
        assert_eq!(dates, ["2025-11-14T14:14:02Z", "2025-11-14T14:25:10Z"]);
    }
}
