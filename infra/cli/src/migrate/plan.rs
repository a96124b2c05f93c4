//! A plan: JSON Lines, the first of which says what the others are for, with a digest of everything.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use casefile::digest::{Hasher, Sha256};
use casefile::name::TenantId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::Entry;
use crate::failure::Failure;

const VERSION: u32 = 1;
/// What the journal is called that lies beside a plan.
pub(super) const JOURNAL: &str = ".journal";
/// What the mapping is called that lies there.
pub(super) const MAPPING: &str = ".csv";

/// What a plan is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// Of this form of plans.
    pub(super) casefile_plan: u32,
    pub(super) place: Place,
    pub(super) tenant: TenantId,
    /// Where the files lie, absolute.
    pub(super) folder: PathBuf,
    /// The CSV that says what is known of them, absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) records: Option<PathBuf>,
    pub(super) made_at: Timestamp,
    /// How many there are.
    pub(super) files: usize,
    /// Of this line without it, and of all other lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<Sha256>,
}

/// The one place that a plan is for, and what the files are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// Where S3 answers, when that isn't AWS's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) endpoint: Option<String>,
    pub(super) region: String,
    pub(super) bucket: String,
    pub(super) base_path: String,
    pub(super) collection: String,
    /// Of the collection's block in `infra/collections.toml`.
    pub(super) policy: Sha256,
}

impl Place {
    /// In what a place differs from this one: the name of it, and what stands here and there.
    pub(super) fn differs(&self, other: &Self) -> Option<(&'static str, String, String)> {
        let none = || "none".to_owned();
        let endpoint = |place: &Self| place.endpoint.clone().unwrap_or_else(none);
        let all = |place: &Self| {
            [
                ("the collection", place.collection.clone()),
                ("AWS_ENDPOINT_URL_S3", endpoint(place)),
                ("AWS_REGION", place.region.clone()),
                ("S3_BUCKET_NAME", place.bucket.clone()),
                ("S3_BASE_PATH", place.base_path.clone()),
                ("the collection's policy", place.policy.to_string()),
            ]
        };
        let both = all(self).into_iter().zip(all(other));
        let mut differing = both.filter(|((_, here), (_, there))| here != there);
        differing
            .next()
            .map(|((what, here), (_, there))| (what, here, there))
    }
}

/// A plan that is as it was written.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) header: Header,
    path: PathBuf,
}

impl Plan {
    /// Writes a plan where nothing is yet.
    ///
    /// # Errors
    /// When something is there, or it can't be written.
    pub(super) fn write(path: &Path, header: Header, entries: &[Entry]) -> Result<Self, Failure> {
        let failed = |error: &io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::Refused(format!(
                "{} is there already, and is not overwritten: name another --out",
                path.display()
            )),
            _ => Failure::Failed(format!("{} can't be written: {error}", path.display())),
        };
        let file = private().write(true).create_new(true).open(path);
        let file = file.map_err(|error| failed(&error))?;
        let written = write(file, header, entries);
        let header = written.map_err(|error| {
            // Half a plan is none.
            let _ = fs::remove_file(path);
            failed(&error)
        })?;
        let path = path.to_owned();
        Ok(Self { header, path })
    }

    /// Opens a plan, and reads all of it.
    ///
    /// # Errors
    /// When it isn't as it was written.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let unreadable =
            |error: io::Error| Failure::Failed(format!("{} can't be read: {error}", path.display()));
        let edited = |why: &str| {
            Failure::Refused(format!(
                "{} is no plan as it was written: {why}; make it anew",
                path.display()
            ))
        };
        let mut lines = Lines::open(path).map_err(unreadable)?;
        let first = lines.next_line().map_err(unreadable)?.unwrap_or_default();
        let header: Header = serde_json::from_slice(&first)
            .map_err(|_| edited("its first line isn't the header of a plan"))?;
        if header.casefile_plan != VERSION {
            return Err(edited("it is of another version of this program"));
        }
        let mut hasher = begin(&header).map_err(unreadable)?;
        let mut files = 0;
        while let Some(line) = lines.next_line().map_err(unreadable)? {
            hasher.update(&line);
            files += 1;
            serde_json::from_slice::<Entry>(&line)
                .map_err(|_| edited(&format!("its line {} is none of a plan", files + 1)))?;
        }
        if files != header.files || Some(hasher.finish()) != header.sha256 {
            return Err(edited("it was changed or cut short since"));
        }
        let path = path.to_owned();
        Ok(Self { header, path })
    }

    /// What it is known by.
    pub(super) fn sha256(&self) -> Result<Sha256, Failure> {
        let none = || Failure::Failed("the plan has no digest".to_owned());
        self.header.sha256.ok_or_else(none)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// See [`beside`].
    pub(super) fn beside(&self, ending: &str) -> PathBuf {
        beside(&self.path, ending)
    }

    /// Its entries, one after the other, by their places.
    ///
    /// # Errors
    /// When it can't be read any more.
    pub(super) fn entries(&self) -> Result<impl Iterator<Item = Result<(usize, Entry), Failure>>, Failure> {
        let path = self.path.clone();
        let failed =
            move |error: String| Failure::Failed(format!("{} can't be read: {error}", path.display()));
        let mut lines = Lines::open(&self.path).map_err(|error| failed(error.to_string()))?;
        lines.next_line().map_err(|error| failed(error.to_string()))?;
        let entries = std::iter::from_fn(move || lines.next_line().transpose());
        Ok(entries.enumerate().map(move |(at, line)| {
            let line = line.map_err(|error| failed(error.to_string()))?;
            let entry = serde_json::from_slice(&line).map_err(|error| failed(error.to_string()))?;
            Ok((at, entry))
        }))
    }
}

