//! What a device delivered: taken into its collection, or skipped. Each version for itself, for a device may
//! use a name again.

use std::collections::BTreeMap;

use casefile::bucket::{Head, Metadata, NewObject, Source, Target};
use casefile::collection::Collection;
use casefile::document::{INBOX, SOURCE, TENANT, optional, ownership};
use casefile::intake::{self, Acceptance};
use casefile::metrics;
use casefile::name::TenantId;
use casefile::pointer::{ListedFile, file_pointers};
use casefile::status::{self, Status};
use casefile::store_error::StoreError;
use casefile::time;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{ANNOUNCED, Judged, LOOKS, Settling, Stop, announced, busy, file_row, schema};
use crate::arrival::ObjectArrived;
use crate::check::{self, Checked, Expected};
use crate::failure::Failure;
use crate::index::{Place, Row, Written};

impl Settling {
    pub(super) async fn delivery(
        &self,
        arrived: &ObjectArrived,
        collection: Collection,
        name: &str,
    ) -> Result<(), Stop> {
        let look = match &arrived.version_id {
            Some(version_id) => optional(self.artifacts.head_version(&arrived.key, version_id)).await?,
            None => optional(self.artifacts.head(&arrived.key)).await?,
        };
        // Filed already, or expired.
        let Some(head) = look else {
            return Ok(());
        };
        let name = name.rsplit('/').next().unwrap_or_default();
        match intake::accept_delivery(collection, name) {
            Acceptance::Skipped(reason) => self.skip(arrived, collection, name, head, &reason).await,
            Acceptance::Accepted { .. } if head.size > collection.max_bytes() => {
                let reason = format!("it is larger than {} bytes", collection.max_bytes());
                self.skip(arrived, collection, name, head, &reason).await
            }
            Acceptance::Accepted { content_type } => {
                let expected = Expected {
                    sha256: announced(&head),
                    size: Some(head.size),
                    schema: schema(collection, name),
                    name,
                };
                let version_id = head.version_id.as_deref();
                let checked = check::check(&self.artifacts, &arrived.key, version_id, &expected).await?;
                let delivery = Delivery {
                    collection,
                    name,
                    key: &arrived.key,
                    head: &head,
                    checked: &checked,
                    content_type,
                };
                Box::pin(self.file(&delivery)).await
            }
        }
    }

    /// Records that a collection doesn't take it. It expires with the inbox.
    async fn skip(
        &self,
        arrived: &ObjectArrived,
        collection: Collection,
        name: &str,
        head: Head,
        reason: &str,
    ) -> Result<(), Stop> {
        let judged = Judged::unread(&head, Status::Skipped, reason);
        let row = self.delivery_row(arrived, collection, name, head, judged).await?;
        self.tag(&row).await
    }

    /// Writes the row of something that stays in the inbox. Each version has its own.
    async fn delivery_row(
        &self,
        arrived: &ObjectArrived,
        collection: Collection,
        name: &str,
        head: Head,
        judged: Judged,
    ) -> Result<Row, Stop> {
        let stored = head.last_modified.unwrap_or_default();
        let version = head.version_id.clone().unwrap_or_default();
        let mut row = file_row(collection, name, &arrived.key, head, judged);
        row.tenant = Some(self.default_tenant.as_str().to_owned());
        row.owner = None;
        let day = stored.to_zoned(TimeZone::UTC).date();
        let place = Place::on(collection, day, &format!("{}\0{version}", arrived.key));
        for _ in 0..LOOKS {
            let seen = self.index.look(&place).await?;
            match self.index.write(&place, &row, &seen).await? {
                Written::Changed => {}
                Written::Already => return Ok(row),
                Written::Now => {
                    metrics::verdict(row.status.name());
                    return Ok(row);
                }
            }
        }
        Err(busy())
    }

    /// Moves it to its place in the layout: copy → tags → entry of the list → the delivery is removed. The copy's own event
    /// makes its row and, where it is rejected, quarantines it there: once released, it lies where it belongs.
    async fn file(&self, delivery: &Delivery<'_>) -> Result<(), Stop> {
        let paths = delivery.paths();
        let (path, filed_at) = match self.held(delivery, &paths).await? {
            Some(row) => {
                let stored = row.stored_at.as_deref().and_then(time::parse);
                (row.path, stored.unwrap_or_default())
            }
            None => self.place(delivery, &paths).await?,
        };
        let key = self.key(delivery.collection, &path)?;
        for pointer in self.pointers(delivery, &path, &key, filed_at)? {
            self.create_unless_taken(&pointer).await?;
        }
        self.remove(delivery.key, delivery.head).await
    }

