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
use crate::quarantine::Failure;

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
        match self.local(wanted).await? {
            Local::Copy(record) => Ok(self.had(wanted, record, Way::Copy)),
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
        let local = self.local(wanted).await?.copy();
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
        let copy = self.local(wanted).await?.copy();
        let is_forced = matches!(self.source, Source::S3 { is_forced: true, .. });
        match (error, copy) {
            (StoreError::Unavailable(_), Some(record)) if !is_forced => {
                Ok(self.had(wanted, record, Way::Kept(error.to_string())))
            }
            (StoreError::Unavailable(_), None) => Err(Failure::Failed(format!(
                "{error}; and there is no good copy of {wanted} in {}",
                self.shelf.folder().display()
            ))),
            (_, copy) => Err(Failure::Failed(format!(
                "{wanted} can't be had: {}{}",
                self.explained(error),
                hint(copy.as_ref())
            ))),
        }
    }

    /// What S3 said, and what to do about it.
    pub(super) fn explained(&self, error: &StoreError) -> String {
        match error {
            StoreError::Refused(_) => format!(
                "{error}; check AWS_REGION, the credentials, which may have expired, and the bucket {}, on which reading \
                 tables takes s3:ListBucket, s3:GetObject, s3:GetObjectVersion, s3:GetObjectTagging and \
                 s3:GetObjectVersionTagging",
                self.shelf.bucket()
            ),
            error => error.to_string(),
        }
    }

    async fn absent(&self, bucket: &Bucket, wanted: &Wanted, found: &Found) -> Failure {
        let copy = match self.local(wanted).await {
            Ok(local) => local.copy(),
            Err(failure) => return failure,
        };
        let why = match found {
            Found::Rejected => format!("{wanted} was rejected: it lies in the quarantine"),
            Found::Unverified => format!("{wanted} isn't verified, and not handed out before it is"),
            Found::Nothing | Found::Table(_) => match remote::names(bucket).await {
                Ok(names) => missing(bucket, wanted, &remote::near(&wanted.table, &names.tables)),
                // A look at an object doesn't tell a bucket that isn't there from an object that isn't.
                Err(error @ StoreError::Refused(_)) => return Failure::Failed(self.explained(&error)),
                Err(_) => missing(bucket, wanted, &[]),
            },
        };
        Failure::Refused(format!("{why}{}", hint(copy.as_ref())))
    }
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
