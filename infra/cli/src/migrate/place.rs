//! Where a file goes: by its number, its session, or its name and date. Pure decisions.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path};

use casefile::bol::{BolNumber, NumberFormat};
use casefile::collection::Collection;
use casefile::intake::{self, Acceptance, Dated};
use casefile::key::BasePath;
use casefile::name::{Owner, TenantId};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::Date};

use super::entry::{Entry, Is, To};
use super::pattern::Pattern;
use super::read::Content;
use super::records::Row;

/// The metadata of a training run's log.
pub(super) const SESSION_ID: &str = "session-id";

/// Whether an entry goes where it would be placed, or where its path was noted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    Anew,
    AsNoted,
}

/// By what all files of a folder are placed.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) collection: Collection,
    pub(super) base: BasePath,
    pub(super) tenant: TenantId,
    /// Of names. A bill of lading's says its number, unless the CSV does.
    pub(super) pattern: Option<Pattern>,
    /// Whose the files are that no row names.
    pub(super) owner: Option<Owner>,
    pub(super) now: Timestamp,
}

/// The last part of a path.
pub(super) fn last_part(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or_default()
}

impl Rules {
    /// Whether a file is taken, by its name alone.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn accept(&self, file: &str) -> Result<(), String> {
        if let Acceptance::Skipped(why) = intake::accept(self.collection, last_part(file)) {
            return Err(why);
        }
        match &self.pattern {
            Some(pattern) if !pattern.matches(last_part(file)) => {
                Err(format!("its name isn't like {pattern}"))
            }
            _ => Ok(()),
        }
    }

    /// Where a file goes that was read.
    ///
    /// # Errors
    /// Why nowhere.
    pub(super) fn place(&self, file: &str, content: &Content, row: &Row) -> Result<To, String> {
        let to = To {
            key: String::new(),
            path: String::new(),
            number: None,
            owner: row.owner.clone().or_else(|| self.owner.clone()),
            metadata: row.metadata.clone(),
            note: Vec::new(),
            day: None,
        };
        let to = if self.collection.number_format().is_some() {
            self.by_number(file, row, to)?
        } else {
            match &content.log {
                Some(log) if !self.collection.takes_files() => {
                    let day = log.started.to_zoned(TimeZone::UTC).date();
                    self.by_session(log.session_id.as_str(), day, to)
                }
                _ => self.by_name(file, content.is, to),
            }
        };
        self.with_key(to)
    }

    /// The same at another path, where one was noted before.
    ///
    /// # Errors
    /// When nothing of the collection can lie there.
    pub(super) fn with_key(&self, to: To) -> Result<To, String> {
        let key = self.collection.key(&self.base, &to.path);
        let key = key.ok_or_else(|| "its name makes no key of its collection".to_owned())?;
        Ok(To { key, ..to })
    }

    fn by_number(&self, file: &str, row: &Row, to: To) -> Result<To, String> {
        let number = self.number(file, row)?;
        Ok(To {
            path: number.path(),
            number: Some(number),
            ..to
        })
    }

    /// The number that a file's row says, or else its name.
    ///
    /// # Errors
    /// When neither does.
    pub(super) fn number(&self, file: &str, row: &Row) -> Result<BolNumber, String> {
        match &row.number {
            Some(number) => Ok(number.clone()),
            None => self.number_of(last_part(file)),
        }
    }

    /// The number that a name says, as the collection writes it.
    fn number_of(&self, name: &str) -> Result<BolNumber, String> {
        let none = || "the collection's numbers have no format".to_owned();
        let format = NumberFormat::shipped().ok_or_else(none)?;
        let own = || Pattern::parse(&format!("{format}.*"));
        let pattern = match &self.pattern {
            Some(pattern) if pattern.says_number() => pattern.clone(),
            Some(pattern) => {
                return Err(format!(
                    "no record says its number, and {pattern} says none either"
                ));
            }
            None => own()?,
        };
        let said = pattern.read(name)?;
        let told = said.and_then(|said| said.year.zip(said.number));
        let (year, count) = told.ok_or_else(|| {
            format!("its name says no number: it isn't like {pattern}; name a --name-pattern or --records")
        })?;
        let series = format.series(year).ok_or_else(|| format!("{year} is no year"))?;
        let number = series.number(count, format.width());
        // None of count 0.
        BolNumber::parse(&number.to_string()).ok_or_else(|| format!("{number} is no number: they begin at 1"))
    }

    fn by_session(&self, id: &str, day: Date, to: To) -> To {
        let note = ["the log of a session", self.tenant.as_str(), id];
        let metadata = BTreeMap::from([(SESSION_ID.to_owned(), id.to_owned())]);
        To {
            path: self.collection.new_path("", day, id),
            metadata,
            note: note.map(str::to_owned).to_vec(),
            day: Some(day),
            ..to
        }
    }

    /// By the date that its metadata, its name, or the folder that it lies in says; else by its own.
    fn by_name(&self, file: &str, is: Is, to: To) -> To {
        let name = last_part(file);
        let metadata: HashMap<_, _> = to.metadata.clone().into_iter().collect();
        let (path, dated) = intake::path(self.collection, name, &metadata, self.now);
        if dated != Dated::ByArrival {
            return To { path, ..to };
        }
        let path = if let Some(day) = self.day_of_folder(file) {
            self.collection.new_path("", day, name)
        } else {
            let modified = is.modified_at.min(self.now);
            intake::path(self.collection, name, &metadata, modified).0
        };
        let sha256 = is.sha256.to_string();
        let tenant = self.tenant.as_str();
        let note = [
            "a file without a date",
            tenant,
            self.collection.name(),
            name,
            &sha256,
        ];
        To {
            path,
            note: note.map(str::to_owned).to_vec(),
            ..to
        }
    }

    /// Places an entry of a plan again, by what the plan says of its file.
    ///
    /// # Errors
    /// When the plan has it somewhere else.
    pub(super) fn confirm(&self, entry: &Entry) -> Result<Placed, String> {
        let (to, is) = entry.wanted().ok_or("it doesn't say where it goes")?;
        let mut parts = Path::new(&entry.file).components();
        if !parts.all(|part| matches!(part, Component::Normal(_))) {
            return Err("it lies outside of the folder".to_owned());
        }
        self.accept(&entry.file)?;
        let (key, path) = (String::new(), String::new());
        let facts = To {
            key,
            path,
            note: Vec::new(),
            day: None,
            ..to.clone()
        };
        let again = match (&to.number, to.day, to.metadata.get(SESSION_ID)) {
            (Some(number), ..) if self.collection.number_format().is_some() => To {
                path: number.path(),
                ..facts
            },
            (None, Some(day), Some(id)) if !self.collection.takes_files() => self.by_session(id, day, facts),
            (None, None, _) if self.collection.takes_files() => self.by_name(&entry.file, is, facts),
            _ => return Err("it doesn't say what its place follows from".to_owned()),
        };
        let placed = if again.path == to.path {
            Placed::Anew
        } else {
            Placed::AsNoted
        };
        // What was noted for another day has the same name.
        let is_noted = !to.note.is_empty() && last_part(&again.path) == last_part(&to.path);
        let path = to.path.clone();
        let again = self.with_key(To { path, ..again })?;
        if again == *to && (placed == Placed::Anew || is_noted) {
            return Ok(placed);
        }
        Err(format!("it belongs elsewhere than to {}", to.key))
    }

    /// Of a folder that is laid out as the collection is.
    fn day_of_folder(&self, file: &str) -> Option<Date> {
        let day = self.collection.day_of_path(file)?;
        let last = self.now.to_zoned(TimeZone::UTC).date().tomorrow().ok()?;
        (day <= last).then_some(day)
    }
}

