//! What a summary rests on, cut to what a call may cost.

use std::collections::HashMap;
use std::fmt;

use casefile::digest::{Hasher, Sha256};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::item::{Candidate, Decision, Feedback, FeedbackFile, Item, scalar};
use super::prompt::PROMPT_VERSION;
use super::settings::Settings;
use super::text::{plain, without_tags};
use super::unavailable::Reason;

/// The most data that one call sends: between 12,000 tokens (English) and, at the very worst, 49,152.
pub const MAX_INPUT_BYTES: usize = 48 * 1024;

/// The largest file that is read for a summary: requests to session-export have at most 6 MB, and indents add to it. Five
/// such files are in memory at the same time; what is made of them is small.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;

const MAX_NAME_CHARS: usize = 200;
const MAX_CATEGORIES: usize = 10;
const MAX_STATISTICS: usize = 20;

/// The files of a session that a summary rests on.
#[derive(Debug, Clone, Copy)]
pub struct SessionFiles<'a> {
    /// `comprehensive_report.json`
    pub report: &'a [u8],
    /// `feedback/accepted_feedback.json`
    pub accepted: &'a [u8],
    /// `feedback/rejected_feedback.json`
    pub rejected: &'a [u8],
    /// `feedback/user_custom_feedback.json`
    pub user_custom: &'a [u8],
    /// `feedback/all_ai_suggestions.json`
    pub suggestions: &'a [u8],
}

/// What the model is asked to summarise.
#[derive(Debug, Clone)]
pub struct SummaryInput {
    data: String,
    sha256: Sha256,
    shown: HashMap<String, Decisions>,
    items_left_out: usize,
}

/// What became of the items of one id, which counts within its section.
#[derive(Debug, Clone, Copy, Default)]
struct Decisions {
    is_rejected: bool,
    is_open: bool,
}

impl SummaryInput {
    /// Reads a session's files. The gravest items are taken first, as long as they fit into [`MAX_INPUT_BYTES`];
    /// equal files give equal input.
    ///
    /// # Errors
    /// [`Reason::Unreadable`] when a file is larger than [`MAX_FILE_BYTES`] or isn't what session-export writes.
    pub fn from_files(settings: &Settings, files: &SessionFiles<'_>) -> Result<Self, Reason> {
        let report: Report<'_> = read("comprehensive_report.json", files.report)?;
        let feedback = Feedback {
            accepted: read::<FeedbackFile<'_>>("accepted_feedback.json", files.accepted)?,
            rejected: read("rejected_feedback.json", files.rejected)?,
            user_custom: read("user_custom_feedback.json", files.user_custom)?,
            suggestions: read("all_ai_suggestions.json", files.suggestions)?,
        };
        let (items, hidden) = feedback.candidates();
        let data = Data::fitting(report.overview(), &items, hidden)?;
        Ok(Self::new(settings, &data, data.to_json()?))
    }

    fn new(settings: &Settings, data: &Data, json: String) -> Self {
        let mut shown = HashMap::<_, Decisions>::new();
        for item in &data.items {
            let decisions = shown.entry(item.id.clone()).or_default();
            match item.decision {
                Decision::Rejected => decisions.is_rejected = true,
                Decision::Accepted | Decision::Undecided => decisions.is_open = true,
            }
        }
        Self {
            sha256: hash(settings, &json),
            data: json,
            shown,
            items_left_out: data.items_left_out,
        }
    }

    /// Names the model, the prompt's version and the data: equal ones need no second call.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// How many items of feedback were left out, the least grave ones.
    pub fn items_left_out(&self) -> usize {
        self.items_left_out
    }

    /// The data, as JSON without `<`.
    pub(super) fn data(&self) -> &str {
        &self.data
    }

    /// Whether the model was shown an item of this id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.shown.contains_key(id)
    }

    /// Whether the model was shown a rejected item of this id.
    pub(super) fn has_rejected(&self, id: &str) -> bool {
        self.shown.get(id).is_some_and(|decisions| decisions.is_rejected)
    }

    /// Whether the model was shown an item of this id whose risk is open: nobody rejected it.
    pub(super) fn has_open(&self, id: &str) -> bool {
        self.shown.get(id).is_some_and(|decisions| decisions.is_open)
    }
}

