//! What is to be done about an object that arrived.
//!
//! An event says that something happened to a key; what lies there now decides. So events may come twice, late, in any
//! order or at once with their twins, and the end is the same: of a superseded version nothing is done, for its
//! successor's event does it, and what was done is found done.

mod delivery;
mod file;
mod once;
mod report;
mod session;
mod summary;

use std::collections::BTreeMap;
use std::sync::Arc;

use casefile::bucket::{self, Bucket, Head, NewObject};
use casefile::collection::{Collection, ContentRule, FileKind};
use casefile::digest::Sha256;
use casefile::id::Entropy;
use casefile::key::{BasePath, ObjectKey, SessionFile};
use casefile::name::{FolderName, TenantId};
use casefile::quarantine::{self, Item, Quarantined};
use casefile::status::{self, Status};
use casefile::store_error::StoreError;
use casefile::time::{Clock, rfc3339};

use crate::arrival::ObjectArrived;
use crate::check::{Checked, Facts, Flag, Kind, Schema};
use crate::config::Config;
use crate::failure::Failure;
use crate::index::{About, Index, Row};
use crate::notify::{self, News, Notifier};
use crate::summary::Summarizer;

/// What can be put in one piece (S3 user guide, *Uploading objects*), and read within an invocation.
const MAX_READ_BYTES: u64 = 5 * 1024 * 1024 * 1024;
/// How often something is looked at again that others change at the same time.
const LOOKS: u32 = 10;

/// Everything that happens to arriving objects. Built once in a process.
#[derive(Debug)]
pub struct Settling {
    artifacts: Bucket,
    base: BasePath,
    quarantine: Bucket,
    default_tenant: TenantId,
    index: Index,
    notifier: Notifier,
    summarizer: Option<Summarizer>,
    clock: Clock,
    entropy: Entropy,
}

/// What a key is to this function.
enum Matter {
    /// What a device delivered.
    Delivery { collection: Collection, name: String },
    /// A file of a session.
    Session { folder: FolderName, file: SessionFile },
    /// A file by itself.
    File { collection: Collection, path: String },
    /// Written by the functions themselves, or no collection's.
    Nothing,
}

impl Settling {
    /// What the configuration says.
    pub fn new(config: Config, clock: Clock, entropy: Entropy) -> Self {
        let client = config.s3.clone().client();
        let artifacts = Bucket::new(client.clone(), config.bucket.clone());
        let quarantine = Bucket::new(client, config.quarantine_bucket.clone());
        Self::on(artifacts, quarantine, config, clock, entropy)
    }

    /// The same on buckets of one's own, as another client reaches them.
    pub fn on(artifacts: Bucket, quarantine: Bucket, config: Config, clock: Clock, entropy: Entropy) -> Self {
        let summarizer = config
            .summary
            .map(|settings| Summarizer::new(Arc::clone(&config.clients), settings));
        Self {
            index: Index::new(artifacts.clone()),
            artifacts,
            base: config.base_path,
            quarantine,
            default_tenant: config.default_tenant,
            notifier: Notifier::new(config.clients, config.topic),
            summarizer,
            clock,
            entropy,
        }
    }

    /// Does what is to be done about an object that arrived, or finds it done.
    ///
    /// # Errors
    /// [`Failure::Poison`] when it is in another bucket than this deployment's; [`Failure::Transient`] when storage or
    /// the topic fails, after which everything may be repeated. An object that is gone is no failure.
    pub async fn settle(&self, arrived: &ObjectArrived) -> Result<(), Failure> {
        if arrived.bucket != self.artifacts.name() {
            return Err(Failure::Poison(
                "it is about another bucket than S3_BUCKET_NAME".to_owned(),
            ));
        }
        // On the heap: the SDK's futures are large, and each of a batch's works would hold them.
        let settled = match self.matter(&arrived.key) {
            Matter::Delivery { collection, name } => {
                Box::pin(self.delivery(arrived, collection, &name)).await
            }
            // One of its files may be gone, and the rest is there still: it is looked at again.
            Matter::Session { folder, file } => {
                return Ok(Box::pin(self.session_event(&folder, &file)).await?);
            }
            Matter::File { collection, path } => Box::pin(self.single_file(arrived, collection, &path)).await,
            Matter::Nothing => Ok(()),
        };
        match settled {
            // Gone since it was looked at: nothing is left to do.
            Err(Stop::Store(StoreError::NotFound)) => Ok(()),
            settled => Ok(settled?),
        }
    }

