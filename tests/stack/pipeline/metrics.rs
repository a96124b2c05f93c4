//! Metrics in `CloudWatch`'s embedded format, among the functions' logs.

use serde_json::Value;

use super::plant::Plant;

/// Every metric, and its unit.
const UNITS: [(&str, &str); 11] = [
    ("ExportsSucceeded", "Count"),
    ("ExportsFailed", "Count"),
    ("ExportDuration", "Milliseconds"),
    ("ExportFiles", "Count"),
    ("ExportBytes", "Bytes"),
    ("Links", "Count"),
    ("Verdicts", "Count"),
    ("BatchFailures", "Count"),
    ("DeadLetters", "Count"),
    ("SummaryInputTokens", "Count"),
    ("SummaryOutputTokens", "Count"),
];

/// Everything that a dimension's value may be, beside functions' names.
const WORDS: [&str; 11] = [
    "direct",
    "share",
    "share_use",
    "granted",
    "refused",
    "failed",
    "verified",
    "rejected",
    "unsupported",
    "skipped",
    "released",
];

/// The lines, each held to the format.
fn lines(plant: &Plant) -> Vec<Value> {
    let log = plant.log();
    let lines = log.lines().filter(|line| line.contains("\"_aws\""));
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        assert_format(plant, line);
    }
    lines
}

fn assert_format(plant: &Plant, line: &Value) {
    assert!(
        line["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000,
        "{line}"
    );
    let mut fields = vec!["_aws"];
    for told in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        assert_eq!(told["Namespace"], "Casefile", "{line}");
        let dimensions = told["Dimensions"][0].as_array().unwrap();
        assert_eq!(dimensions[0], "Function", "{line}");
        for name in dimensions {
            let value = line[name.as_str().unwrap()].as_str().unwrap();
            let functions = ["session-export", "signed-download", "post-process"];
            let mut functions = functions.iter().filter_map(|binary| plant.stack.function(binary));
            let is_word = WORDS.contains(&value) || functions.any(|function| function == value);
            assert!(is_word, "{value}: {line}");
            fields.push(name.as_str().unwrap());
        }
        for metric in told["Metrics"].as_array().unwrap() {
            let name = metric["Name"].as_str().unwrap();
            let known = UNITS.iter().find(|(known, _)| *known == name);
            assert_eq!(metric["Unit"], known.unwrap().1, "{line}");
            let value = &line[name];
            let are_numbers = |values: &Vec<Value>| values.iter().all(Value::is_number);
            assert!(
                value.is_number() || value.as_array().is_some_and(are_numbers),
                "{line}"
            );
            fields.push(name);
        }
    }
    for name in line.as_object().unwrap().keys() {
        assert!(
            fields.contains(&name.as_str()),
            "{name} is neither a metric nor a dimension: {line}"
        );
    }
}

/// How much was counted in all, in the lines that have these dimensions.
pub(super) fn counted(plant: &Plant, metric: &str, dimensions: &[(&str, &str)]) -> u64 {
    let lines = lines(plant).into_iter();
    let of_these = lines.filter(|line| dimensions.iter().all(|(name, value)| line[name] == *value));
    of_these.filter_map(|line| line[metric].as_u64()).sum()
}

/// An export of so many verdicts, and three questions for links.
pub(super) async fn assert_counted(plant: &Plant, verdicts: usize) {
    let link = |kind, outcome| [("Kind", kind), ("Outcome", outcome)];
    plant.logged("ExportsSucceeded").await;
    plant.logged(r#""Outcome":"refused""#).await;
    let verdicts = u64::try_from(verdicts).unwrap();
    for (metric, dimensions, expected) in [
        ("ExportsSucceeded", &[][..], 1),
        ("ExportFiles", &[], 14),
        ("Verdicts", &[("Status", "verified")], verdicts),
        ("Verdicts", &[], verdicts),
        // The export's own among them.
        ("Links", &link("direct", "granted"), 2),
        ("Links", &link("share", "granted"), 1),
        ("Links", &link("direct", "refused"), 1),
        ("ExportsFailed", &[], 0),
        ("DeadLetters", &[], 0),
    ] {
        assert_eq!(
            counted(plant, metric, dimensions),
            expected,
            "{metric} {dimensions:?}: {}",
            plant.log()
        );
    }
    assert!(counted(plant, "ExportBytes", &[]) > 10_000);
}
