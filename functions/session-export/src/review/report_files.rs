//! The JSON files of an export: feedback, logs, comprehensive report. Names and shapes are what existing readers
//! of such exports parse; fields may be added beside them, never instead.

use casefile::json::{Node, Ordered, pretty};
use casefile::key::{FeedbackFile, LogFile};
use serde::Serialize;
use serde_json::json;

use super::feedback::FeedbackBySection;
use super::session::{LogEntry, Session};
use super::statistics::{
    CategoryStatistics, ReviewTimes, SectionStatistics, SummaryStatistics, actions, count,
    risks_and_categories, two_decimals,
};

/// Details in the timeline are cut to this many characters.
const TIMELINE_DETAILS: usize = 50;

type File = Result<Vec<u8>, serde_json::Error>;

/// A file below `feedback/`.
///
/// # Errors
/// Never for values that came as JSON.
pub fn feedback(session: &Session<'_>, file: FeedbackFile, exported_at: &str) -> File {
    #[derive(Serialize)]
    struct Document<'a> {
        export_info: serde_json::Value,
        feedback_by_section: Ordered<&'a String, &'a Vec<super::feedback::FeedbackItem<'a>>>,
    }
    let (feedback, description): (&FeedbackBySection<'_>, _) = match file {
        FeedbackFile::Accepted => (&session.accepted, "Feedback that the reviewer accepted"),
        FeedbackFile::Rejected => (&session.rejected, "AI suggestions that the reviewer rejected"),
        FeedbackFile::UserCustom => (&session.custom, "Feedback that the reviewer added"),
        FeedbackFile::AllAiSuggestions => (&session.suggestions, "All suggestions of the AI"),
    };
    pretty(&Document {
        export_info: json!({
            "description": description,
            "timestamp": exported_at,
            "total_sections": feedback.sections().len(),
            "total_items": feedback.total(),
        }),
        feedback_by_section: Ordered(
            feedback
                .sections()
                .iter()
                .map(|(name, items)| (name, items))
                .collect(),
        ),
    })
}

/// A file below `logs/`.
///
/// # Errors
/// Never for values that came as JSON.
pub fn log(session: &Session<'_>, file: LogFile, exported_at: &str) -> File {
    match file {
        LogFile::Activity => activity_log(session, exported_at),
        LogFile::Chat => chat_history(session, exported_at),
        LogFile::Audit => audit_logs(session, exported_at),
    }
}

fn activity_log(session: &Session<'_>, exported_at: &str) -> File {
    #[derive(Serialize)]
    struct Document<'a> {
        export_info: serde_json::Value,
        activity_log: Vec<&'a Node<'a>>,
    }
    pretty(&Document {
        export_info: json!({
            "timestamp": exported_at,
            "document_name": session.document_name,
            "session_id": session.id,
            "total_activities": session.activities.len(),
        }),
        activity_log: session.activities.iter().map(|entry| &entry.json).collect(),
    })
}

fn chat_history(session: &Session<'_>, exported_at: &str) -> File {
    #[derive(Serialize)]
    struct Document<'a> {
        export_info: serde_json::Value,
        chat_history: &'a [Node<'a>],
    }
    pretty(&Document {
        export_info: json!({ "timestamp": exported_at, "total_messages": session.chat.len() }),
        chat_history: &session.chat,
    })
}

fn audit_logs(session: &Session<'_>, exported_at: &str) -> File {
    #[derive(Serialize)]
    struct Document<'a> {
        export_info: serde_json::Value,
        audit_logs: Vec<&'a Node<'a>>,
        performance_metrics: AuditMetrics,
        activity_timeline: Vec<TimelineEntry<'a>>,
    }
    pretty(&Document {
        export_info: json!({ "timestamp": exported_at, "session_id": session.id }),
        audit_logs: session.audit.iter().map(|entry| &entry.json).collect(),
        performance_metrics: AuditMetrics::of(&session.audit),
        activity_timeline: session.audit.iter().map(TimelineEntry::of).collect(),
    })
}

/// `performance_metrics` of `audit_logs.json`, counted from the log's actions.
#[derive(Serialize)]
struct AuditMetrics {
    document_uploads: usize,
    sections_analyzed: usize,
    feedback_accepted: usize,
    feedback_rejected: usize,
    custom_feedback_added: usize,
    chat_interactions: usize,
    /// All of the above but the sections: those the AI analyses.
    total_user_actions: usize,
    /// Feedback actions for each section analysed.
    engagement_score: f64,
}