    fn matter(&self, key: &str) -> Matter {
        match ObjectKey::parse(key, &self.base) {
            Ok(ObjectKey::Delivery { collection, name }) => Matter::Delivery { collection, name },
            Ok(ObjectKey::SessionFile {
                file: SessionFile::Summary,
                ..
            }) => Matter::Nothing,
            Ok(ObjectKey::SessionFile { folder, file }) => Matter::Session { folder, file },
            Ok(_) => Matter::Nothing,
            Err(_) => Collection::all()
                .find_map(|collection| {
                    let path = collection.path(&self.base, key)?.to_owned();
                    Some(Matter::File { collection, path })
                })
                .unwrap_or(Matter::Nothing),
        }
    }

    /// Does what a verdict asks for: tags, and the quarantine. Whoever calls has written the row before, so that a call
    /// that ends in between leaves something to go on from.
    async fn carry_out(&self, row: &Row) -> Result<Quarantined, Stop> {
        if let (Status::Rejected, Some(sha256)) = (row.status, row.sha256) {
            let item = Item {
                key: row.key.clone(),
                version_id: row.version_id.clone(),
                etag: row.etag.clone().unwrap_or_default(),
                sha256,
                size: row.size,
                content_type: content_type(row),
                reason: row.reason.clone().unwrap_or_default(),
            };
            let quarantined = quarantine::quarantine(&self.artifacts, &self.quarantine, &item).await?;
            if quarantined == Quarantined::Held {
                self.tag(row).await?;
            }
            return Ok(quarantined);
        }
        self.tag(row).await?;
        Ok(Quarantined::Held)
    }

    /// Writes what is the same whoever writes it; what others have written there stands.
    async fn create_unless_taken(&self, object: &NewObject) -> Result<(), Stop> {
        match self.artifacts.create(object).await {
            Ok(_) | Err(StoreError::AlreadyExists) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn tag(&self, row: &Row) -> Result<(), Stop> {
        let version_id = row.version_id.as_deref();
        let sha256 = row.sha256.map(|sha256| sha256.to_string());
        let mut tags = vec![
            (status::STATUS, row.status.name()),
            (status::COLLECTION, row.collection.as_str()),
        ];
        tags.extend(sha256.as_deref().map(|sha256| (status::SHA256, sha256)));
        let is_released = |found: &BTreeMap<String, String>| Status::of(found) == Some(Status::Released);
        let tagged = self
            .artifacts
            .merge_tags_unless(&row.key, version_id, &tags, is_released);
        match tagged.await {
            Err(StoreError::Damaged(why)) => {
                tracing::warn!(why, "a version has so many tags that it can't be tagged");
                Ok(())
            }
            tagged => Ok(tagged.map(drop)?),
        }
    }

    /// Tells subscribers, unless they were told. They are told again when a call ends between the two.
    async fn tell(&self, row: &Row) -> Result<(), Stop> {
        if !self.notifier.is_on() {
            return Ok(());
        }
        let news = self.news(row);
        let telling = async {
            let notice = news
                .notice()
                .map_err(|error| Failure::Poison(format!("there is no message to make of it: {error}")))?;
            self.notifier.publish(&notice).await?;
            Ok(true)
        };
        Box::pin(self.once(news.id(), telling)).await
    }

    fn news<'a>(&'a self, row: &'a Row) -> News<'a> {
        News {
            collection: &row.collection,
            status: row.status.name(),
            reason: row.reason.as_deref(),
            tenant: row.tenant.as_deref().unwrap_or_default(),
            bucket: self.artifacts.name(),
            key: &row.key,
            version_id: row.version_id.as_deref(),
            about: match &row.about {
                About::File { .. } => notify::About::File {
                    size: row.size,
                    sha256: row.sha256,
                },
                About::Session {
                    session_id,
                    total_files,
                    statistics,
                    summary,
                    ..
                } => notify::About::Session {
                    session_id,
                    files: *total_files,
                    statistics,
                    summary: summary.as_deref(),
                },
            },
        }
    }
}

/// Why the work on an object ends early.
enum Stop {
    Store(StoreError),
    Failure(Failure),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Store(error) => error.into(),
            Stop::Failure(failure) => failure,
        }
    }
}

