//! The log of a training run: `{session, user, pod, training_config, training_results}`. Two ids and three times are
//! required; whatever else it says is its own.

use jiff::Timestamp;

use crate::json::{Errors, FieldError, JsonError, Node, Object};
use crate::name::SessionId;
use crate::time;

const SECTIONS: [&str; 5] = ["session", "user", "pod", "training_config", "training_results"];

/// What is known of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingLog {
    /// The session that ended with it.
    pub session_id: SessionId,
    /// When that began.
    pub started: Timestamp,
}

impl TrainingLog {
    /// Reads a log.
    ///
    /// # Errors
    /// What is no JSON.
    pub fn parse(text: &str) -> Result<Result<Self, Vec<FieldError>>, JsonError> {
        let node = Node::parse(text)?;
        let mut errors = Errors::default();
        Ok(match Self::read(&node, &mut errors) {
            Some(log) if errors.is_empty() => Ok(log),
            _ => Err(errors.into_vec()),
        })
    }

    /// Reads a log that stands at this place. What is wrong names fields, not what they hold.
    pub fn read(node: &Node<'_>, errors: &mut Errors) -> Option<Self> {
        let fields = node.object(errors)?;
        let [session, user, pod, ..] = SECTIONS.map(|name| section(&fields, name, errors));
        let id = session.as_ref().and_then(|session| session_id(session, errors));
        let started = session
            .as_ref()
            .and_then(|session| time_of(session, "created_at", errors));
        let ended = session
            .as_ref()
            .and_then(|session| time_of(session, "ended_at", errors));
        if let (Some(session), Some(started), Some(ended)) = (&session, started, ended)
            && ended < started
        {
            let at = format!("{}/ended_at", session.pointer());
            errors.add(at, "lies before created_at");
        }
        if let Some(user) = &user {
            text(user, "username", errors);
            time_of(user, "session_start_time", errors);
        }
        if let Some(pod) = &pod {
            text(pod, "id", errors);
        }
        Some(Self {
            session_id: id?,
            started: started?,
        })
    }
}

fn section<'a>(fields: &Object<'a>, name: &str, errors: &mut Errors) -> Option<Object<'a>> {
    fields.require(name, errors)?.object(errors)
}

fn session_id(session: &Object<'_>, errors: &mut Errors) -> Option<SessionId> {
    let node = session.require("id", errors)?;
    SessionId::parse(&node.string(errors)?)
        .map_err(|error| node.refuse(errors, error.to_string()))
        .ok()
}

fn text(section: &Object<'_>, name: &str, errors: &mut Errors) {
    if let Some(node) = section.require(name, errors)
        && node.string(errors).is_some_and(|text| text.trim().is_empty())
    {
        node.refuse(errors, "must not be empty");
    }
}

fn time_of(section: &Object<'_>, name: &str, errors: &mut Errors) -> Option<Timestamp> {
    let node = section.require(name, errors)?;
    let time = time::parse(&node.string(errors)?);
    if time.is_none() {
        node.refuse(errors, "must be a time such as 2025-11-14T14:25:10Z");
    }
    time
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn sample() -> Value {
        serde_json::from_str(include_str!("../../tests/fixtures/training/session.json")).unwrap()
    }

    fn wrong(log: &Value) -> Vec<String> {
        let errors = TrainingLog::parse(&log.to_string()).unwrap().unwrap_err();
        let line = |error: FieldError| format!("{} {}", error.pointer, error.detail);
        errors.into_iter().map(line).collect()
    }

    #[test]
    fn the_sample_is_known_by_its_session_and_its_start() {
        let log = TrainingLog::parse(&sample().to_string()).unwrap().unwrap();
        assert_eq!(log.session_id.as_str(), "abc12345-def6-4890-a1b2-c3d4e5f60718");
        assert_eq!(log.started.to_string(), "2024-03-18T09:02:11Z");
        let mut more = sample();
        more["extra"] = json!({"deep": [1, 2, {"x": null}]});
        assert_eq!(TrainingLog::parse(&more.to_string()).unwrap().unwrap(), log);
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
            assert_eq!(wrong(&log), [format!("{place} is required")]);
        }
    }

    #[test]
    fn what_stands_in_a_section_is_looked_at_but_not_told() {
        let mut log = sample();
        log["session"]["created_at"] = json!("yesterday, secretly");
        log["user"]["username"] = json!("  ");
        log["pod"] = json!(["secret"]);
        assert_eq!(
            wrong(&log),
            [
                "/pod must be an object",
                "/session/created_at must be a time such as 2025-11-14T14:25:10Z",
                "/user/username must not be empty",
            ]
        );
        let mut log = sample();
        log["session"]["ended_at"] = json!("2024-03-18T09:02:10Z");
        assert_eq!(wrong(&log), ["/session/ended_at lies before created_at"]);
        let mut log = sample();
        log["session"]["id"] = json!("../../x");
        assert!(wrong(&log)[0].starts_with("/session/id "));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = TrainingLog::parse(&text);
        }
    }
}