impl AuditMetrics {
    fn of(log: &[LogEntry<'_>]) -> Self {
        let document_uploads = actions(log, "DOCUMENTS_UPLOADED");
        let sections_analyzed = actions(log, "SECTION_ANALYZED");
        let feedback_accepted = actions(log, "FEEDBACK_ACCEPTED");
        let feedback_rejected = actions(log, "FEEDBACK_REJECTED");
        let custom_feedback_added = actions(log, "CUSTOM_FEEDBACK_ADDED");
        let chat_interactions = actions(log, "CHAT_INTERACTION");
        let engaged = feedback_accepted + feedback_rejected + custom_feedback_added + chat_interactions;
        Self {
            document_uploads,
            sections_analyzed,
            feedback_accepted,
            feedback_rejected,
            custom_feedback_added,
            chat_interactions,
            total_user_actions: document_uploads + engaged,
            engagement_score: two_decimals(count(engaged) / count(sections_analyzed.max(1))),
        }
    }
}

#[derive(Serialize)]
struct TimelineEntry<'a> {
    time: String,
    action: &'a str,
    details: String,
    level: &'a str,
}

impl<'a> TimelineEntry<'a> {
    fn of(entry: &'a LogEntry<'a>) -> Self {
        Self {
            time: entry
                .time()
                .map_or_else(|| entry.timestamp.clone(), casefile::time::rfc3339),
            action: &entry.action,
            details: cut(&entry.details),
            level: &entry.level,
        }
    }
}

fn cut(details: &str) -> String {
    match details.char_indices().nth(TIMELINE_DETAILS) {
        Some((end, _)) => format!("{}...", details.get(..end).unwrap_or_default()),
        None => details.to_owned(),
    }
}

