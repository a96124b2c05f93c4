//! How a table is had: from S3, else from the copy, else not, and why.

use std::io;
use std::path::PathBuf;

use casefile::bucket::{Bucket, Head};
use casefile::store_error::StoreError;
use casefile::time::rfc3339;

use super::download::{Limits, Trouble, download};
use super::name::{TableName, Wanted};
use super::progress::Progress;
use super::remote::{self, Found, look};
use super::shelf::{Local, Record, Shelf};
use super::show::Place;
use super::withheld::Withheld;
use crate::failure::Failure;

/// Where tables may come from.
#[derive(Debug)]
pub(super) enum Source {
    /// The copies alone.
    Copies,
    /// S3 first.
    S3 {
        bucket: Bucket,
        /// Copies don't do.
        is_forced: bool,
    },
}

/// Where a file that is handed out comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// The copy is what S3 has.
    Fresh,
    Downloaded,
    /// The copy, and why it wasn't compared with S3, or is older.
    Kept(String),
    /// The copy, as was asked.
    Copy,
}

/// A table's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Had {
    pub(super) path: PathBuf,
    pub(super) record: Record,
    pub(super) way: Way,
}

/// What is needed to have tables.
#[derive(Debug)]
pub(super) struct Fetcher {
    pub(super) source: Source,
    pub(super) shelf: Shelf,
    pub(super) progress: Progress,
}

impl Fetcher {
    /// S3 first: a copy that is what S3 has is not downloaded again. When S3 can't be reached, the copy. That S3 has no
    /// such table, or refuses, is no outage: then the copy is only spoken of.
    pub(super) async fn fetch(&self, wanted: &Wanted, limits: Limits) -> Result<Had, Failure> {
        let (bucket, is_forced) = match &self.source {
            Source::Copies => return self.copy(wanted).await,
            Source::S3 { bucket, is_forced } => (bucket, *is_forced),
        };
        match look(bucket, wanted).await {
            Ok(Found::Table(head)) if is_forced => self.bring(bucket, wanted, &head, limits).await,
            Ok(Found::Table(head)) => match self.fresh(wanted, &head).await? {
                Some(record) => Ok(self.had(wanted, record, Way::Fresh)),
                None => self.bring(bucket, wanted, &head, limits).await,
            },
            Ok(found) => Err(self.absent(bucket, wanted, &found).await),
            Err(error) => self.fall_back(wanted, &error).await,
        }
    }

    fn had(&self, wanted: &Wanted, record: Record, way: Way) -> Had {
        let path = self.shelf.path(wanted);
        Had { path, record, way }
    }

    pub(super) async fn local(&self, wanted: &Wanted) -> Result<Local, Failure> {
        let local = self.shelf.look(wanted).await;
        local.map_err(|error| self.unreadable(wanted, &error))
    }

    /// The same, where nothing but the copy's own record vouches for it.
    async fn local_alone(&self, wanted: &Wanted) -> Result<Local, Failure> {
        let local = self.shelf.look_into(wanted).await;
        local.map_err(|error| self.unreadable(wanted, &error))
    }

    /// What there are copies of.
    pub(super) fn copies(&self) -> Result<Vec<(Wanted, Record)>, Failure> {
        let unreadable = |error: io::Error| {
            let folder = self.shelf.folder().display();
            Failure::Failed(format!("{folder} can't be read: {error}"))
        };
        self.shelf.records().map_err(unreadable)
    }

