//! What lies where files are to go, and what follows from that.

use casefile::bucket::{Bucket, Head, Seen, Shown};
use casefile::digest::Sha256;
use casefile::document::Document;
use casefile::name::Owner;
use casefile::store_error::StoreError;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use session_export::files::{note, note_key, shown};

use super::entry::{Action, Entry, Is, To};
use super::place::Rules;
use super::there::{There, there};

/// Objects that are looked at at once.
const AT_ONCE: usize = 64;
/// Why what lay there isn't stored again.
pub(super) const HIDDEN: &str = "what was there has been rejected or deleted, and isn't brought back";

/// What a look says: the action, why, and which version is there.
type Verdict = (Action, String, Option<String>);

/// Looks at the places of all these that are to be stored: a few lists, and a request for each that is taken.
///
/// # Errors
/// When storage fails.
pub(super) async fn look(bucket: &Bucket, rules: &Rules, entries: &mut [Entry]) -> Result<(), StoreError> {
    follow_notes(bucket, rules, entries).await?;
    let there = there(bucket, uploads(entries).map(|to| to.key.as_str())).await?;
    let (there, seen) = (&there, entries.iter().enumerate());
    let looks = stream::iter(seen)
        .map(|(at, entry)| async move {
            let verdict = Box::pin(verdict(bucket, rules, there, entry)).await?;
            Ok::<_, StoreError>(verdict.map(|verdict| (at, verdict)))
        })
        .buffer_unordered(AT_ONCE);
    let verdicts: Vec<_> = looks.try_collect().await?;
    for (at, (action, reason, version_id)) in verdicts.into_iter().flatten() {
        if let Some(entry) = entries.get_mut(at) {
            entry.ends(action, reason);
            entry.version_id = version_id;
        }
    }
    Ok(())
}

fn uploads(entries: &[Entry]) -> impl Iterator<Item = &To> {
    let wanted = entries.iter().filter(|entry| entry.action == Action::Upload);
    wanted.filter_map(|entry| entry.to.as_ref())
}

/// Where those lie already that don't say their paths themselves.
async fn follow_notes(bucket: &Bucket, rules: &Rules, entries: &mut [Entry]) -> Result<(), StoreError> {
    let key = |to: &To| (!to.note.is_empty()).then(|| note_key(&rules.base, &to.noted_of()));
    let keys: Vec<_> = uploads(entries).filter_map(key).collect();
    let there = there(bucket, keys.iter().map(String::as_str)).await?;
    if there.is_empty() {
        return Ok(());
    }
    let wanted = entries.iter_mut().filter(|entry| {
        let key = entry.to.as_ref().and_then(key);
        entry.action == Action::Upload && key.is_some_and(|key| there.contains_key(&key))
    });
    stream::iter(wanted)
        .map(|entry| follow_note(bucket, rules, entry))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

async fn follow_note(bucket: &Bucket, rules: &Rules, entry: &mut Entry) -> Result<(), StoreError> {
    let Some(to) = entry.to.clone() else {
        return Ok(());
    };
    let Some(path) = note(bucket, &rules.base, &to.noted_of()).await? else {
        return Ok(());
    };
    match rules.with_key(To { path, ..to }) {
        Ok(to) => entry.to = Some(to),
        Err(why) => entry.ends(Action::Conflict, why),
    }
    Ok(())
}

async fn verdict(
    bucket: &Bucket,
    rules: &Rules,
    there: &There,
    entry: &Entry,
) -> Result<Option<Verdict>, StoreError> {
    let (Action::Upload, Some((to, is))) = (entry.action, entry.wanted()) else {
        return Ok(None);
    };
    let seen = match there.get(&to.key) {
        None => Seen::Nothing,
        Some(Shown::Hidden) => Seen::Hidden,
        Some(Shown::There) => bucket.seen(&to.key).await?,
    };
    Ok(Some(match seen {
        Seen::Nothing => (Action::Upload, "nothing is there".to_owned(), None),
        Seen::Hidden => (Action::Conflict, HIDDEN.to_owned(), None),
        Seen::There(head) => compare(bucket, rules, to, is, *head).await?,
    }))
}

async fn compare(bucket: &Bucket, rules: &Rules, to: &To, is: Is, head: Head) -> Result<Verdict, StoreError> {
    let there = Document::new(rules.collection, to.path.clone(), to.key.clone(), head);
    let version_id = there.version_id.clone();
    let conflict = |why: String| (Action::Conflict, why, version_id.clone());
    match &there.tenant {
        Some(tenant) if *tenant == rules.tenant => {}
        Some(_) => return Ok(conflict("another tenant's file is there".to_owned())),
        None => return Ok(conflict("a file is there that is no tenant's".to_owned())),
    }
    if !is_same(bucket, &there, is).await? {
        return Ok(conflict(format!(
            "other content is there, of {} bytes",
            there.size
        )));
    }
    if let Some(why) = differs(&there, to) {
        return Ok(conflict(why));
    }
    let same = "the same content is there".to_owned();
    Ok((Action::SkipIdentical, same, version_id))
}

/// In what the very same content is stored otherwise than the plan says, but for what the system adds itself.
pub(super) fn differs(there: &Document, to: &To) -> Option<String> {
    if there.owner != to.owner {
        let name = |owner: Option<&Owner>| match owner {
            Some(owner) => format!("owner {owner}"),
            None => "no owner".to_owned(),
        };
        let (stored, planned) = (name(there.owner.as_ref()), name(to.owner.as_ref()));
        return Some(format!(
            "the same content is stored with {stored}, the plan says {planned}"
        ));
    }
    let stored: std::collections::BTreeMap<_, _> = shown(there)
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let names = stored.keys().chain(to.metadata.keys());
    let mut other: Vec<_> = names
        .filter(|name| stored.get(*name) != to.metadata.get(*name))
        .map(String::as_str)
        .collect();
    other.sort_unstable();
    other.dedup();
    // The names alone: values may be a patient's.
    let names = other.join(", ");
    (!other.is_empty())
        .then(|| format!("the same content is stored with other metadata than the plan says: {names}"))
}

/// Reads what is there only where S3 doesn't know its digest, and its size doesn't tell.
async fn is_same(bucket: &Bucket, there: &Document, is: Is) -> Result<bool, StoreError> {
    if there.size != is.size {
        return Ok(false);
    }
    let sha256 = match there.sha256 {
        Some(sha256) => sha256,
        None => hash(bucket, there).await?,
    };
    Ok(sha256 == is.sha256)
}

async fn hash(bucket: &Bucket, there: &Document) -> Result<Sha256, StoreError> {
    let hashed = bucket
        .hash_version(&there.key, there.version_id.as_deref())
        .await?;
    Ok(hashed.sha256)
}
