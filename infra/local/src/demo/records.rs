//! Audit records as lines of a table.

use casefile::audit::Record;
use casefile::time::day;
use jiff::Timestamp;

use super::table;

const HEAD: [&str; 6] = ["time (UTC)", "who", "activity", "outcome", "file", "until (UTC)"];
const WIDEST: [usize; 6] = [12, 16, 10, 19, 28, 15];

/// Draws records as a table, one line each, in their order.
pub(super) fn render(records: &[Record]) -> String {
    let rows: Vec<_> = records.iter().map(row).collect();
    table::render(HEAD, WIDEST, &rows)
}

fn row(record: &Record) -> [String; 6] {
    let time = Timestamp::from_millisecond(record.time).ok();
    let cells = [
        time.map(table::time),
        Some(who(record)),
        Some(record.activity_name.clone()),
        Some(outcome(record)),
        Some(record.file.name.clone()),
        until(record, time),
    ];
    cells.map(Option::unwrap_or_default)
}

/// Nobody is named who comes with a share link: having it is all that counts.
fn who(record: &Record) -> String {
    let user = record.actor.user.as_ref();
    user.map_or_else(
        || "link's holder".to_owned(),
        |user| user.email_addr.as_ref().unwrap_or(&user.uid).clone(),
    )
}

fn outcome(record: &Record) -> String {
    match &record.status_detail {
        Some(reason) => format!("refused ({reason})"),
        None => record.status.to_lowercase(),
    }
}

/// With the day, unless it is the record's own.
fn until(record: &Record, time: Option<Timestamp>) -> Option<String> {
    let until = Timestamp::from_millisecond(record.expiration_time?).ok()?;
    let form = match time {
        Some(time) if day(time) == day(until) => "%H:%M:%S",
        _ => "%d %b %H:%M:%S",
    };
    Some(until.strftime(form).to_string())
}

#[cfg(test)]
mod tests {
    use casefile::audit::{Activity, Asked, Event, File, Given, Outcome};
    use casefile::caller::{Caller, Origin};
    use casefile::id::TimeId;
    use casefile::name::TenantId;

    use super::*;

    fn record(
        activity: Activity,
        outcome: Outcome,
        who: Option<&str>,
        until: Option<&str>,
        key: &str,
    ) -> Record {
        let caller = who.map(|email| Caller {
            user_id: "dana".to_owned(),
            email: Some(email.to_owned()),
            groups: Vec::new(),
            tenant: TenantId::parse("acme").unwrap(),
            customer: String::new(),
            collection: None,
        });
        let event = Event {
            activity,
            outcome,
            caller: caller.as_ref(),
            origin: &Origin::default(),
            tenant: Some("acme"),
            policies: &[],
            file: Some(File {
                key: key.to_owned(),
                ..File::default()
            }),
            grant_id: None,
            asked: Asked::default(),
            given: Given {
                expires_at: until.map(str::to_owned),
                ..Given::default()
            },
        };
        let time = "2025-11-14T14:25:10.007Z".parse().unwrap();
        Record::new(TimeId::floor(time), &event)
    }

    #[test]
    fn records_are_lines_of_a_table() {
        let used_up = Outcome::Refused {
            status: 404,
            reason: "used_up",
        };
        let (success, dana) = (Outcome::Success, Some("dana@example.com"));
        let (today, tomorrow) = (Some("2025-11-14T14:40:10Z"), Some("2025-11-15T14:25:10Z"));
        let records = [
            record(Activity::Share, success, dana, today, "tara/x/a.docx"),
            record(Activity::Share, success, dana, tomorrow, "tara/x/a.docx"),
            record(Activity::Download, used_up, None, None, "tara/x/a.docx"),
        ];
        let expected = "\
time (UTC)    who               activity  outcome            file    until (UTC)
────────────  ────────────────  ────────  ─────────────────  ──────  ───────────────
14:25:10.007  dana@example.com  Share     success            a.docx  14:40:10
14:25:10.007  dana@example.com  Share     success            a.docx  15 Nov 14:25:10
14:25:10.007  link's holder     Download  refused (used_up)  a.docx
";
        assert_eq!(render(&records), expected);
    }

    #[test]
    fn a_table_is_at_most_110_columns_wide_and_moves_no_cursor() {
        let long = "x".repeat(500);
        let refused = Outcome::Refused {
            status: 401,
            reason: "a reason that is much too long for its column",
        };
        let until = Some("2025-11-15T14:25:10Z");
        let widest = record(
            Activity::ReadAudit,
            refused,
            Some(&long),
            until,
            &format!("\u{1b}[2J{long}"),
        );
        let table = render(&[widest]);
        let width = table.lines().map(|line| line.chars().count()).max();
        assert_eq!(width, Some(110));
        assert!(!table.contains('\u{1b}') && table.contains("x…"), "{table}");
    }
}