/// Others change the same thing again and again.
fn busy() -> Stop {
    Failure::Transient("what it is about keeps changing; it is looked at again later".to_owned()).into()
}

/// Whose it is, if anybody's.
fn tenant_of(row: &Row) -> Option<TenantId> {
    TenantId::parse(row.tenant.as_deref()?).ok()
}

fn content_type(row: &Row) -> String {
    match &row.about {
        About::File { content_type, .. } => content_type.clone(),
        About::Session { .. } => "application/json".to_owned(),
    }
}

/// Where a filed delivery carries the digest that its device announced, if its bytes are others.
const ANNOUNCED: &str = "announced-sha256";

/// The digest that whoever stored an object answers for, in its metadata. S3's own is compared anyway.
fn announced(head: &Head) -> Option<Sha256> {
    let told = head
        .metadata
        .get(ANNOUNCED)
        .or_else(|| head.metadata.get(bucket::SHA256));
    told.and_then(|digest| Sha256::from_hex(digest))
}

/// What was found of a file.
struct Judged {
    status: Status,
    reason: Option<String>,
    size: u64,
    sha256: Option<Sha256>,
    kind: Kind,
    flags: Vec<Flag>,
    facts: Facts,
}

impl Judged {
    /// A verdict on what wasn't read.
    fn unread(head: &Head, status: Status, reason: &str) -> Self {
        Self {
            status,
            reason: Some(reason.to_owned()),
            size: head.size,
            sha256: head.sha256(),
            kind: Kind::Other,
            flags: Vec::new(),
            facts: Facts::default(),
        }
    }
}

impl From<Checked> for Judged {
    fn from(checked: Checked) -> Self {
        Self {
            status: checked.status,
            reason: checked.reason,
            size: checked.size,
            sha256: Some(checked.sha256),
            kind: checked.kind,
            flags: checked.flags,
            facts: checked.facts,
        }
    }
}

/// What a collection demands of its files' content.
fn schema(collection: Collection, name: &str) -> Schema {
    match collection.kind_of(name).map(FileKind::content) {
        Some(ContentRule::EcgMetrics) => Schema::EcgMetrics,
        Some(ContentRule::TrainingLog) => Schema::TrainingLog,
        Some(ContentRule::Any) | None => Schema::None,
    }
}

/// The row of a version that was looked at and judged.
fn file_row(collection: Collection, path: &str, key: &str, head: Head, judged: Judged) -> Row {
    let value = |value: Result<serde_json::Value, serde_json::Error>| value.unwrap_or_default();
    let etag = head.etag.clone();
    let document = casefile::document::Document::new(collection, path.to_owned(), key.to_owned(), head);
    Row {
        collection: collection.name().to_owned(),
        path: path.to_owned(),
        key: key.to_owned(),
        etag,
        tenant: document.tenant.map(|tenant| tenant.as_str().to_owned()),
        owner: document.owner.map(|owner| owner.as_str().to_owned()),
        stored_at: document.last_modified.map(rfc3339),
        version_id: document.version_id,
        status: judged.status,
        reason: judged.reason,
        size: judged.size,
        sha256: judged.sha256,
        about: About::File {
            content_type: document.content_type,
            content_kind: value(serde_json::to_value(judged.kind)),
            flags: value(serde_json::to_value(judged.flags)),
            facts: value(serde_json::to_value(judged.facts)),
        },
    }
}
