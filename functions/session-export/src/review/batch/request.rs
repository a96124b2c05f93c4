//! What a caller sends to export many reviews: `{"reviews": [ITEM, …]}`, where an item is a review's request, or
//! `{"upload_id": …}` of one; as a command also `{"staged": "nightly/", "cursor"?}`.

use casefile::id::TimeId;
use casefile::json::{Errors, Node, Object};
use casefile::problem::Problem;

use super::staged::{Staged, StagedRequest};
use super::{Door, MAX_ITEMS};
use crate::document::check_size;

/// A batch's request, read and checked; what stands in its reviews is theirs.
#[derive(Debug)]
pub(super) struct BatchRequest<'a> {
    pub(super) asked: Asked<'a>,
}

/// Which reviews are to be exported.
#[derive(Debug)]
pub(super) enum Asked<'a> {
    /// These.
    Reviews(Vec<Item<'a>>),
    /// Those that lie there.
    Staged(Staged),
}

/// A review of the batch.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// Its request stands in the batch's.
    Inline(&'a str),
    /// Its request lies in the caller's inbox.
    Upload(TimeId),
    /// Its request was put into a folder.
    Staged(StagedRequest),
}

impl<'a> BatchRequest<'a> {
    /// Reads a request.
    ///
    /// # Errors
    /// `too-large`; `malformed-request` when it isn't JSON; `invalid-request` with everything that is wrong with the
    /// batch as such.
    pub(super) fn parse(text: &'a str, door: Door<'_>) -> Result<Self, Problem> {
        check_size(text)?;
        let node = Node::parse(text)?;
        let mut errors = Errors::default();
        match asked(&node, door, &mut errors) {
            Some(asked) if errors.is_empty() => Ok(Self { asked }),
            _ => Err(Problem::invalid(errors.into_vec())),
        }
    }
}

fn asked<'a>(node: &Node<'a>, door: Door<'_>, errors: &mut Errors) -> Option<Asked<'a>> {
    let mut fields = node.object(errors)?;
    let Door::Command(envelope) = door else {
        let reviews = fields.take_required("reviews", errors);
        fields.refuse_rest(&["reviews"], errors);
        return items(&reviews?, errors).map(Asked::Reviews);
    };
    for name in envelope {
        fields.take(name);
    }
    let asked = either(node, &mut fields, errors);
    fields.refuse_rest(&["reviews", "staged", "cursor"], errors);
    asked
}

/// What a command asks for.
fn either<'a>(node: &Node<'a>, fields: &mut Object<'a>, errors: &mut Errors) -> Option<Asked<'a>> {
    match (fields.take("reviews"), fields.take("staged")) {
        (Some(reviews), None) => items(&reviews, errors).map(Asked::Reviews),
        (None, Some(folder)) => {
            let cursor = fields.take("cursor");
            Staged::read(&folder, cursor.as_ref(), errors).map(Asked::Staged)
        }
        (reviews, _) => {
            let detail = if reviews.is_some() {
                "has both reviews and staged; one of them says what to export"
            } else {
                "needs reviews or staged"
            };
            node.refuse(errors, detail);
            None
        }
    }
}

fn items<'a>(node: &Node<'a>, errors: &mut Errors) -> Option<Vec<Item<'a>>> {
    let items = node.array(MAX_ITEMS, errors)?;
    if items.is_empty() {
        node.refuse(errors, "must hold at least one review");
    }
    Some(items.iter().filter_map(|item| Item::read(item, errors)).collect())
}

impl<'a> Item<'a> {
    fn read(node: &Node<'a>, errors: &mut Errors) -> Option<Self> {
        // What is wrong within a review is that review's.
        let mut own = Errors::default();
        let Some(mut fields) = node.object(&mut own) else {
            node.refuse(errors, "must be an object");
            return None;
        };
        let Some(upload) = fields.take("upload_id") else {
            return Some(Self::Inline(node.text()));
        };
        fields.refuse_rest(&["upload_id"], errors);
        let id = TimeId::parse(&upload.string(errors)?);
        if id.is_none() {
            upload.refuse(errors, "must be an upload_id that POST /v1/uploads gave");
        }
        id.map(Self::Upload)
    }

    /// What a staged request is called.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Inline(_) | Self::Upload(_) => None,
            Self::Staged(staged) => Some(staged.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const COMMAND: Door<'_> = Door::Command(&["command", "tenant"]);

    fn errors(request: &Value, door: Door<'_>) -> Vec<(String, String)> {
        let problem = BatchRequest::parse(&request.to_string(), door).unwrap_err();
        let errors = problem.errors.into_iter();
        errors.map(|error| (error.pointer, error.detail)).collect()
    }

    #[test]
    fn everything_that_is_wrong_with_a_batch_is_named_at_once() {
        let id = "019a83b2-6c1e-7d44-8a90-1f3e5b7c9d02";
        let request = json!({
            "reviews": [1, {"upload_id": "x"}, {"upload_id": id, "session": {}}, {"anything": "else"}, {"upload_id": 7}],
            "staged": "x/",
        });
        let found: Vec<_> = errors(&request, Door::Http)
            .into_iter()
            .map(|(at, _)| at)
            .collect();
        let expected = [
            "/staged",
            "/reviews/0",
            "/reviews/1/upload_id",
            "/reviews/2/session",
            "/reviews/4/upload_id",
        ];
        assert_eq!(found, expected);
        let many = json!({ "reviews": vec![json!({}); 101] });
        let detail = "holds 101 entries; at most 100 are allowed";
        let expected = [("/reviews".to_owned(), detail.to_owned())];
        assert_eq!(errors(&many, Door::Http), expected);
        let detail = "must hold at least one review";
        let expected = [("/reviews".to_owned(), detail.to_owned())];
        assert_eq!(errors(&json!({"reviews": []}), COMMAND), expected);
    }

    #[test]
    fn a_command_names_reviews_or_a_folder() {
        let request = json!({"command": "export_reviews", "tenant": "acme", "staged": "nightly"}).to_string();
        let parsed = BatchRequest::parse(&request, COMMAND).unwrap();
        assert!(matches!(parsed.asked, Asked::Staged(_)));
        for (request, pointer) in [
            (json!({"command": "export_reviews"}), ""),
            (json!({"reviews": [{}], "staged": "x/"}), ""),
            (json!({"reviews": [{}], "cursor": "x"}), "/cursor"),
            (json!({"staged": "../x/"}), "/staged"),
            (json!({"staged": ""}), "/staged"),
            (json!({"staged": "x/", "cursor": "?"}), "/cursor"),
        ] {
            let found = errors(&request, COMMAND);
            assert_eq!(found[0].0, pointer, "{request}: {found:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = BatchRequest::parse(&text, COMMAND);
        }
    }
}
