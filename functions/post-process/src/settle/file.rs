//! A file: judged once, by what lies at its key now.

use casefile::bucket::Head;
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::{Document, optional};
use casefile::metrics;
use casefile::name::FolderName;
use casefile::pointer::stored_pointers;
use casefile::quarantine::Quarantined;
use casefile::status::Status;
use casefile::store_error::StoreError;

use super::session::is_manifest;
use super::{Judged, LOOKS, MAX_READ_BYTES, Settling, Stop, announced, busy, file_row, schema};
use crate::arrival::ObjectArrived;
use crate::check::{self, Checked, Expected};
use crate::index::{Place, Row, Written};

/// A file, and what is known of it.
pub(super) struct File<'a> {
    pub(super) collection: Collection,
    /// Below the collection.
    pub(super) path: &'a str,
    pub(super) key: &'a str,
    pub(super) listed: Listed<'a>,
}

/// What answers for a file's content.
pub(super) enum Listed<'a> {
    /// A manifest.
    As { size: u64, sha256: Sha256 },
    /// It is the manifest of this folder.
    Manifest(&'a FolderName),
    /// S3, and what the object itself says.
    Nowhere,
}

impl Settling {
    /// A file that is no session's.
    pub(super) async fn single_file(
        &self,
        arrived: &ObjectArrived,
        collection: Collection,
        path: &str,
    ) -> Result<(), Stop> {
        let file = File {
            collection,
            path,
            key: &arrived.key,
            listed: Listed::Nowhere,
        };
        match Box::pin(self.judge(&file)).await? {
            Some(row) => {
                self.list(&file, &row).await?;
                self.tell(&row).await
            }
            None => Ok(()),
        }
    }

    /// Mends the entries of lists, should whoever stored the file have been stopped before they were written. A delivery's
    /// are written when it is filed.
    async fn list(&self, file: &File<'_>, row: &Row) -> Result<(), Stop> {
        let Some(head) = optional(self.artifacts.head(file.key)).await? else {
            return Ok(());
        };
        let path = file.path.to_owned();
        let mut document = Document::new(file.collection, path, file.key.to_owned(), head);
        // Otherwise the row is about another version.
        document.sha256 = row.sha256.filter(|_| row.version_id == document.version_id);
        let Some(pointers) = stored_pointers(&self.base, &document) else {
            return Ok(());
        };
        let pointers =
            pointers.map_err(|_| StoreError::Damaged("an entry of a list can't be written as JSON"))?;
        for pointer in pointers {
            self.create_unless_taken(&pointer).await?;
        }
        Ok(())
    }

    /// The verdict on what lies at a file's key, carried out: the one of its row, if it is about this very version, and
    /// else a new one. `None` when nothing lies there, unless it was rejected and hidden.
    pub(super) async fn judge(&self, file: &File<'_>) -> Result<Option<Row>, Stop> {
        let place = Place::of(file.collection, file.path, file.key);
        for _ in 0..LOOKS {
            let seen = self.index.look(&place).await?;
            let Some(head) = optional(self.artifacts.head(file.key)).await? else {
                return self.hidden(&place, seen.row).await;
            };
            let known = seen.row.as_ref().filter(|row| {
                row.version_id == head.version_id && row.etag == head.etag && file.listed.agrees(row)
            });
            let row = match known {
                Some(row) => row.clone(),
                None => Box::pin(self.look_into(file, head)).await?,
            };
            match self.index.write(&place, &row, &seen).await? {
                Written::Changed => continue,
                Written::Now => metrics::verdict(row.status.name()),
                Written::Already => {}
            }
            return match Box::pin(self.carry_out(&row)).await? {
                Quarantined::Released if row.status != Status::Released => {
                    self.released(&place, row).await.map(Some)
                }
                _ => Ok(Some(row)),
            };
        }
        Err(busy())
    }

    /// A new verdict.
    async fn look_into(&self, file: &File<'_>, head: Head) -> Result<Row, Stop> {
        let judged = match head.size {
            ..=MAX_READ_BYTES => self.checked(file, &head).await?.into(),
            _ => Judged::unread(
                &head,
                Status::Unsupported,
                "it is larger than 5 GiB, so it was not read",
            ),
        };
        Ok(file_row(file.collection, file.path, file.key, head, judged))
    }

    async fn checked(&self, file: &File<'_>, head: &Head) -> Result<Checked, Stop> {
        let version_id = head.version_id.as_deref();
        let (size, sha256) = match file.listed {
            Listed::As { size, sha256 } => (Some(size), Some(sha256)),
            Listed::Manifest(_) | Listed::Nowhere => (None, announced(head)),
        };
        let expected = Expected {
            sha256,
            size,
            schema: schema(file.collection, file.path),
            name: file.path.rsplit('/').next().unwrap_or_default(),
        };
        let checked = check::check(&self.artifacts, file.key, version_id, &expected).await?;
        match file.listed {
            Listed::Manifest(folder)
                if checked.status != Status::Rejected
                    && !is_manifest(self, file.key, version_id, folder).await? =>
            {
                Ok(Checked {
                    status: Status::Rejected,
                    reason: Some("it is no manifest of this folder that can be read".to_owned()),
                    ..checked
                })
            }
            _ => Ok(checked),
        }
    }

    /// An operator has let go what had been rejected: its row says so from now on, unless it is about something newer.
    async fn released(&self, place: &Place, before: Row) -> Result<Row, Stop> {
        let seen = self.index.look(place).await?;
        let row = Row {
            status: Status::Released,
            ..before.clone()
        };
        if seen.row.as_ref() != Some(&before) && seen.row.as_ref() != Some(&row) {
            return Err(busy());
        }
        match self.index.write(place, &row, &seen).await? {
            Written::Changed => Err(busy()),
            Written::Now | Written::Already => Ok(row),
        }
    }

    /// Nothing is seen at the key: rejected and hidden before, perhaps not to the end, or deleted. Of a version that was
    /// removed for good since, the verdict stands.
    async fn hidden(&self, place: &Place, row: Option<Row>) -> Result<Option<Row>, Stop> {
        let Some(row) = row.filter(|row| row.status == Status::Rejected) else {
            return Ok(None);
        };
        match Box::pin(self.carry_out(&row)).await {
            Ok(Quarantined::Released) => self.released(place, row).await.map(Some),
            Ok(Quarantined::Held) | Err(Stop::Store(StoreError::NotFound)) => Ok(Some(row)),
            Err(stop) => Err(stop),
        }
    }
}

impl Listed<'_> {
    /// Whether a verdict that was given before is about what is listed now.
    fn agrees(&self, row: &Row) -> bool {
        match *self {
            Self::As { size, sha256 } => {
                row.status == Status::Rejected || (row.size == size && row.sha256 == Some(sha256))
            }
            Self::Manifest(_) | Self::Nowhere => true,
        }
    }
}