    /// The row of the very same content, rejected and hidden in its place before this delivery could be removed.
    async fn held(&self, delivery: &Delivery<'_>, paths: &[String]) -> Result<Option<Row>, Stop> {
        if delivery.checked.status != Status::Rejected {
            return Ok(None);
        }
        for path in paths {
            let key = self.key(delivery.collection, path)?;
            let seen = self
                .index
                .look(&Place::of(delivery.collection, path, &key))
                .await?;
            let is_this =
                |row: &Row| row.status == Status::Rejected && row.sha256 == Some(delivery.checked.sha256);
            if let Some(row) = seen.row.filter(is_this) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// Copies it, and tags the copy; gives its path and time.
    async fn place(&self, delivery: &Delivery<'_>, paths: &[String]) -> Result<(String, Timestamp), Stop> {
        let (path, filed) = self.copy_into(delivery, paths).await?;
        let key = self.key(delivery.collection, &path)?;
        let version_id = filed.version_id.as_deref();
        let sha256 = delivery.checked.sha256.to_string();
        let tags = [
            (status::STATUS, delivery.checked.status.name()),
            (status::COLLECTION, delivery.collection.name()),
            (status::SHA256, sha256.as_str()),
        ];
        // Otherwise it was filed before, and judged by its own event.
        let is_judged = |found: &BTreeMap<String, String>| Status::of(found).is_some();
        self.artifacts
            .merge_tags_unless(&key, version_id, &tags, is_judged)
            .await?;
        Ok((path, filed.last_modified.unwrap_or_default()))
    }

    /// Removes what has been filed, for good where the bucket keeps versions: the copy has its bytes.
    async fn remove(&self, key: &str, head: &Head) -> Result<(), Stop> {
        if let Some(version_id) = &head.version_id {
            self.artifacts.delete_version(key, version_id).await?;
        } else {
            let etag = head.etag.as_deref().unwrap_or_default();
            self.artifacts.hide(key, None, etag).await?;
        }
        Ok(())
    }

    /// Copies it to the first of its paths that other content, somebody else's or one that is known to be broken doesn't
    /// have; gives the path, and what lies there.
    async fn copy_into(&self, delivery: &Delivery<'_>, paths: &[String]) -> Result<(String, Head), Stop> {
        let source = Source {
            key: delivery.key.to_owned(),
            version_id: delivery.head.version_id.clone(),
            size: delivery.checked.size,
            sha256: delivery.checked.sha256,
        };
        let metadata = delivery.metadata(&self.default_tenant);
        for path in paths {
            let target = Target {
                key: self.key(delivery.collection, path)?,
                content_type: delivery.content_type,
                metadata: metadata.clone(),
            };
            let copied = match self.artifacts.copy(&source, &target).await {
                Ok(copied) => copied,
                Err(StoreError::AlreadyExists) => continue,
                Err(error) => return Err(error.into()),
            };
            let filed = match &copied.version_id {
                Some(version_id) => self.artifacts.head_version(&target.key, version_id).await?,
                None => self.artifacts.head(&target.key).await?,
            };
            let carried = |name: &str| filed.metadata.get(name).map(String::as_str);
            let own = |name: &str| {
                let mut own = metadata.iter();
                own.find_map(|(own, value)| (*own == name).then_some(value.as_str()))
            };
            let is_ours = [TENANT, ANNOUNCED]
                .into_iter()
                .all(|name| carried(name) == own(name));
            if copied.is_new || is_ours {
                return Ok((path.clone(), filed));
            }
        }
        Err(Failure::Poison("its name, and the one with its digest, are taken by others".to_owned()).into())
    }

    fn key(&self, collection: Collection, path: &str) -> Result<String, Stop> {
        let key = collection.key(&self.base, path);
        key.ok_or_else(|| Failure::Poison("its name makes no key of its collection".to_owned()).into())
    }

    /// The entries of lists. Their time is when the file was filed, on the day that the path says.
    fn pointers(
        &self,
        delivery: &Delivery<'_>,
        path: &str,
        key: &str,
        filed: Timestamp,
    ) -> Result<Vec<NewObject>, Stop> {
        let collection = delivery.collection;
        let listed = ListedFile {
            collection,
            path,
            key,
            owner: None,
            content_type: delivery.content_type,
            size: delivery.checked.size,
            sha256: delivery.checked.sha256,
            time: intake::listed_time(collection, path, filed),
        };
        let pointers = file_pointers(&self.base, &self.default_tenant, &listed);
        Ok(pointers.map_err(|_| StoreError::Damaged("an entry of a list can't be written as JSON"))?)
    }
}

/// A delivery that its collection takes.
struct Delivery<'a> {
    collection: Collection,
    /// The file's.
    name: &'a str,
    /// In the inbox.
    key: &'a str,
    head: &'a Head,
    checked: &'a Checked,
    content_type: &'static str,
}

impl Delivery<'_> {
    /// Where it belongs; and, should that be taken, beside it under a name with the digest.
    fn paths(&self) -> [String; 2] {
        let stored = self.head.last_modified.unwrap_or_default();
        let (path, _) = intake::path(self.collection, self.name, &self.head.metadata, stored);
        let (stem, extension) = path.rsplit_once('.').unwrap_or((&path, ""));
        let beside = format!("{stem}_{}.{extension}", self.checked.sha256);
        [path, beside]
    }

    fn metadata(&self, tenant: &TenantId) -> Metadata {
        let mut metadata = intake::kept_metadata(self.collection, &self.head.metadata);
        metadata.extend(ownership(tenant, None));
        metadata.push((SOURCE, INBOX.to_owned()));
        // The copy has a digest of its own; what isn't the bytes that were announced is found so in its place, too.
        let broken = announced(self.head).filter(|announced| *announced != self.checked.sha256);
        metadata.extend(broken.map(|announced| (ANNOUNCED, announced.to_string())));
        metadata
    }
}