    pub(super) fn place(&self, is_s3: bool) -> Place<'_> {
        Place {
            bucket: self.shelf.bucket(),
            folder: self.shelf.folder(),
            is_s3,
        }
    }

    fn unreadable(&self, wanted: &Wanted, error: &io::Error) -> Failure {
        let path = self.shelf.path(wanted);
        Failure::Failed(format!("{} can't be read: {error}", path.display()))
    }

    async fn copy(&self, wanted: &Wanted) -> Result<Had, Failure> {
        let path = self.shelf.path(wanted).display().to_string();
        let without = "without --offline it is downloaded";
        match self.local_alone(wanted).await? {
            Local::Copy(record) => Ok(self.had(wanted, record, Way::Copy)),
            Local::Withheld(record, why) => Err(Failure::Refused(format!(
                "{}; without --offline S3 is asked again",
                withheld(wanted, &record, why)
            ))),
            Local::Missing => Err(Failure::Refused(format!(
                "there is no copy of {wanted}: nothing is at {path}; {without}"
            ))),
            Local::Unknown => Err(Failure::Refused(format!(
                "there is no good copy of {wanted}: {path} isn't what was downloaded from {}; {without}",
                self.shelf.bucket()
            ))),
        }
    }

    /// The copy, if it is of the version that S3 has just described.
    async fn fresh(&self, wanted: &Wanted, head: &Head) -> Result<Option<Record>, Failure> {
        let local = self.local(wanted).await?.record();
        let mut record = local.filter(|record| record.is_of(head));
        if record.is_none() {
            let adopted = self.shelf.adopt(wanted, head).await;
            record = adopted.map_err(|error| self.unreadable(wanted, &error))?;
        }
        Ok(record.map(|record| self.shelf.confirm(wanted, record)))
    }

    async fn bring(
        &self,
        bucket: &Bucket,
        wanted: &Wanted,
        head: &Head,
        limits: Limits,
    ) -> Result<Had, Failure> {
        match self.download(bucket, wanted, head, limits).await {
            Ok(record) => Ok(self.had(wanted, record, Way::Downloaded)),
            Err(Trouble::Store(error)) => self.fall_back(wanted, &error).await,
            Err(trouble) => Err(Failure::Failed(format!(
                "{wanted} can't be downloaded to {}: {trouble}",
                self.shelf.folder().display()
            ))),
        }
    }

    async fn download(
        &self,
        bucket: &Bucket,
        wanted: &Wanted,
        head: &Head,
        limits: Limits,
    ) -> Result<Record, Trouble> {
        let bar = self.progress.begin(wanted, head.size);
        let mut part = self.shelf.begin()?;
        let arrived = |bytes| bar.advance(bytes);
        let sha256 = download(bucket, &wanted.key(), head, limits, &mut part, arrived).await?;
        Ok(self.shelf.keep(part, wanted, head, sha256)?)
    }

    /// When S3 didn't do what it should.
    pub(super) async fn fall_back(&self, wanted: &Wanted, error: &StoreError) -> Result<Had, Failure> {
        let local = self.local_alone(wanted).await?;
        let is_forced = matches!(self.source, Source::S3 { is_forced: true, .. });
        match (error, local) {
            (StoreError::Unavailable(_), Local::Copy(record)) if !is_forced => {
                Ok(self.had(wanted, record, Way::Kept(error.to_string())))
            }
            (StoreError::Unavailable(_), Local::Withheld(record, why)) => Err(Failure::Failed(format!(
                "{error}; and {}",
                withheld(wanted, &record, why)
            ))),
            (StoreError::Unavailable(_), Local::Missing | Local::Unknown) => Err(Failure::Failed(format!(
                "{error}; and there is no good copy of {wanted} in {}",
                self.shelf.folder().display()
            ))),
            (_, local) => Err(Failure::Failed(format!(
                "{wanted} can't be had: {}{}",
                self.explained(error),
                hint(local.copy().as_ref())
            ))),
        }
    }

    /// What S3 said, and what to do about it.
    pub(super) fn explained(&self, error: &StoreError) -> String {
        match error {
            StoreError::Refused(_) => format!(
                "{error}; check AWS_REGION, the credentials, which may have expired, and the bucket {}, on which reading \
                 tables takes s3:ListBucket, s3:ListBucketVersions, s3:GetObject, s3:GetObjectVersion, s3:GetObjectTagging \
                 and s3:GetObjectVersionTagging",
                self.shelf.bucket()
            ),
            error => error.to_string(),
        }
    }

    async fn absent(&self, bucket: &Bucket, wanted: &Wanted, found: &Found) -> Failure {
        let why = match found {
            Found::Withheld(head, why) => format!("{wanted} {why}{}", self.withhold(wanted, head, *why)),
            Found::Nothing | Found::Table(_) => match remote::names(bucket).await {
                Ok(names) => missing(bucket, wanted, &remote::near(&wanted.table, &names.tables)),
                // A look at an object doesn't tell a bucket that isn't there from an object that isn't.
                Err(error @ StoreError::Refused(_)) => return Failure::Failed(self.explained(&error)),
                Err(_) => missing(bucket, wanted, &[]),
            },
        };
        // The copy may be of another version, and that one rejected, too: then a delete marker hides it.
        let copy = match self.judge_copy(bucket, wanted).await {
            Ok(None) => match self.local(wanted).await {
                Ok(local) => hint(local.copy().as_ref()),
                Err(failure) => return failure,
            },
            Ok(Some(verdict)) => format!("; {verdict}"),
            // Nobody knows what it is worth.
            Err(_) => String::new(),
        };
        Failure::Refused(format!("{why}{copy}"))
    }

    /// Sees to it that the copies of a version are never handed out. What there is to say when that can't be noted.
    pub(super) fn withhold(&self, wanted: &Wanted, head: &Head, why: Withheld) -> String {
        match self.shelf.withhold(&wanted.table, head, why) {
            Ok(()) => String::new(),
            Err(error) => format!(
                "; this can't be noted in {}: remove the copies there ({error})",
                self.shelf.folder().display()
            ),
        }
    }

    /// Asks S3 of the very version that there is a copy of, where the newest is another one, or none. What there is to
    /// say if it isn't to be handed out.
    async fn judge_copy(&self, bucket: &Bucket, wanted: &Wanted) -> Result<Option<String>, StoreError> {
        let record = match wanted.version {
            None => self.shelf.record(wanted),
            // It was just asked of that one.
            Some(_) => None,
        };
        let version = record.as_ref().and_then(|record| record.version_id.as_deref());
        let (Some(record), Some(Ok(version))) = (&record, version.map(str::parse)) else {
            return Ok(None);
        };
        let copied = Wanted {
            table: wanted.table.clone(),
            version: Some(version),
        };
        match look(bucket, &copied).await? {
            Found::Withheld(head, why) => {
                let noted = self.withhold(wanted, &head, why);
                Ok(Some(format!("{}{noted}", withheld(wanted, record, why))))
            }
            Found::Table(head) if record.withheld.is_some() && record.is_of(&head) => {
                self.shelf.confirm(wanted, record.clone());
                Ok(None)
            }
            Found::Table(_) | Found::Nothing => Ok(None),
        }
    }

    /// The same of all copies but those of the tables that S3 has: a note on each that isn't to be handed out. What S3
    /// doesn't answer stays as it was.
    pub(super) async fn judge_others(&self, bucket: &Bucket, tables: &[TableName]) -> Vec<String> {
        let mut notes = Vec::new();
        for (wanted, _) in self.copies().unwrap_or_default() {
            if tables.contains(&wanted.table) {
                continue;
            }
            match self.judge_copy(bucket, &wanted).await {
                Ok(note) => notes.extend(note),
                Err(StoreError::Unavailable(_)) => break,
                Err(_) => (),
            }
        }
        notes
    }

    /// That there is nothing to be had without S3.
    pub(super) fn no_copies(&self) -> Failure {
        Failure::Refused(format!(
            "there are no copies of the tables of {} in {}; without --offline they are downloaded",
            self.shelf.bucket(),
            self.shelf.folder().display()
        ))
    }
}