/// Each part with its length before it, so that no two inputs are the same bytes.
fn hash(settings: &Settings, json: &str) -> Sha256 {
    let mut hasher = Hasher::default();
    for part in [settings.model.as_str(), &PROMPT_VERSION.to_string(), json] {
        hasher.update(part.len().to_string().as_bytes());
        hasher.update(b":");
        hasher.update(part.as_bytes());
    }
    hasher.finish()
}

fn read<'a, T: Deserialize<'a>>(name: &'static str, bytes: &'a [u8]) -> Result<T, Reason> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Reason::Unreadable(name));
    }
    serde_json::from_slice(bytes).map_err(|_| Reason::Unreadable(name))
}

/// `comprehensive_report.json`: of its fields, those that are read. Neither the document's text nor who wrote it. Nothing
/// is built in memory of what isn't shown.
#[derive(Debug, Deserialize)]
struct Report<'a> {
    #[serde(borrow)]
    export_metadata: ExportMetadata<'a>,
    #[serde(default)]
    summary_statistics: Numbers<MAX_STATISTICS>,
    #[serde(default)]
    risk_analysis: Numbers<MAX_STATISTICS>,
    #[serde(default)]
    category_analysis: Numbers<MAX_CATEGORIES>,
    #[serde(default)]
    section_analysis: Count,
}

#[derive(Debug, Deserialize)]
struct ExportMetadata<'a> {
    #[serde(borrow, default)]
    document_name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    guidelines_used: Option<&'a RawValue>,
}

impl Report<'_> {
    fn overview(self) -> Overview {
        let name = |value: Option<&RawValue>| {
            let is_text = value.is_some_and(|value| value.get().starts_with('"'));
            is_text.then(|| plain(&scalar(value), MAX_NAME_CHARS))
        };
        Overview {
            document: name(self.export_metadata.document_name),
            guidelines: name(self.export_metadata.guidelines_used),
            sections: self.section_analysis.0,
            statistics: self.summary_statistics.0,
            risks_of_all_suggestions: self.risk_analysis.0,
            categories: self.category_analysis.0,
        }
    }
}

/// How many members an object has.
#[derive(Debug, Default)]
struct Count(usize);

/// The first few numbers of an object, under names that are fit to be shown.
#[derive(Debug, Default)]
struct Numbers<const MOST: usize>(Map<String, Value>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self::default())
    }
}

impl<'de> Visitor<'de> for Count {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            self.0 += 1;
        }
        Ok(self)
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Numbers<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self::default())
    }
}

impl<'de, const MOST: usize> Visitor<'de> for Numbers<MOST> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Self, A::Error> {
        while let Some(name) = object.next_key::<String>()? {
            let value: &RawValue = object.next_value()?;
            let is_number = value.get().starts_with(|c: char| c == '-' || c.is_ascii_digit());
            if is_number
                && self.0.len() < MOST
                && let Ok(number) = serde_json::from_str(value.get())
            {
                self.0.insert(plain(&name, MAX_NAME_CHARS), number);
            }
        }
        Ok(self)
    }
}

/// What is sent before the items.
#[derive(Debug, Clone, Serialize)]
struct Overview {
    document: Option<String>,
    guidelines: Option<String>,
    sections: usize,
    statistics: Map<String, Value>,
    risks_of_all_suggestions: Map<String, Value>,
    categories: Map<String, Value>,
}

/// What is sent.
#[derive(Debug, Serialize)]
struct Data {
    #[serde(flatten)]
    overview: Overview,
    items_left_out: usize,
    items: Vec<Item>,
}

impl Data {
    /// As many `items` as fit, from the first on; `hidden` are left out anyway.
    fn fitting(overview: Overview, items: &[Candidate<'_>], hidden: usize) -> Result<Self, Reason> {
        let mut data = Self {
            overview,
            items_left_out: items.len() + hidden,
            items: Vec::new(),
        };
        // The number of items that are left out only gets shorter.
        let mut bytes = data.to_json()?.len();
        for item in items.iter().map(Candidate::to_item) {
            // With the comma before it.
            bytes += to_json(&item)?.len() + 1;
            if bytes > MAX_INPUT_BYTES {
                break;
            }
            data.items.push(item);
            data.items_left_out -= 1;
        }
        Ok(data)
    }

    fn to_json(&self) -> Result<String, Reason> {
        to_json(self)
    }
}

fn to_json(value: &impl Serialize) -> Result<String, Reason> {
    let json = serde_json::to_string(value).map_err(|error| Reason::Failed(error.to_string()))?;
    Ok(without_tags(&json))
}
