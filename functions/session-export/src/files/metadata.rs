//! What is kept of the metadata that comes with a file, and what is said of the rest.

use std::collections::HashMap;

use casefile::bucket::{Metadata, SHA256};
use casefile::collection::{Collection, Field};
use casefile::document::{UPLOADED_AT, ownership};
use casefile::json::{Errors, FieldError, Node};
use casefile::metadata::{MAX_BYTES, encode};
use casefile::name::{Owner, TenantId};

/// A digest and a time, as Casefile's own metadata.
const OWN_BYTES: usize = SHA256.len() + 64 + UPLOADED_AT.len() + "2025-11-14T14:25:10.000Z".len();

/// The most fields of a request's metadata.
const MAX_FIELDS: usize = 100;
/// How much of the name of what isn't kept is said again.
const MAX_NAMED_CHARS: usize = 100;

/// A file's metadata, sorted by its collection's policy.
#[derive(Debug, Default)]
pub struct Sorted {
    kept: Vec<(&'static Field, String)>,
    /// The names of what isn't kept.
    pub dropped: Vec<String>,
    /// What isn't plausible.
    pub warnings: Vec<FieldError>,
}

impl Sorted {
    /// Reads the metadata of a request: an object of texts and numbers.
    pub fn read(collection: Collection, node: &Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut sorted = Self::default();
        let members = node.object(errors)?.into_members();
        if members.len() > MAX_FIELDS {
            let detail = format!("holds {} fields; at most {MAX_FIELDS} are allowed", members.len());
            node.refuse(errors, detail);
            return None;
        }
        for (name, value) in members {
            if value.is_null() {
                continue;
            }
            let field = collection.metadata().iter().find(|field| field.name == name);
            let Some(field) = field else {
                sorted.dropped.push(name.chars().take(MAX_NAMED_CHARS).collect());
                continue;
            };
            if value.text().starts_with(['{', '[', 't', 'f']) {
                value.refuse(errors, "must be a text or a number");
                continue;
            }
            let text = value.display().trim().to_owned();
            if let Some(why) = unfit(&text) {
                value.refuse(errors, why);
                continue;
            }
            if text.is_empty() {
                sorted.dropped.push(name);
                continue;
            }
            if let Some(detail) = implausible(field, &text) {
                sorted.warnings.push(FieldError {
                    pointer: value.pointer().to_string(),
                    detail,
                });
            }
            sorted.kept.push((field, text));
        }
        Some(sorted)
    }

    /// Notes when it doesn't fit into what S3 keeps with an object, together with what Casefile adds.
    pub fn check_size(&self, tenant: &TenantId, owner: Option<&Owner>, node: &Node<'_>, errors: &mut Errors) {
        let own = ownership(tenant, owner);
        let all = self.kept().into_iter().chain(own);
        let size = OWN_BYTES + all.map(|(name, value)| name.len() + value.len()).sum::<usize>();
        if size > MAX_BYTES {
            let detail = format!(
                "makes {size} bytes of S3 object metadata, names, encoding and what is added to it included; at most \
                 {MAX_BYTES} are allowed"
            );
            node.refuse(errors, detail);
        }
    }

    /// As it is stored.
    pub(super) fn kept(&self) -> Metadata {
        let kept = self.kept.iter();
        kept.map(|(field, value)| (field.name, encode(value))).collect()
    }

    /// As it came, but for blanks around it.
    pub fn values(&self) -> HashMap<String, String> {
        let kept = self.kept.iter();
        kept.map(|(field, value)| (field.name.to_owned(), value.clone()))
            .collect()
    }
}

/// Why a text doesn't come back from S3 as it was.
fn unfit(text: &str) -> Option<&'static str> {
    if text.chars().any(char::is_control) {
        Some("must not have control characters")
    } else if text.contains("=?") {
        Some("must not have '=?', which begins an encoded word (RFC 2047)")
    } else {
        None
    }
}

