//! Feedback items, as the files of a session have them and as the model gets them.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;

use super::text::plain;

/// As long as session-export takes ids.
const MAX_ID_CHARS: usize = 200;
const MAX_NAME_CHARS: usize = 200;
const MAX_TEXT_CHARS: usize = 1000;
/// Sections and items in a file: session-export takes 5,000 of each.
const MAX_ENTRIES: usize = 20_000;

/// What the model is shown of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Item {
    pub(super) id: String,
    section: String,
    pub(super) decision: Decision,
    risk_level: String,
    #[serde(rename = "type")]
    gravity: String,
    category: String,
    /// Whether the reviewer wrote it, and not an AI.
    by_reviewer: bool,
    description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    suggestion: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decision {
    Accepted,
    Undecided,
    Rejected,
}

/// A file below `feedback/`: of its fields, those that are read. Others may come in any shape. Texts stay in the file's
/// bytes until they are shown, which few of them are.
#[derive(Debug, Default, Deserialize)]
pub(super) struct FeedbackFile<'a> {
    #[serde(borrow)]
    feedback_by_section: Sections<'a>,
}

#[derive(Debug, Default)]
struct Sections<'a>(BTreeMap<String, Vec<RawItem<'a>>>);

#[derive(Debug, Deserialize)]
struct RawItem<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "type")]
    gravity: Option<&'a RawValue>,
    #[serde(borrow, default)]
    category: Option<&'a RawValue>,
    #[serde(borrow, default)]
    description: Option<&'a RawValue>,
    #[serde(borrow, default)]
    suggestion: Option<&'a RawValue>,
    #[serde(borrow, default)]
    risk_level: Option<&'a RawValue>,
    #[serde(borrow, default)]
    user_created: Option<&'a RawValue>,
}

impl RawItem<'_> {
    fn id(&self) -> String {
        scalar(self.id)
    }

    fn is_user_created(&self) -> bool {
        self.user_created.is_some_and(|value| value.get() == "true")
    }

    /// Lowest for the gravest: by risk, then by type.
    fn rank(&self) -> (u8, u8) {
        let level = |value| plain(&scalar(value), MAX_NAME_CHARS).to_ascii_lowercase();
        let risk = match level(self.risk_level).as_str() {
            "critical" => 0,
            "high" => 1,
            "medium" => 2,
            "low" => 4,
            // A level that isn't known may be anything but is rarely harmless.
            _ => 3,
        };
        let gravity = match level(self.gravity).as_str() {
            "critical" => 0,
            "important" => 1,
            _ => 2,
        };
        (risk, gravity)
    }
}

/// A string or a number, as text; of anything else nothing.
pub(super) fn scalar(value: Option<&RawValue>) -> String {
    let json = value.map_or("", RawValue::get);
    if json.starts_with('"') {
        serde_json::from_str(json).unwrap_or_default()
    } else {
        let number: Result<Number, _> = serde_json::from_str(json);
        number.map(|number| number.to_string()).unwrap_or_default()
    }
}

impl<'a, 'de: 'a> Deserialize<'de> for Sections<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SectionsVisitor)
    }
}

struct SectionsVisitor;

impl<'de> Visitor<'de> for SectionsVisitor {
    type Value = Sections<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("items by section")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sections<'de>, A::Error> {
        let (mut sections, mut left) = (BTreeMap::new(), MAX_ENTRIES);
        while let Some(section) = map.next_key()? {
            left = left.checked_sub(1).ok_or_else(|| A::Error::custom(TOO_MANY))?;
            sections.insert(section, map.next_value_seed(Items(&mut left))?);
        }
        Ok(Sections(sections))
    }
}

/// The items of one section, and how many there may still be.
struct Items<'b>(&'b mut usize);

const TOO_MANY: &str = "more entries than a review has";

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = Vec<RawItem<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = Vec<RawItem<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut read = Vec::new();
        while let Some(item) = items.next_element()? {
            *self.0 = self.0.checked_sub(1).ok_or_else(|| A::Error::custom(TOO_MANY))?;
            read.push(item);
        }
        Ok(read)
    }
}

/// An item that may be shown.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    section: &'a str,
    decision: Decision,
    by_reviewer: bool,
    raw: &'a RawItem<'a>,
}

impl Candidate<'_> {
    pub(super) fn to_item(&self) -> Item {
        let text = |value, most| plain(&scalar(value), most);
        Item {
            id: self.raw.id(),
            section: plain(self.section, MAX_NAME_CHARS),
            decision: self.decision,
            risk_level: text(self.raw.risk_level, MAX_NAME_CHARS),
            gravity: text(self.raw.gravity, MAX_NAME_CHARS),
            category: text(self.raw.category, MAX_NAME_CHARS),
            by_reviewer: self.by_reviewer,
            description: text(self.raw.description, MAX_TEXT_CHARS),
            suggestion: text(self.raw.suggestion, MAX_TEXT_CHARS),
        }
    }
}

/// The four files below `feedback/`.
#[derive(Debug)]
pub(super) struct Feedback<'a> {
    pub(super) accepted: FeedbackFile<'a>,
    pub(super) rejected: FeedbackFile<'a>,
    pub(super) user_custom: FeedbackFile<'a>,
    pub(super) suggestions: FeedbackFile<'a>,
}

impl Feedback<'_> {
    /// Every item once, gravest first, and how many can't be shown because of their ids.
    ///
    /// An item stands in several files: a suggestion of the AI's is decided, or isn't, and what the reviewer adds is
    /// among what was accepted. An id counts within its section.
    pub(super) fn candidates(&self) -> (Vec<Candidate<'_>>, usize) {
        let own = ids(&self.user_custom);
        let files = [
            (&self.accepted, Decision::Accepted),
            // What the reviewer adds is open until the author has acted on it.
            (&self.user_custom, Decision::Accepted),
            // Behind what was accepted: in doubt, a risk is open.
            (&self.rejected, Decision::Rejected),
            (&self.suggestions, Decision::Undecided),
        ];
        let mut seen = HashSet::new();
        let mut items = Vec::new();
        let mut hidden = 0;
        for (file, decision) in files {
            for (section, raw) in all(file) {
                let key = (section, raw.id());
                let by_reviewer = raw.is_user_created() || own.contains(&key);
                if !seen.insert(key) {
                    continue;
                }
                if can_be_named(&raw.id()) {
                    items.push(Candidate {
                        section,
                        decision,
                        by_reviewer,
                        raw,
                    });
                } else {
                    hidden += 1;
                }
            }
        }
        items.sort_by_cached_key(|item| item.raw.rank());
        (items, hidden)
    }
}

/// An id goes to the model and comes back as it is, so it has to be a text that a person would call one.
fn can_be_named(id: &str) -> bool {
    !id.is_empty() && plain(id, MAX_ID_CHARS) == id
}

fn all<'a>(file: &'a FeedbackFile<'_>) -> impl Iterator<Item = (&'a str, &'a RawItem<'a>)> {
    file.feedback_by_section
        .0
        .iter()
        .flat_map(|(section, items)| items.iter().map(move |item| (section.as_str(), item)))
}

fn ids<'a>(file: &'a FeedbackFile<'_>) -> HashSet<(&'a str, String)> {
    all(file).map(|(section, item)| (section, item.id())).collect()
}
