//! A session: judged as a whole once its manifest is there, every file against it.

use casefile::collection::Collection;
use casefile::key::{ObjectKey, SessionFile, session_prefix};
use casefile::manifest::{MAX_MANIFEST_BYTES, Manifest, ManifestFile};
use casefile::metrics;
use casefile::name::FolderName;
use casefile::pointer::session_pointers;
use casefile::status::Status;
use casefile::store_error::StoreError;
use casefile::verify::parse_manifest;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;

use super::file::{File, Listed};
use super::report::Report;
use super::{LOOKS, Settling, Stop, busy, tenant_of};
use crate::failure::Failure;
use crate::index::{About, Place, Row, Seen, Written};

/// Files of a session that are read at once.
const FILES_AT_ONCE: usize = 4;
/// session-export's reports are at most three times as large as its requests.
const MAX_REPORT_BYTES: u64 = 32 * 1024 * 1024;

/// A session, as far as it holds.
pub(super) struct Session {
    pub(super) folder: FolderName,
    pub(super) manifest: Manifest,
    /// The manifest's own, as a file.
    manifest_row: Row,
    /// Those of its files, in the manifest's order; `None` for one that isn't there.
    files: Vec<Option<Row>>,
}

impl Settling {
    /// Something happened in a session's folder. Without a manifest there is no session, and the manifest's own event
    /// comes: it settles the session. A file by itself is judged, and matters to a session only where that changes what
    /// its row says.
    pub(super) async fn session_event(&self, folder: &FolderName, file: &SessionFile) -> Result<(), Stop> {
        if *file == SessionFile::Manifest {
            return Box::pin(self.session(folder)).await;
        }
        let Some((manifest, _)) = self.manifest(folder).await? else {
            return Ok(());
        };
        let path = file.path();
        let Some(listed) = manifest.files.iter().find(|listed| listed.path == path) else {
            tracing::warn!("a session's folder holds a file that its manifest doesn't list");
            return Ok(());
        };
        let row = self.judge_listed(folder, listed).await?;
        let is_good = row.is_some_and(|row| row.status != Status::Rejected);
        let place = self.session_place(folder);
        let seen = Box::pin(self.index.look(&place)).await?;
        // Where there is no row yet, the manifest's event makes it.
        let was_good = seen.row.is_none_or(|row| row.status == Status::Verified);
        if is_good && was_good {
            Ok(())
        } else {
            Box::pin(self.session(folder)).await
        }
    }

    pub(super) fn session_key(&self, folder: &FolderName, file: SessionFile) -> String {
        let key = ObjectKey::SessionFile {
            folder: folder.clone(),
            file,
        };
        key.path(&self.base)
    }

    /// The manifest has a row of its own, as a file.
    fn session_place(&self, folder: &FolderName) -> Place {
        let name = format!("session\0{}", self.session_key(folder, SessionFile::Manifest));
        Place::of(Collection::reviews(), folder.as_str(), &name)
    }

    /// Settles a session: its row, its files' rows and tags, the entries of lists, the summary, and who is told.
    async fn session(&self, folder: &FolderName) -> Result<(), Stop> {
        let place = self.session_place(folder);
        for _ in 0..LOOKS {
            // Before anything else is looked at: whoever changes the row after that is seen.
            let seen = self.index.look(&place).await?;
            let row = match Box::pin(self.look_over(folder, &seen)).await {
                Ok(row) => row,
                // A file was replaced or hidden while it was read.
                Err(Stop::Store(StoreError::NotFound)) => continue,
                Err(stop) => return Err(stop),
            };
            let Some((session, row)) = row else {
                if self.withdraw(&place, seen).await? {
                    return Ok(());
                }
                continue;
            };
            match self.index.write(&place, &row, &seen).await? {
                Written::Changed => continue,
                // A file may have changed while the others were read, and have found the row as it was: once more.
                Written::Now => {
                    metrics::verdict(row.status.name());
                    continue;
                }
                Written::Already => {}
            }
            self.mend_lists(&session, &row).await?;
            return match Box::pin(self.with_summary(&place, row, &session)).await? {
                Some(row) => self.tell(&row).await,
                None => Ok(()),
            };
        }
        Err(busy())
    }

