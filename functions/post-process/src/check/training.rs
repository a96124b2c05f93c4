//! The log of a training run: five sections, ids and times.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{fields, string};

#[derive(Deserialize)]
struct Log<'a> {
    #[serde(borrow)]
    session: Option<&'a RawValue>,
    #[serde(borrow)]
    user: Option<&'a RawValue>,
    #[serde(borrow)]
    pod: Option<&'a RawValue>,
    #[serde(borrow)]
    training_config: Option<&'a RawValue>,
    #[serde(borrow)]
    training_results: Option<&'a RawValue>,
}

/// What any section may have that is looked at.
#[derive(Default, Deserialize)]
struct Section<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    username: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
    #[serde(borrow)]
    ended_at: Option<&'a RawValue>,
    #[serde(borrow)]
    session_start_time: Option<&'a RawValue>,
}

/// What is wrong with a JSON text as the log of a training run. Names fields, not what they hold.
pub(super) fn wrong(text: &str) -> Vec<String> {
    let log: Log<'_> = match fields("the file", text) {
        Ok(log) => log,
        Err(wrong) => return vec![wrong],
    };
    let mut wrong = Vec::new();
    let mut section = |name, value| match section(name, value) {
        Ok(section) => Some(section),
        Err(reason) => {
            wrong.push(reason);
            None
        }
    };
    let session = section("session", log.session);
    let user = section("user", log.user);
    let pod = section("pod", log.pod);
    section("training_config", log.training_config);
    section("training_results", log.training_results);
    wrong.extend(session.iter().flat_map(wrong_in_session));
    wrong.extend(user.iter().flat_map(wrong_in_user));
    wrong.extend(pod.iter().filter_map(|pod| string("pod.id", pod.id).err()));
    wrong
}

fn section<'a>(name: &str, value: Option<&'a RawValue>) -> Result<Section<'a>, String> {
    let value = value.ok_or_else(|| format!("{name} is missing"))?;
    fields(name, value.get())
}

fn wrong_in_session(session: &Section<'_>) -> Vec<String> {
    let created = time("session.created_at", session.created_at);
    let ended = time("session.ended_at", session.ended_at);
    let order = match (&created, &ended) {
        (Ok(created), Ok(ended)) if ended < created => {
            Some("session.ended_at lies before session.created_at".to_owned())
        }
        _ => None,
    };
    let id = string("session.id", session.id).err();
    [id, created.err(), ended.err(), order]
        .into_iter()
        .flatten()
        .collect()
}

fn wrong_in_user(user: &Section<'_>) -> Vec<String> {
    let name = string("user.username", user.username).err();
    let start = time("user.session_start_time", user.session_start_time).err();
    [name, start].into_iter().flatten().collect()
}

fn time(place: &str, value: Option<&RawValue>) -> Result<Timestamp, String> {
    let text = string(place, value)?;
    text.parse()
        .map_err(|_| format!("{place} must be a time such as 2025-11-14T14:25:10Z"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sample() -> Value {
        serde_json::from_str(include_str!("../../../../tests/fixtures/training/session.json")).unwrap()
    }

    #[test]
    fn the_sample_has_all_sections() {
        assert_eq!(wrong(&sample().to_string()), Vec::<String>::new());
    }

    #[test]
    fn each_missing_section_id_or_time_is_named() {
        for place in [
            "/session",
            "/user",
            "/pod",
            "/training_config",
            "/training_results",
            "/session/id",
            "/session/created_at",
            "/session/ended_at",
            "/user/username",
            "/user/session_start_time",
            "/pod/id",
        ] {
            let mut log = sample();
            *log.pointer_mut(place).unwrap() = Value::Null;
            let name = place.trim_start_matches('/').replace('/', ".");
            assert_eq!(wrong(&log.to_string()), [format!("{name} is missing")]);
        }
    }

    #[test]
    fn what_stands_in_a_section_is_looked_at_but_not_told() {
        let mut log = sample();
        log["session"]["created_at"] = json!("yesterday, secretly");
        log["session"]["id"] = json!("  ");
        log["pod"] = json!(["secret"]);
        assert_eq!(
            wrong(&log.to_string()),
            [
                "pod must be an object",
                "session.id must be a string that isn't empty",
                "session.created_at must be a time such as 2025-11-14T14:25:10Z"
            ]
        );
        let mut log = sample();
        log["session"]["ended_at"] = json!("2024-03-18T09:02:10Z");
        assert_eq!(
            wrong(&log.to_string()),
            ["session.ended_at lies before session.created_at"]
        );
    }

    #[test]
    fn sections_that_are_not_known_are_passed_over() {
        let mut log = sample();
        log["extra"] = json!({"deep": [1, 2, {"x": null}]});
        assert!(wrong(&log.to_string()).is_empty());
        assert_eq!(wrong("[]"), ["the file must be an object"]);
    }
}