/// Why a copy isn't handed out.
fn withheld(wanted: &Wanted, record: &Record, why: Withheld) -> String {
    format!(
        "the copy of {wanted}, {}, isn't handed out: it {why}",
        age(record)
    )
}

fn missing(bucket: &Bucket, wanted: &Wanted, near: &[&TableName]) -> String {
    let missing = match wanted.version_id() {
        None => format!("there is no table {} in {}", wanted.table, bucket.name()),
        Some(_) => format!("there is no such thing in {} as {wanted}", bucket.name()),
    };
    let near: Vec<_> = near.iter().map(|table| table.as_str()).collect();
    if near.is_empty() || wanted.version.is_some() {
        format!("{missing}; `casefile tables list` shows those that there are")
    } else {
        format!("{missing}; did you mean {}?", near.join(", "))
    }
}

/// That there is a copy, where it isn't used.
fn hint(copy: Option<&Record>) -> String {
    let told = |record: &Record| format!("; there is a copy, {}: --offline gives it", age(record));
    copy.map(told).unwrap_or_default()
}

/// Of when a copy is.
pub(super) fn age(record: &Record) -> String {
    let checked = format!("last checked {}", rfc3339(record.checked_at));
    match record.stored_at {
        Some(stored) => format!("stored {}, {checked}", rfc3339(stored)),
        None => checked,
    }
}