    async fn look_over(&self, folder: &FolderName, seen: &Seen) -> Result<Option<(Session, Row)>, Stop> {
        let Some((manifest, manifest_row)) = self.manifest(folder).await? else {
            return Ok(None);
        };
        let files = self.files(folder, &manifest).await?;
        let session = Session {
            folder: folder.clone(),
            manifest,
            manifest_row,
            files,
        };
        let row = self.session_row(&session, seen.row.as_ref()).await?;
        Ok(Some((session, row)))
    }

    /// A session's manifest with its row, and `None` where there is none that holds. One that can't be read is quarantined
    /// as a file: no reader sees the session then.
    async fn manifest(&self, folder: &FolderName) -> Result<Option<(Manifest, Row)>, Stop> {
        let key = self.session_key(folder, SessionFile::Manifest);
        let path = format!("{folder}/{}", SessionFile::Manifest.path());
        let file = File {
            collection: Collection::reviews(),
            path: &path,
            key: &key,
            listed: Listed::Manifest(folder),
        };
        let Some(row) = Box::pin(self.judge(&file)).await? else {
            return Ok(None);
        };
        if row.status == Status::Rejected {
            self.tell(&row).await?;
            return Ok(None);
        }
        let version_id = row.version_id.as_deref();
        let bytes = match self
            .artifacts
            .read_version(&key, version_id, MAX_MANIFEST_BYTES)
            .await
        {
            Err(StoreError::TooLarge { .. }) => return Ok(None),
            read => read?,
        };
        // One that an operator has released may be none for all that.
        Ok(parse_manifest(&bytes).ok().map(|manifest| (manifest, row)))
    }

    /// Without its manifest no reader sees the session any more: its row says so, and subscribers are told. `false` when
    /// the row changed meanwhile.
    async fn withdraw(&self, place: &Place, seen: Seen) -> Result<bool, Stop> {
        let Some(row) = seen.row.clone() else {
            return Ok(true);
        };
        let row = Row {
            status: Status::Rejected,
            reason: Some(NO_MANIFEST.to_owned()),
            ..row
        };
        if self.index.write(place, &row, &seen).await? == Written::Changed {
            return Ok(false);
        }
        self.tell(&row).await?;
        Ok(true)
    }

    async fn judge_listed(&self, folder: &FolderName, listed: &ManifestFile) -> Result<Option<Row>, Stop> {
        let key = format!("{}{}", session_prefix(&self.base, folder), listed.path);
        let path = format!("{folder}/{}", listed.path);
        let file = File {
            collection: Collection::reviews(),
            path: &path,
            key: &key,
            listed: Listed::As {
                size: listed.size,
                sha256: listed.sha256,
            },
        };
        Box::pin(self.judge(&file)).await
    }

    /// The verdict on each file of a manifest.
    async fn files(&self, folder: &FolderName, manifest: &Manifest) -> Result<Vec<Option<Row>>, Stop> {
        stream::iter(&manifest.files)
            .map(|listed| self.judge_listed(folder, listed))
            .buffered(FILES_AT_ONCE)
            .try_collect()
            .await
    }

    async fn session_row(&self, session: &Session, before: Option<&Row>) -> Result<Row, Stop> {
        let Session {
            folder,
            manifest,
            manifest_row,
            files,
        } = session;
        let is_bad = |row: &&Option<Row>| row.as_ref().is_none_or(|row| row.status == Status::Rejected);
        let (bad, all) = (files.iter().filter(is_bad).count(), files.len());
        let is_good = bad == 0;
        let reason = format!("{bad} of its {all} files are missing or not what its manifest says");
        let report = if is_good {
            self.report(session).await?
        } else {
            Report::default()
        };
        let listed: u64 = manifest.files.iter().map(|file| file.size).sum();
        Ok(Row {
            path: folder.as_str().to_owned(),
            owner: manifest.owner.as_ref().map(|owner| owner.as_str().to_owned()),
            status: if is_good {
                Status::Verified
            } else {
                Status::Rejected
            },
            reason: (!is_good).then_some(reason),
            size: listed + manifest_row.size,
            about: About::Session {
                session_id: manifest.session_id.as_str().to_owned(),
                revision: manifest.revision,
                document_name: manifest.document_name.as_str().to_owned(),
                exported_at: manifest.exported_at.clone(),
                total_files: all + 1,
                statistics: report.summary_statistics,
                categories: report.category_acceptance,
                summary: before.and_then(summary_of).filter(|_| is_good).map(str::to_owned),
            },
            ..manifest_row.clone()
        })
    }

