//! The door for commands: plain JSON events such as `{"command": "export_review", …}`, from `cargo lambda invoke`,
//! schedules and Step Functions. Who may invoke the function may do all that `office` may, for the tenant that the event
//! names: IAM has decided that.
//!
//! Success is the answer as JSON. A problem is a Lambda failure whose `errorType` is the problem's name (for a state
//! machine to match) and whose `errorMessage` is the problem as JSON. Retried by the caller alone; an export may be
//! repeated after any failure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::json::{Errors, FieldError, Node};
use casefile::problem::{Problem, ProblemKind};
use lambda_runtime::Diagnostic;
use serde::{Deserialize, Serialize};

use crate::review::Exported;

/// The fields that a command has beside its request's: what to do, for which tenant, without which it is the default one,
/// and whether the ZIP is wanted of what has to be kept locally.
pub const ENVELOPE: [&str; 3] = ["command", "tenant", "fallback"];

/// The fields that `store_file` has beside its request's.
pub const FILE_ENVELOPE: [&str; 4] = ["command", "tenant", "fallback", "collection"];

/// The fields that `export_reviews` has beside its request's.
pub const BATCH_ENVELOPE: [&str; 2] = ["command", "tenant"];

/// What wants the ZIP of what has to be kept locally: in a command, and in a route's query.
pub const ZIP: &str = "zip";

/// The collection that `store_file` names.
///
/// # Errors
/// `invalid-request` when it names none that stores files.
pub fn collection(text: &str) -> Result<Collection, Problem> {
    #[derive(Deserialize)]
    struct Named {
        collection: Option<String>,
    }
    let named = serde_json::from_str(text).ok();
    let named = named.and_then(|Named { collection }| Collection::parse(&collection?));
    named
        .filter(|collection| collection.takes_files())
        .ok_or_else(|| {
            let storing = Collection::all().filter(|collection| collection.takes_files());
            let known: Vec<_> = storing.map(Collection::name).collect();
            invalid("/collection", format!("must be one of {}", known.join(", ")))
        })
}

/// `store_training_log`: `{command, tenant?, fallback?, log, revision?}`.
#[derive(Debug)]
pub struct TrainingLog<'a> {
    /// The log, as it came.
    pub log: &'a str,
    /// Whether other content than the stored log's becomes a new version.
    pub revision: bool,
}

impl<'a> TrainingLog<'a> {
    /// Reads the command.
    ///
    /// # Errors
    /// `invalid-request` with every wrong field.
    pub fn read(text: &'a str) -> Result<Self, Problem> {
        let node = Node::parse(text)?;
        let mut errors = Errors::default();
        let read = Self::fields(&node, &mut errors);
        match read {
            Some(read) if errors.is_empty() => Ok(read),
            _ => Err(Problem::invalid(errors.into_vec())),
        }
    }

    fn fields(node: &Node<'a>, errors: &mut Errors) -> Option<Self> {
        let mut fields = node.object(errors)?;
        for name in ENVELOPE {
            fields.take(name);
        }
        let log = fields.take_required("log", errors);
        let revision = fields.take("revision").and_then(|node| node.boolean(errors));
        fields.refuse_rest(&["command", "tenant", "fallback", "log", "revision"], errors);
        Some(Self {
            log: log?.text(),
            revision: revision.unwrap_or(false),
        })
    }
}

/// `replay`: `{command, dry_run?}`; whether it is only to look.
///
/// # Errors
/// `invalid-request` with every wrong field.
pub fn replay(text: &str) -> Result<bool, Problem> {
    let node = Node::parse(text)?;
    let mut errors = Errors::default();
    let mut dry_run = false;
    if let Some(mut fields) = node.object(&mut errors) {
        fields.take("command");
        let flag = fields.take("dry_run").and_then(|node| node.boolean(&mut errors));
        dry_run = flag.unwrap_or(false);
        fields.refuse_rest(&["command", "dry_run"], &mut errors);
    }
    if errors.is_empty() {
        Ok(dry_run)
    } else {
        Err(Problem::invalid(errors.into_vec()))
    }
}

/// A command with one wrong field.
pub fn invalid(pointer: &str, detail: String) -> Problem {
    Problem::invalid(vec![FieldError {
        pointer: pointer.to_owned(),
        detail,
    }])
}

/// What a command that answers with a file returns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ZipAnswer {
    /// What to call the file.
    pub file_name: String,
    /// Its media type.
    pub content_type: &'static str,
    /// In bytes.
    pub size: usize,
    /// Of the content.
    pub sha256: Sha256,
    /// The content.
    pub content_base64: String,
}

impl ZipAnswer {
    fn zip(file_name: String, zip: &[u8]) -> Self {
        Self {
            file_name,
            content_type: "application/zip",
            size: zip.len(),
            sha256: Sha256::of(zip),
            content_base64: BASE64.encode(zip),
        }
    }
}

/// An export's outcome as a command's result.
///
/// # Errors
/// Never for answers of this crate.
pub fn answer(exported: Exported) -> Result<serde_json::Value, Problem> {
    match exported {
        Exported::Stored(answer) => result(&answer),
        Exported::Archive { file_name, zip } => result(&ZipAnswer::zip(file_name, &zip)),
        Exported::Linked(link) => result(&serde_json::json!({ "link": link })),
        Exported::Kept(kept) => result(&kept),
    }
}

/// An answer as a command's result.
///
/// # Errors
/// Never for answers of this crate.
pub fn result(answer: &impl Serialize) -> Result<serde_json::Value, Problem> {
    serde_json::to_value(answer)
        .map_err(|_| Problem::new(ProblemKind::Internal, "the answer can't be written as JSON"))
}

/// A problem as a Lambda failure.
pub fn failure(problem: &Problem, request_id: &str) -> Diagnostic {
    let document =
        serde_json::to_string(&problem.document(request_id)).unwrap_or_else(|_| problem.to_string());
    Diagnostic {
        error_type: problem.kind.name().to_owned(),
        error_message: document,
    }
}

/// A command that isn't known.
pub fn unknown(command: &str) -> Problem {
    let shown: String = command.chars().filter(|c| !c.is_control()).take(40).collect();
    let detail = format!(
        "the command '{shown}' is unknown; known: export_review, export_reviews, store_bol, \
         store_training_log, store_file, replay"
    );
    Problem::new(ProblemKind::Malformed, detail)
}
