//! Which file became what: a CSV for the application that has to change its own database.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::entry::{Action, Entry};
use super::journal::{Done, Version};
use super::plan::{JOURNAL, Plan, beside, private};
use crate::failure::Failure;

const COLUMNS: [&str; 6] = ["file", "number", "key", "version_id", "sha256", "size"];
/// What it is called until it is whole.
const PART: &str = ".part";

/// Writes a row for each file of the plan that is stored, in the plan's order. It appears whole or not at all, in place
/// of an earlier mapping and of nothing else.
///
/// # Errors
/// When it can't be written, or the plan can't be read.
pub(super) fn write(path: &Path, plan: &Plan, done: &Done) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Failed(format!("{} can't be written: {error}", path.display()))
    };
    refuse_others(path)?;
    let part = beside(path, PART);
    let mut out = csv::Writer::from_writer(begin(&part)?);
    out.write_record(COLUMNS).map_err(|error| failed(&error))?;
    for entry in plan.entries()? {
        let (at, entry) = entry?;
        if let Some(version) = version_of(at, &entry, done) {
            out.write_record(row(&entry, version.id()))
                .map_err(|error| failed(&error))?;
        }
    }
    let file = out.into_inner().map_err(|error| failed(&error))?;
    file.sync_all().map_err(|error| failed(&error))?;
    fs::rename(&part, path).map_err(|error| failed(&error))
}

/// That no mapping is written over what a plan was made from, or over anything else that is none.
///
/// # Errors
/// Which file it would be.
pub(super) fn check(path: &Path, plan: &Plan) -> Result<(), Failure> {
    refuse_others(path)?;
    let (mapping, folder) = (real(path), real(&plan.header.folder));
    let records = plan.header.records.as_deref().map(real);
    let inputs = [
        Some(real(plan.path())),
        Some(real(&plan.beside(JOURNAL))),
        records,
    ];
    let mut is_input = inputs.iter().flatten().any(|input| *input == mapping);
    if let Ok(below) = mapping.strip_prefix(folder) {
        for entry in plan.entries()? {
            is_input |= Path::new(&entry?.1.file) == below;
        }
    }
    if !is_input {
        return Ok(());
    }
    Err(Failure::Refused(format!(
        "{} is what the plan was made from, and is not overwritten: name another --mapping",
        path.display()
    )))
}

/// # Errors
/// What lies there, and isn't a mapping.
pub(super) fn refuse_others(path: &Path) -> Result<(), Failure> {
    match begins(path) {
        Ok(begin) if begin == header() => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => Ok(()),
        _ => Err(Failure::Refused(format!(
            "{} is there already and is no mapping of an earlier run, so it is not overwritten: name another --mapping",
            path.display()
        ))),
    }
}

/// A new file, never one that is there; but for what a run left that was killed.
fn begin(part: &Path) -> Result<File, Failure> {
    let is_left = |begin: &[u8]| header().starts_with(begin);
    let is_file = part.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
    if is_file && begins(part).is_ok_and(|begin| is_left(&begin)) {
        let _ = fs::remove_file(part);
    }
    let file = private().write(true).create_new(true).open(part);
    file.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::Refused(format!(
            "{} is there already, and is not overwritten: move it away, or name another --mapping",
            part.display()
        )),
        _ => Failure::Failed(format!("{} can't be written: {error}", part.display())),
    })
}

fn header() -> Vec<u8> {
    (COLUMNS.join(",") + "\n").into_bytes()
}

/// As many bytes as the header has.
fn begins(path: &Path) -> io::Result<Vec<u8>> {
    let mut begin = Vec::new();
    File::open(path)?
        .take(header().len() as u64)
        .read_to_end(&mut begin)?;
    Ok(begin)
}

/// Where a path leads, also when nothing is there yet.
fn real(path: &Path) -> PathBuf {
    let new = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    };
    path.canonicalize()
        .ok()
        .or_else(new)
        .unwrap_or_else(|| path.to_owned())
}

fn row(entry: &Entry, version_id: Option<&str>) -> [String; 6] {
    let to = entry.to.as_ref();
    [
        entry.file.clone(),
        to.and_then(|to| to.number.as_ref())
            .map(ToString::to_string)
            .unwrap_or_default(),
        to.map(|to| to.key.clone()).unwrap_or_default(),
        version_id.unwrap_or_default().to_owned(),
        entry.is.map(|is| is.sha256.to_string()).unwrap_or_default(),
        entry.size().to_string(),
    ]
}

