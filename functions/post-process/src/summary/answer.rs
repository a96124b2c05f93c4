//! The model's answer: believed as far as it can be checked.

use serde::{Deserialize, Serialize};

use super::input::SummaryInput;
use super::text::{has_links_or_markup, plain};

/// Twice what the limits below come to in English, before anything is parsed.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
const MAX_REVIEWED_CHARS: usize = 1500;
/// The prompt asks for less: a few words more are no reason to ask again.
const MAX_TEXT_CHARS: usize = 600;
const MAX_RISKS: usize = 3;
const MAX_REJECTIONS: usize = 5;
const MAX_IDS: usize = 10;

/// An open risk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// The feedback that it rests on.
    pub feedback_ids: Vec<String>,
    /// What can go wrong.
    pub risk: String,
    /// Why it is grave.
    pub why: String,
}

/// Something that was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// The feedback that was rejected.
    pub feedback_ids: Vec<String>,
    /// What was rejected.
    pub what: String,
    /// Why that matters.
    pub why: String,
}

/// An answer of the right shape.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) reviewed: String,
    pub(super) risks: Vec<Risk>,
    pub(super) rejected: Vec<Rejection>,
}

/// What is wrong with an answer. Holds nothing of it: it goes into logs, and back to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not JSON, other fields, fields missing.
    #[error("is not one JSON object of the fields that the rules name")]
    Shape,
    /// There is no text.
    #[error("has no text")]
    NoText,
    /// It reached the limit of tokens.
    #[error("is cut off, because it is too long")]
    CutOff,
    /// A text is longer than allowed.
    #[error("has a text that is too long")]
    TooLong,
    /// A text is empty.
    #[error("has an empty text")]
    Empty,
    /// More entries than allowed.
    #[error("has more than three risks or more than five rejections")]
    TooMany,
    /// An entry without ids, or with too many or equal ones.
    #[error("has an entry that doesn't name from 1 to 10 different ids")]
    Ids,
    /// An id that doesn't exist.
    #[error("names feedback that is not among the items")]
    UnknownId,
    /// An open risk rests on nothing that is open.
    #[error("has a risk that rests on rejected feedback alone, so it is not open")]
    NotOpen,
    /// An item that wasn't rejected is called so.
    #[error("calls feedback rejected that was not")]
    NotRejected,
    /// Links, images or tags.
    #[error("has links or markup")]
    Markup,
    /// It calls a tool, and has none.
    #[error("calls a tool")]
    Tool,
}

impl Answer {
    /// Reads and checks an answer to `input`.
    pub(super) fn parse(text: &str, input: &SummaryInput) -> Result<Self, Fault> {
        if text.len() > MAX_ANSWER_BYTES {
            return Err(Fault::TooLong);
        }
        let text = without_fence(text.trim());
        if text.is_empty() {
            return Err(Fault::NoText);
        }
        let mut answer: Self = serde_json::from_str(text).map_err(|_| Fault::Shape)?;
        answer.check_texts()?;
        answer.check_ids(input)?;
        Ok(answer)
    }

    /// Texts become plain ones: on one line, without characters that nobody sees.
    fn check_texts(&mut self) -> Result<(), Fault> {
        if self.risks.len() > MAX_RISKS || self.rejected.len() > MAX_REJECTIONS {
            return Err(Fault::TooMany);
        }
        check_text(&mut self.reviewed, MAX_REVIEWED_CHARS)?;
        let risks = self
            .risks
            .iter_mut()
            .map(|entry| (&mut entry.risk, &mut entry.why));
        let rejected = self
            .rejected
            .iter_mut()
            .map(|entry| (&mut entry.what, &mut entry.why));
        for (what, why) in risks.chain(rejected) {
            check_text(what, MAX_TEXT_CHARS)?;
            check_text(why, MAX_TEXT_CHARS)?;
        }
        Ok(())
    }

    fn check_ids(&self, input: &SummaryInput) -> Result<(), Fault> {
        let risks = self.risks.iter().map(|entry| &entry.feedback_ids);
        let rejected = self.rejected.iter().map(|entry| &entry.feedback_ids);
        for ids in risks.chain(rejected) {
            let are_different = ids
                .iter()
                .enumerate()
                .all(|(at, id)| !ids.iter().take(at).any(|other| other == id));
            if ids.is_empty() || ids.len() > MAX_IDS || !are_different {
                return Err(Fault::Ids);
            }
            if !ids.iter().all(|id| input.has(id)) {
                return Err(Fault::UnknownId);
            }
        }
        let mut risks = self.risks.iter();
        if !risks.all(|entry| entry.feedback_ids.iter().any(|id| input.has_open(id))) {
            return Err(Fault::NotOpen);
        }
        let mut rejected = self.rejected.iter().flat_map(|entry| &entry.feedback_ids);
        if rejected.all(|id| input.has_rejected(id)) {
            Ok(())
        } else {
            Err(Fault::NotRejected)
        }
    }
}

fn check_text(text: &mut String, most: usize) -> Result<(), Fault> {
    let visible = plain(text, most + 1);
    if visible.is_empty() {
        return Err(Fault::Empty);
    }
    if visible.chars().count() > most {
        return Err(Fault::TooLong);
    }
    if has_links_or_markup(&visible) {
        return Err(Fault::Markup);
    }
    *text = visible;
    Ok(())
}

/// Many models put JSON into a code fence whatever they are told.
fn without_fence(text: &str) -> &str {
    let inner = text
        .strip_prefix("```json")
        .or_else(|| text.strip_prefix("```"))
        .and_then(|rest| rest.strip_suffix("```"));
    inner.map_or(text, str::trim)
}
