//! `verify`: every object of a plan against its digest, as S3 checked it on arrival.

use std::collections::BTreeSet;
use std::path::PathBuf;

use casefile::bucket::Bucket;
use casefile::collection::Collection;
use casefile::document::optional;
use casefile::key::BasePath;
use casefile::store_error::StoreError;
use futures::{StreamExt as _, stream};
use serde::Serialize;

use super::entry::{Action, Is, To};
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
    /// Keys of objects that are otherwise.
    pub(super) differing: Vec<String>,
    /// Keys that have no object.
    pub(super) missing: Vec<String>,
    /// Keys of the collection that the plan knows nothing of.
    pub(super) extra: Vec<String>,
    /// Files of the plan that it doesn't store: in conflict, or rejected.
    pub(super) left_out: usize,
}

impl Verified {
    /// What it ends with.
    pub(super) fn code(&self, is_strict: bool) -> u8 {
        let is_well = self.differing.is_empty() && self.missing.is_empty();
        u8::from(!is_well || is_strict && !self.extra.is_empty())
    }
}

enum Verdict {
    Identical { is_read: bool },
    Differing,
    Missing,
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
    let mut keys = BTreeSet::new();
    let (mut files, mut bytes) = (0, 0);
    for entry in plan.entries()? {
        let (_, entry) = entry?;
        if let Some((to, is)) = entry.wanted().filter(|(to, _)| !keys.contains(&to.key)) {
            keys.insert(to.key.clone());
            files += 1;
            bytes += is.size;
        }
        verified.left_out += usize::from(matches!(entry.action, Action::Conflict | Action::Rejected));
    }
    let mut progress = Progress::begin(files, bytes);
    compare_all(bucket, plan, keys.clone(), &mut progress, &mut verified).await?;
    let collection = Collection::parse(&plan.header.place.collection);
    for place in collection
        .map(|collection| collection.places(base))
        .unwrap_or_default()
    {
        verified.extra.extend(extra(bucket, &place, &keys).await?);
    }
    Ok(verified)
}

async fn compare_all(
    bucket: &Bucket,
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
            let verdict = compare(bucket, &to, is).await?;
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
            Verdict::Differing => verified.differing.push(key),
            Verdict::Missing => verified.missing.push(key),
        }
    }
    Ok(())
}

async fn compare(bucket: &Bucket, to: &To, is: Is) -> Result<Verdict, StoreError> {
    let Some(head) = optional(bucket.head(&to.key)).await? else {
        return Ok(Verdict::Missing);
    };
    if head.size != is.size {
        return Ok(Verdict::Differing);
    }
    // What a copy carries as its digest, somebody wrote there; only S3's own counts.
    let (sha256, is_read) = if let Some(sha256) = head.checksum {
        (sha256, false)
    } else {
        let hashed = bucket.hash_version(&to.key, head.version_id.as_deref()).await?;
        (hashed.sha256, true)
    };
    if sha256 == is.sha256 {
        Ok(Verdict::Identical { is_read })
    } else {
        Ok(Verdict::Differing)
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
