//! The log of a training run: five sections, ids and times.

use casefile::training_log::TrainingLog;

/// What is wrong with a JSON text as the log of a training run. Names fields, not what they hold.
pub(super) fn wrong(text: &str) -> Vec<String> {
    match TrainingLog::parse(text) {
        Ok(Ok(_)) => Vec::new(),
        Ok(Err(errors)) => errors
            .into_iter()
            .map(|error| match error.pointer.trim_start_matches('/') {
                "" => format!("the file {}", error.detail),
                place => format!("{} {}", place.replace('/', "."), error.detail),
            })
            .collect(),
        Err(error) => vec![error.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn fields_are_named_as_people_name_them() {
        let sample = include_str!("../../../../tests/fixtures/training/session.json");
        assert_eq!(wrong(sample), Vec::<String>::new());
        let mut log: Value = serde_json::from_str(sample).unwrap();
        log["session"]["created_at"] = json!("yesterday");
        log["pod"] = Value::Null;
        assert_eq!(
            wrong(&log.to_string()),
            [
                "pod is required",
                "session.created_at must be a time such as 2025-11-14T14:25:10Z"
            ]
        );
        assert_eq!(wrong("[]"), ["the file must be an object"]);
    }
}
