//! `verify`: every object of a plan against its digest, as S3 checked it on arrival, and against whose and what the plan
//! says it is.

use std::collections::BTreeSet;
use std::path::PathBuf;

use casefile::bucket::Bucket;
use casefile::collection::Collection;
use casefile::document::{Document, optional};
use casefile::key::BasePath;
use casefile::name::TenantId;
use casefile::store_error::StoreError;
use futures::{StreamExt as _, stream};
use serde::Serialize;

use super::entry::{Action, Is, To};
use super::look::differs;
use super::plan::Plan;
use super::progress::Progress;
use crate::failure::Failure;

const AT_ONCE: usize = 64;
const PAGE: i32 = 1_000;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Verified {
    pub(super) plan: PathBuf,
    /// Objects that are what the plan says.
    pub(super) identical: usize,
    /// Those of them that S3 knows no checksum of: they were read.
    pub(super) read: usize,
    /// Objects that are otherwise.
    pub(super) differing: Vec<Differing>,
    /// Keys that have no object.
    pub(super) missing: Vec<String>,
    /// Keys of objects that S3 knows no checksum of and doesn't let read: archived ones.
    pub(super) unknown: Vec<String>,
    /// Keys of the collection that the plan knows nothing of.
    pub(super) extra: Vec<String>,
    /// Files of the plan that it doesn't store: in conflict, or rejected.
    pub(super) left_out: usize,
}

/// An object that isn't what the plan says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Differing {
    pub(super) key: String,
    pub(super) reason: String,
}

impl Verified {
    /// What it ends with.
    pub(super) fn code(&self, is_strict: bool) -> u8 {
        let is_well = self.differing.is_empty() && self.missing.is_empty() && self.unknown.is_empty();
        let is_all = self.extra.is_empty() && self.left_out == 0;
        u8::from(!is_well || is_strict && !is_all)
    }
}

enum Verdict {
    Identical { is_read: bool },
    Differing(String),
    Missing,
    Unknown,
}

/// Compares what a plan wants with what is there.
///
/// # Errors
/// When storage fails.
pub(super) async fn verify(bucket: &Bucket, base: &BasePath, plan: &Plan) -> Result<Verified, Failure> {
    let mut verified = Verified {
        plan: plan.path().to_owned(),
        ..Verified::default()
    };
    let name = &plan.header.place.collection;
    let none = || Failure::Refused(format!("there is no collection {name} any more"));
    let collection = Collection::parse(name).ok_or_else(none)?;
    let (mut keys, mut known) = (BTreeSet::new(), BTreeSet::new());
    let (mut files, mut bytes) = (0, 0);
    for entry in plan.entries()? {
        let (_, entry) = entry?;
        if let Some((to, is)) = entry.wanted().filter(|(to, _)| !keys.contains(&to.key)) {
            keys.insert(to.key.clone());
            files += 1;
            bytes += is.size;
        }
        if matches!(entry.action, Action::Conflict | Action::Rejected) {
            verified.left_out += 1;
            // What lies in its way is no news.
            known.extend(entry.to.map(|to| to.key));
        }
    }
    let mut progress = Progress::begin(files, bytes);
    let site = Site {
        bucket,
        collection,
        tenant: &plan.header.tenant,
    };
    known.extend(keys.iter().cloned());
    site.compare_all(plan, keys, &mut progress, &mut verified).await?;
    for place in collection.places(base) {
        verified.extra.extend(extra(bucket, &place, &known).await?);
    }
    Ok(verified)
}

/// Where the files are to lie, and whose they are.
struct Site<'a> {
    bucket: &'a Bucket,
    collection: Collection,
    tenant: &'a TenantId,
}

impl Site<'_> {
    async fn compare_all(
        &self,
        plan: &Plan,
        mut keys: BTreeSet<String>,
        progress: &mut Progress,
        verified: &mut Verified,
    ) -> Result<(), Failure> {
        // Of files with one key, one will do.
        let wanted = plan.entries()?.filter_map(|entry| match entry {
            Ok((_, entry)) => {
                let (to, is) = entry.wanted()?;
                keys.remove(&to.key).then(|| Ok((to.clone(), is)))
            }
            Err(error) => Some(Err(error)),
        });
        let mut compared = stream::iter(wanted)
            .map(|wanted| async {
                let (to, is) = wanted?;
                let verdict = self.compare(&to, is).await?;
                Ok::<_, Failure>((to.key, is.size, verdict))
            })
            .buffered(AT_ONCE);
        while let Some(compared) = compared.next().await {
            let (key, size, verdict) = compared?;
            progress.bar().inc(size);
            progress.advance();
            match verdict {
                Verdict::Identical { is_read } => {
                    verified.identical += 1;
                    verified.read += usize::from(is_read);
                }
                Verdict::Differing(reason) => verified.differing.push(Differing { key, reason }),
                Verdict::Missing => verified.missing.push(key),
                Verdict::Unknown => verified.unknown.push(key),
            }
        }
        Ok(())
    }

    async fn compare(&self, to: &To, is: Is) -> Result<Verdict, StoreError> {
        let Some(head) = optional(self.bucket.head(&to.key)).await? else {
            return Ok(Verdict::Missing);
        };
        let content = || Verdict::Differing("it has other content".to_owned());
        if head.size != is.size {
            return Ok(content());
        }
        // What a copy carries as its digest, somebody wrote there; only S3's own counts.
        let (sha256, is_read) = match head.checksum {
            Some(sha256) => (sha256, false),
            None if head.is_archived => return Ok(Verdict::Unknown),
            None => {
                let version = head.version_id.as_deref();
                (self.bucket.hash_version(&to.key, version).await?.sha256, true)
            }
        };
        if sha256 != is.sha256 {
            return Ok(content());
        }
        let there = Document::new(self.collection, to.path.clone(), to.key.clone(), head);
        Ok(if there.tenant.as_ref() != Some(self.tenant) {
            Verdict::Differing("it is another tenant's, or none's".to_owned())
        } else if let Some(why) = differs(&there, to) {
            Verdict::Differing(why)
        } else {
            Verdict::Identical { is_read }
        })
    }
}

async fn extra(bucket: &Bucket, place: &str, keys: &BTreeSet<String>) -> Result<Vec<String>, StoreError> {
    let (mut extra, mut after) = (Vec::new(), None);
    loop {
        let page = bucket.page(place, after.as_deref(), PAGE).await?;
        after = page.keys.last().cloned();
        let is_last = !page.is_cut || page.keys.is_empty();
        extra.extend(page.keys.into_iter().filter(|key| !keys.contains(key)));
        if is_last {
            return Ok(extra);
        }
    }
}