impl Header {
    pub(super) fn new(place: Place, tenant: TenantId) -> Self {
        Self {
            casefile_plan: VERSION,
            place,
            tenant,
            folder: PathBuf::new(),
            records: None,
            made_at: Timestamp::UNIX_EPOCH,
            files: 0,
            sha256: None,
        }
    }
}

fn write(file: File, header: Header, entries: &[Entry]) -> io::Result<Header> {
    let header = Header {
        files: entries.len(),
        ..header
    };
    let mut hasher = begin(&header)?;
    for entry in entries {
        hasher.update(&line(entry)?);
    }
    let header = Header {
        sha256: Some(hasher.finish()),
        ..header
    };
    let mut out = BufWriter::new(file);
    out.write_all(&line(&header)?)?;
    for entry in entries {
        out.write_all(&line(entry)?)?;
    }
    out.into_inner()?.sync_all()?;
    Ok(header)
}

/// The digest of a header without the one that it carries.
fn begin(header: &Header) -> io::Result<Hasher> {
    let bare = Header {
        sha256: None,
        ..header.clone()
    };
    let mut hasher = Hasher::default();
    hasher.update(&line(&bare)?);
    Ok(hasher)
}

/// A file beside a plan: the plan's own name, and this behind it.
pub(super) fn beside(plan: &Path, ending: &str) -> PathBuf {
    let mut name = plan.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// For files that nobody else may read: they may hold patients' names.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Something as a line of JSON.
pub(super) fn line(of: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(of)?;
    line.push(b'\n');
    Ok(line)
}

/// A file's lines, with their ends.
struct Lines(BufReader<File>);

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(BufReader::new(File::open(path)?)))
    }

    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let read = self.0.read_until(b'\n', &mut line)?;
        Ok((read > 0).then_some(line))
    }
}

#[cfg(test)]
impl Place {
    /// One for tests.
    pub(super) fn sample() -> Self {
        Self {
            endpoint: None,
            region: "eu-west-1".to_owned(),
            bucket: "artifacts".to_owned(),
            base_path: "tara/".to_owned(),
            collection: "bols".to_owned(),
            policy: Sha256::of(b"policy"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Action;
    use super::*;

    fn written(path: &Path) -> Plan {
        let tenant = TenantId::parse("acme").unwrap();
        let header = Header::new(Place::sample(), tenant);
        let entries = [
            Entry::new("a.pdf".to_owned(), Action::Upload, "it isn't there"),
            Entry::new("ü.pdf".to_owned(), Action::Rejected, "no number"),
        ];
        Plan::write(path, header, &entries).unwrap()
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bols.plan");
        let plan = written(&path);
        let again = Plan::open(&path).unwrap();
        assert_eq!(again.header, plan.header);
        let entries: Vec<_> = again.entries().unwrap().map(Result::unwrap).collect();
        assert_eq!((entries[1].0, entries[1].1.file.as_str()), (1, "ü.pdf"));
        assert_eq!(again.beside(".csv"), folder.path().join("bols.plan.csv"));
        let tenant = TenantId::parse("acme").unwrap();
        let over = Plan::write(&path, Header::new(Place::sample(), tenant), &[]);
        assert!(matches!(over, Err(Failure::Refused(why)) if why.contains("not overwritten")));
    }

    #[test]
    fn one_place_is_another_as_soon_as_anything_of_it_is_another() {
        let place = Place::sample();
        assert_eq!(place.differs(&place), None);
        let endpoint = Some("http://127.0.0.1:1".to_owned());
        let (region, bucket) = ("us-east-1".to_owned(), "other".to_owned());
        let (base_path, collection) = ("x/".to_owned(), "clinical".to_owned());
        let policy = Sha256::of(b"other");
        for (other, what) in [
            (
                Place {
                    endpoint,
                    ..place.clone()
                },
                "AWS_ENDPOINT_URL_S3",
            ),
            (
                Place {
                    region,
                    ..place.clone()
                },
                "AWS_REGION",
            ),
            (
                Place {
                    bucket,
                    ..place.clone()
                },
                "S3_BUCKET_NAME",
            ),
            (
                Place {
                    base_path,
                    ..place.clone()
                },
                "S3_BASE_PATH",
            ),
            (
                Place {
                    collection,
                    ..place.clone()
                },
                "the collection",
            ),
            (
                Place {
                    policy,
                    ..place.clone()
                },
                "the collection's policy",
            ),
        ] {
            assert_eq!(place.differs(&other).map(|(what, ..)| what), Some(what));
        }
    }

    #[test]
    fn a_plan_that_was_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bols.plan");
        written(&path);
        let text = fs::read_to_string(&path).unwrap();
        let without_last = text
            .lines()
            .take(2)
            .fold(String::new(), |text, line| text + line + "\n");
        for changed in [
            text.replace("artifacts", "elsewhere"),
            text.replace("rejected", "upload"),
            text.replace("\"acme\"", "\"globex\""),
            text.replace("a.pdf", "b.pdf"),
            format!("{text}\n"),
            text.trim_end().to_owned(),
            without_last,
            String::new(),
        ] {
            fs::write(&path, &changed).unwrap();
            assert!(matches!(Plan::open(&path), Err(Failure::Refused(_))), "{changed}");
        }
    }
}