#[cfg(test)]
mod tests {
    use casefile::digest::Sha256;

    use super::super::entry::Is;
    use super::*;

    fn rules(collection: Collection, pattern: Option<&str>) -> Rules {
        Rules {
            collection,
            base: BasePath::default(),
            tenant: TenantId::parse("acme").unwrap(),
            pattern: pattern.map(|pattern| Pattern::parse(pattern).unwrap()),
            owner: Owner::parse("all").ok(),
            now: "2026-02-03T12:00:00Z".parse().unwrap(),
        }
    }

    fn content(modified_at: &str) -> Content {
        let is = Is {
            size: 1,
            modified_at: modified_at.parse().unwrap(),
            sha256: Sha256::of(b"x"),
        };
        Content { is, log: None }
    }

    fn key(rules: &Rules, file: &str, row: &Row) -> Result<String, String> {
        rules.accept(file)?;
        let to = rules.place(file, &content("2024-05-06T07:08:09Z"), row)?;
        Ok(to.key)
    }

    #[test]
    fn a_bill_of_lading_goes_by_the_number_in_its_name_or_in_its_row() {
        let plain = rules(Collection::bols(), None);
        for (file, expected) in [
            ("PRT-2025-0042.pdf", "bols/2025/PRT-2025-0042.pdf"),
            ("2024/x/PRT-2024-17.PDF", "bols/2024/PRT-2024-0017.pdf"),
        ] {
            assert_eq!(key(&plain, file, &Row::default()).as_deref(), Ok(expected));
        }
        for (file, why) in [
            ("scan.pdf", "its name says no number"),
            ("PRT-2025-0000.pdf", "they begin at 1"),
            ("PRT-2025-0042.docx", "none of what the collection takes"),
            ("a\u{202e}b.pdf", "characters that no"),
        ] {
            let error = key(&plain, file, &Row::default()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let row = Row {
            number: BolNumber::parse("OLD-2019-007"),
            ..Row::default()
        };
        let placed = plain
            .place("scan.pdf", &content("2024-05-06T07:08:09Z"), &row)
            .unwrap();
        assert_eq!(placed.key, "bols/2019/OLD-2019-007.pdf");
        assert_eq!(placed.owner, Owner::parse("all").ok());
        let own = rules(Collection::bols(), Some("BOL {NNNN} of {YYYY}*"));
        let expected = Ok("bols/2024/PRT-2024-0007.pdf");
        assert_eq!(
            key(&own, "BOL 7 of 2024 (signed).pdf", &Row::default()).as_deref(),
            expected
        );
        assert!(key(&own, "PRT-2025-0042.pdf", &row).is_err());
    }

    #[test]
    fn a_report_s_day_is_told_by_its_row_its_name_its_folder_or_its_own_time() {
        let rules = rules(Collection::ecg_reports(), None);
        let told = Row {
            metadata: [("report_date".to_owned(), "2025-10-28".to_owned())].into(),
            ..Row::default()
        };
        for (file, row, expected) in [
            ("report_20250102.pdf", &told, "2025/10/28/report_20250102.pdf"),
            (
                "2023/03/04/report_20250102.pdf",
                &Row::default(),
                "2025/01/02/report_20250102.pdf",
            ),
            ("2023/03/04/report.pdf", &Row::default(), "2023/03/04/report.pdf"),
            ("old/report.pdf", &Row::default(), "2024/05/06/report.pdf"),
        ] {
            assert_eq!(
                key(&rules, file, row),
                Ok(format!("ecg-reports/{expected}")),
                "{file}"
            );
        }
        let undated = rules.place("report.pdf", &content("2024-05-06T07:08:09Z"), &Row::default());
        assert_eq!(undated.unwrap().note[0], "a file without a date");
    }

    #[test]
    fn other_files_go_by_their_names() {
        let rules = rules(Collection::clinical(), None);
        let row = Row::default();
        assert_eq!(
            key(&rules, "2020/lab ü.parquet", &row).as_deref(),
            Ok("parquet/lab ü.parquet")
        );
        assert_eq!(
            key(&rules, "dump.json", &row).as_deref(),
            Ok("snapshots/dump.json")
        );
        assert!(key(&rules, "dump.csv", &row).is_err());
    }
}