    /// The numbers of the session's report.
    async fn report(&self, session: &Session) -> Result<Report, Stop> {
        let report = self
            .read_file(session, &SessionFile::ComprehensiveReport, MAX_REPORT_BYTES)
            .await?;
        Ok(report.map_or_else(Report::default, |report| Report::parse(&report)))
    }

    /// A file of a session, in the version that was judged; `None` when it has none of that name, or it is larger than
    /// `limit`.
    pub(super) async fn read_file(
        &self,
        session: &Session,
        file: &SessionFile,
        limit: u64,
    ) -> Result<Option<bytes::Bytes>, Stop> {
        let key = self.session_key(&session.folder, file.clone());
        let Some(judged) = session.files.iter().flatten().find(|row| row.key == key) else {
            return Ok(None);
        };
        let version_id = judged.version_id.as_deref();
        match Box::pin(self.artifacts.read_version(&key, version_id, limit)).await {
            Err(StoreError::TooLarge { .. }) => Ok(None),
            read => Ok(Some(read?)),
        }
    }

    /// Writes the entries of lists that are missing. What others have written there stands.
    async fn mend_lists(&self, session: &Session, row: &Row) -> Result<(), Stop> {
        let Some(tenant) = tenant_of(row) else {
            return Ok(());
        };
        let size = session.manifest_row.size;
        let pointers = session_pointers(&self.base, &tenant, &session.manifest, size);
        for pointer in pointers.map_err(|_| StoreError::Damaged("an entry of a list is no JSON"))? {
            self.create_unless_taken(&pointer).await?;
        }
        Ok(())
    }

    /// The row with what became of the summary; `None` when the rest of it changed meanwhile, and whoever changed it sees
    /// to what is left. It comes last, for a model takes its time.
    async fn with_summary(&self, place: &Place, row: Row, session: &Session) -> Result<Option<Row>, Stop> {
        if row.status != Status::Verified || summary_of(&row) == Some(AVAILABLE) {
            return Ok(Some(row));
        }
        let Some(became) = self.summarize(session, &row).await? else {
            return Ok(Some(row));
        };
        let row = with(row, Some(became.to_owned()));
        for _ in 0..LOOKS {
            let seen = self.index.look(place).await?;
            let stands = seen.row.clone().map(|seen| with(seen, None)) == Some(with(row.clone(), None));
            let is_there = seen.row.as_ref().and_then(summary_of) == Some(AVAILABLE);
            if !stands {
                return Ok(None);
            }
            if is_there || self.index.write(place, &row, &seen).await? != Written::Changed {
                return Ok(Some(row));
            }
        }
        Err(busy())
    }
}

const NO_MANIFEST: &str = "its manifest is missing or can't be read";
/// What a row says of a session that has a summary.
pub(super) const AVAILABLE: &str = "available";

fn summary_of(row: &Row) -> Option<&str> {
    match &row.about {
        About::Session { summary, .. } => summary.as_deref(),
        About::File { .. } => None,
    }
}

fn with(mut row: Row, became: Option<String>) -> Row {
    if let About::Session { summary, .. } = &mut row.about {
        *summary = became;
    }
    row
}

/// Whether a session's manifest can be read, and is this folder's. `Err` for one that a newer program has written, which
/// is none of ours to judge.
pub(super) async fn is_manifest(
    settling: &Settling,
    key: &str,
    version_id: Option<&str>,
    folder: &FolderName,
) -> Result<bool, Stop> {
    #[derive(Deserialize)]
    struct Form {
        manifest_version: u32,
    }
    let read = settling
        .artifacts
        .read_version(key, version_id, MAX_MANIFEST_BYTES);
    let bytes = match read.await {
        Err(StoreError::TooLarge { .. }) => return Ok(false),
        read => read?,
    };
    let form = serde_json::from_slice::<Form>(&bytes).ok();
    if form.is_some_and(|form| form.manifest_version > casefile::manifest::MANIFEST_VERSION) {
        let why = "its manifest is of a newer form than this version knows";
        return Err(Failure::Transient(why.to_owned()).into());
    }
    Ok(parse_manifest(&bytes).is_ok_and(|manifest| manifest.folder_name == *folder))
}