/// Why a value is none that the field can have, in its unit. The value isn't repeated: it may be a patient's.
#[expect(clippy::cast_precision_loss, reason = "limits are small whole numbers")]
fn implausible(field: &Field, text: &str) -> Option<String> {
    let (min, max) = (field.min?, field.max?);
    let unit = field.unit;
    match text.trim().parse::<f64>() {
        Ok(value) if (min as f64..=max as f64).contains(&value) => None,
        Ok(_) => Some(format!(
            "lies outside of what is plausible, {min} to {max} {unit}; it is kept"
        )),
        Err(_) => Some(format!("is no number, as one in {unit} should be; it is kept")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sorted(metadata: &serde_json::Value) -> (Option<Sorted>, Vec<FieldError>) {
        let text = metadata.to_string();
        let node = Node::parse(&text).unwrap();
        let mut errors = Errors::default();
        let sorted = Sorted::read(Collection::ecg_reports(), &node, &mut errors);
        if let Some(sorted) = &sorted {
            let tenant = TenantId::parse("acme").unwrap();
            sorted.check_size(&tenant, None, &node, &mut errors);
        }
        (sorted, errors.into_vec())
    }

    #[test]
    fn the_sample_is_kept_but_for_what_the_collection_does_not_know() {
        let sample = include_str!("../../../../tests/fixtures/ecg/metadata.json");
        let (sorted, errors) = sorted(&serde_json::from_str(sample).unwrap());
        let sorted = sorted.unwrap();
        assert!(errors.is_empty() && sorted.warnings.is_empty());
        assert_eq!(sorted.dropped, ["debug_trace", "operator_login"]);
        let kept = sorted.kept();
        assert_eq!(kept.len(), 10);
        assert!(kept.contains(&("patient_name", "=?UTF-8?B?Sm9zw6kgw4FsdmFyZXo=?=".to_owned())));
        assert!(kept.contains(&("st_segment", "0.2".to_owned())));
    }

    #[test]
    fn values_out_of_range_are_kept_with_a_warning() {
        let (sorted, errors) = sorted(&json!({
            "heart_rate": 351, "pr_interval": "x", "qrs_duration": 30, "qtc_interval": "800", "st_segment": -20.5,
            "qrs_axis": null,
        }));
        let sorted = sorted.unwrap();
        assert!(errors.is_empty());
        let pointers: Vec<_> = sorted
            .warnings
            .iter()
            .map(|warning| warning.pointer.as_str())
            .collect();
        assert_eq!(pointers, ["/heart_rate", "/pr_interval", "/st_segment"]);
        assert!(!sorted.warnings[0].detail.contains("351"));
        assert_eq!(sorted.kept().len(), 5);
    }

    #[test]
    fn what_would_not_come_back_as_it_was_is_refused() {
        let (_, errors) = sorted(&json!({
            "patient_name": "a\nb", "machine_serial": "=?UTF-8?B?Sm9zw6k=?=", "heart_rate": true, "qrs_axis": " 3 ",
        }));
        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/patient_name", "/machine_serial", "/heart_rate"]);
        let (sorted, _) = sorted(&json!({"patient_name": "  Jane Doe ", "qrs_axis": ""}));
        let sorted = sorted.unwrap();
        assert_eq!(sorted.kept(), [("patient_name", "Jane Doe".to_owned())]);
        assert_eq!(sorted.dropped, ["qrs_axis"]);
    }

    #[test]
    fn what_does_not_fit_into_s3_s_metadata_is_refused() {
        let (_, errors) = sorted(&json!({"patient_name": "é".repeat(700), "heart_rate": [1]}));
        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/heart_rate", ""]);
        assert!(errors[1].detail.contains("at most 2048"), "{}", errors[1].detail);
        let (_, errors) = sorted(&json!({"patient_name": "e".repeat(1_800)}));
        assert!(errors.is_empty());
    }
}