/// `comprehensive_report.json`. `session` holds, as they came, the session's fields that no other file has.
///
/// # Errors
/// Never for values that came as JSON.
pub fn comprehensive(session: &Session<'_>, exported_at: &str) -> File {
    #[derive(Serialize)]
    struct Document<'a> {
        export_metadata: serde_json::Value,
        summary_statistics: SummaryStatistics,
        risk_analysis: Ordered<String, usize>,
        category_analysis: Ordered<String, usize>,
        category_acceptance: Ordered<String, CategoryStatistics>,
        section_analysis: Ordered<&'a String, SectionStatistics>,
        activity_summary: serde_json::Value,
        performance_metrics: ReviewTimes,
        session: Ordered<&'a String, &'a Node<'a>>,
    }
    let (risks, categories) = risks_and_categories(session);
    let sections = session
        .sections
        .iter()
        .map(|name| (name, SectionStatistics::of(session, name)));
    pretty(&Document {
        export_metadata: json!({
            "timestamp": exported_at,
            "session_id": session.id,
            "document_name": session.document_name,
            "guidelines_used": session.guidelines_name,
            "guidelines_preference": session.guidelines_preference,
        }),
        summary_statistics: SummaryStatistics::of(session),
        risk_analysis: risks.into_ordered(),
        category_analysis: categories.into_ordered(),
        category_acceptance: CategoryStatistics::by_category(session),
        section_analysis: Ordered(sections.collect()),
        activity_summary: json!({
            "total_activities": session.activities.len(),
            "chat_interactions": actions(&session.activities, "CHAT_INTERACTION"),
            "sections_analyzed": actions(&session.activities, "SECTION_ANALYZED"),
        }),
        performance_metrics: ReviewTimes::of(session),
        session: Ordered(session.rest.iter().map(|(name, node)| (name, node)).collect()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::review::testing::{build, sample_request, text};

    fn file(request: &Value, path: &str) -> Value {
        serde_json::from_str(&text(&build(request), path)).unwrap()
    }

    #[test]
    fn the_sample_s_files_are_as_documented() {
        let folder = build(&sample_request());
        for path in [
            "comprehensive_report.json",
            "readable_report.txt",
            "feedback/accepted_feedback.json",
        ] {
            insta::assert_snapshot!(path, text(&folder, path));
        }
        for path in [
            "logs/activity_log.json",
            "logs/chat_history.json",
            "logs/audit_logs.json",
        ] {
            insta::assert_snapshot!(path, text(&folder, path));
        }
    }

    #[test]
    fn unknown_fields_are_kept_as_they_came() {
        let mut request = sample_request();
        request["session"]["x_model"] = json!({"b": 1, "a": [1.50, "ü"]});
        let text_with_number = request
            .to_string()
            .replace(r#""b":1"#, r#""b":1.0000,"c":123456789012345678901234567890"#);
        request["session"]["feedback_data"]["Background"][0]["x_new"] = json!([{"deep": null}]);
        let report = file(&request, "comprehensive_report.json");
        assert_eq!(report["session"]["x_model"], request["session"]["x_model"]);
        assert_eq!(report["session"]["user"], request["session"]["user"]);
        let all = file(&request, "feedback/all_ai_suggestions.json");
        assert_eq!(
            all["feedback_by_section"]["Background"][0]["x_new"],
            json!([{"deep": null}])
        );
        // Digits too: no number passes through a float.
        let parsed = crate::review::request::ReviewRequest::parse(&text_with_number, &[]).unwrap();
        let kept = String::from_utf8(super::comprehensive(&parsed.session, "").unwrap()).unwrap();
        assert!(
            kept.contains("\"b\": 1.0000,\n      \"c\": 123456789012345678901234567890"),
            "{kept}"
        );
    }

    #[test]
    fn a_rate_counts_the_ai_s_items_only_and_never_passes_100() {
        let request = sample_request();
        let report = file(&request, "comprehensive_report.json");
        // Two accepted in "Investigation Process", one of them the user's own; two suggestions.
        let section = &report["section_analysis"]["Investigation Process"];
        assert_eq!(section["accepted"], 2);
        assert_eq!(section["acceptance_rate"], 50.0);
        // Background: one suggestion, accepted, and the user's own accepted item.
        assert_eq!(report["section_analysis"]["Background"]["acceptance_rate"], 100.0);
        assert_eq!(report["section_analysis"]["Background"]["accepted"], 2);
        assert_eq!(
            report["section_analysis"]["Recommendations"]["acceptance_rate"],
            0.0
        );
    }

    #[test]
    fn a_category_s_rate_counts_what_became_of_its_ai_suggestions() {
        let mut request = sample_request();
        let report = file(&request, "comprehensive_report.json");
        // In both sections where it occurs; the user's own items have categories, too.
        let documentation = json!({"suggestions": 2, "accepted": 1, "rejected": 1, "acceptance_rate": 50.0});
        assert_eq!(report["category_acceptance"]["Documentation"], documentation);
        let counted = |report: &Value, name: &str| {
            let categories = report["category_acceptance"].as_object().unwrap().values();
            categories
                .map(|counts| counts[name].as_u64().unwrap())
                .sum::<u64>()
        };
        let total = &report["summary_statistics"]["total_ai_suggestions"];
        assert_eq!(total, counted(&report, "suggestions"));

        // Undecided: it is a suggestion, and nothing else.
        for list in ["accepted_feedback", "rejected_feedback"] {
            request["session"][list] = json!({});
        }
        let report = file(&request, "comprehensive_report.json");
        assert_eq!(counted(&report, "accepted") + counted(&report, "rejected"), 0);
        assert_eq!(total, counted(&report, "suggestions"));
    }

    #[test]
    fn a_timestamp_that_can_not_be_read_makes_the_durations_0() {
        let mut request = sample_request();
        request["session"]["activity_log"][3]["timestamp"] = json!("half past two");
        request["session"]["audit_logs"][3]["timestamp"] = json!(17);
        let report = file(&request, "comprehensive_report.json");
        assert_eq!(
            report["performance_metrics"],
            json!({"review_duration": 0.0, "avg_time_per_section": 0.0})
        );
        assert_eq!(
            file(&request, "logs/audit_logs.json")["activity_timeline"][3]["time"],
            "17"
        );
    }

    #[test]
    fn a_session_without_feedback_has_rates_of_0() {
        let request = json!({
            "session": {"session_id": "s"},
            "documents": {"before": {"file_name": "a.docx", "content_base64": "eA=="}},
        });
        let report = file(&request, "comprehensive_report.json");
        assert_eq!(report["summary_statistics"]["acceptance_rate"], 0.0);
        assert_eq!(report["risk_analysis"], json!({"High": 0, "Medium": 0, "Low": 0}));
    }

    #[test]
    fn long_details_are_cut_to_50_characters() {
        assert_eq!(super::cut(&"ä".repeat(51)), format!("{}...", "ä".repeat(50)));
        assert_eq!(super::cut(&"ä".repeat(50)), "ä".repeat(50));
    }
}