/// The version of a file; `None` while it isn't stored.
fn version_of(at: usize, entry: &Entry, done: &Done) -> Option<Version> {
    match entry.action {
        Action::Upload => done.get(&at).cloned(),
        Action::SkipIdentical => match entry.same_as {
            Some(other) => done.get(&other).cloned(),
            None => Some(entry.version_id.clone().into()),
        },
        Action::Conflict | Action::Rejected => None,
    }
}

#[cfg(test)]
mod tests {
    use casefile::name::TenantId;

    use super::super::plan::{Header, Place};
    use super::*;

    fn plan(folder: &Path, entries: &[Entry]) -> Plan {
        let header = Header {
            folder: folder.join("files"),
            records: Some(folder.join("records.csv")),
            ..Header::new(Place::sample(), TenantId::parse("acme").unwrap())
        };
        Plan::write(&folder.join("x.plan"), header, entries).unwrap()
    }

    #[test]
    fn a_file_whose_twin_is_not_stored_is_not_stored_either() {
        let folder = tempfile::tempdir().unwrap();
        let twin = Entry {
            same_as: Some(0),
            ..Entry::new("b".to_owned(), Action::SkipIdentical, "")
        };
        let there = Entry::new("c".to_owned(), Action::SkipIdentical, "");
        let plan = plan(
            folder.path(),
            &[Entry::new("a".to_owned(), Action::Upload, ""), twin, there],
        );
        let path = folder.path().join("x.csv");
        let files = || {
            let text = fs::read_to_string(&path).unwrap();
            text.lines()
                .skip(1)
                .map(|row| row.chars().next().unwrap())
                .collect::<String>()
        };
        write(&path, &plan, &Done::new()).unwrap();
        assert_eq!(files(), "c");
        // Names of files may be patients'.
        let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        write(&path, &plan, &[(0, Version::default())].into()).unwrap();
        assert_eq!(files(), "abc");
    }

    #[test]
    fn nothing_but_an_earlier_mapping_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("files")).unwrap();
        let mapping = header();
        for input in ["records.csv", "files/a.csv"] {
            fs::write(at(input), &mapping).unwrap();
        }
        let plan = plan(
            folder.path(),
            &[Entry::new("a.csv".to_owned(), Action::Upload, "")],
        );
        std::os::unix::fs::symlink(at("records.csv"), at("link.csv")).unwrap();
        std::os::unix::fs::symlink(at("nowhere"), at("dangling.csv")).unwrap();
        fs::write(at("other.csv"), "file,number\n").unwrap();
        fs::write(at("earlier.csv"), [&mapping[..], b"a,,k,v,h,1\n"].concat()).unwrap();
        for name in [
            "records.csv",
            "files/../records.csv",
            "files/a.csv",
            "link.csv",
            "dangling.csv",
            "other.csv",
            "x.plan",
        ] {
            let error = check(&at(name), &plan).unwrap_err();
            assert!(
                matches!(&error, Failure::Refused(why) if why.contains("not overwritten")),
                "{name}: {error}"
            );
        }
        for name in ["earlier.csv", "new.csv", "files/new.csv"] {
            assert_eq!(check(&at(name), &plan), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_part_is_nobody_else_s_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let plan = plan(folder.path(), &[]);
        fs::write(at("precious"), "x").unwrap();
        std::os::unix::fs::symlink(at("precious"), at("x.csv.part")).unwrap();
        let error = write(&at("x.csv"), &plan, &Done::new()).unwrap_err();
        assert!(
            error.to_string().contains("x.csv.part is there already"),
            "{error}"
        );
        assert_eq!(fs::read(at("precious")).unwrap(), b"x");
        fs::remove_file(at("x.csv.part")).unwrap();
        fs::write(at("x.csv.part"), "file,number,key").unwrap();
        write(&at("x.csv"), &plan, &Done::new()).unwrap();
        assert_eq!(fs::read(at("x.csv")).unwrap(), header());
        assert!(!at("x.csv.part").exists());
    }
}
