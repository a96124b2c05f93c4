//! What lies at many keys, from a few lists of versions: a look at each would be a request a file.

use std::collections::{BTreeMap, BTreeSet};

use casefile::bucket::{Bucket, Mark, Shown};
use casefile::store_error::StoreError;
use futures::{StreamExt as _, TryStreamExt as _, stream};

/// Keys that one walk through a list is for, and walks at once.
const KEYS: usize = 128;
const WALKS: usize = 8;
/// Versions that are asked for beyond those of the keys.
const SPARE: usize = 16;

/// What those of some keys show that have versions.
pub(super) type There = BTreeMap<String, Shown>;

/// Looks what these keys show. Whatever else lies between them is passed over, so that there are never more requests than
/// keys, and, where the keys lie close together, one for hundreds.
///
/// # Errors
/// When storage fails.
pub(super) async fn there(
    bucket: &Bucket,
    keys: impl IntoIterator<Item = &str>,
) -> Result<There, StoreError> {
    let keys: Vec<&str> = keys.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let walks = stream::iter(keys.chunks(KEYS))
        .map(|keys| walk(bucket, keys))
        .buffer_unordered(WALKS);
    let walks: Vec<There> = walks.try_collect().await?;
    Ok(walks.into_iter().flatten().collect())
}

async fn walk(bucket: &Bucket, keys: &[&str]) -> Result<There, StoreError> {
    let prefix = common(keys);
    let mut there = There::new();
    let (mut waiting, mut next) = (keys, None);
    while let Some(first) = waiting.first() {
        let mark = mark(first, next);
        let limit = i32::try_from(waiting.len() * 2 + SPARE).unwrap_or(i32::MAX);
        let page = bucket.tops(prefix, Some(&mark), limit).await?;
        let wanted = |key: &str| keys.binary_search(&key).is_ok();
        // What the page itself has shown is done with, and no more: stores mean different things by where it ended.
        let last = page.keys.last().map(|(key, _)| key.clone()).unwrap_or_default();
        there.extend(page.keys.into_iter().filter(|(key, _)| wanted(key)));
        let Some(end) = page.next else {
            break;
        };
        let over = waiting.partition_point(|key| *key <= last.as_str());
        waiting = waiting.get(over..).unwrap_or_default();
        next = Some(end);
    }
    Ok(there)
}

/// Just before a key, or where the last page ended, if that is further on. Without its last character a key sorts before
/// itself, and hardly anything lies between.
fn mark(key: &str, next: Option<Mark>) -> Mark {
    let mut short = key.chars();
    short.next_back();
    let short = short.as_str();
    next.filter(|next| next.key.as_str() >= short)
        .unwrap_or_else(|| Mark {
            key: short.to_owned(),
            version_id: None,
        })
}

/// What all of these begin with, which are in order.
fn common<'a>(keys: &[&'a str]) -> &'a str {
    let (first, last) = (
        keys.first().copied().unwrap_or(""),
        keys.last().copied().unwrap_or(""),
    );
    let pairs = first.char_indices().zip(last.chars());
    let mut other = pairs.filter(|((_, a), b)| a != b);
    let end = other
        .next()
        .map_or(first.len().min(last.len()), |((at, _), _)| at);
    first.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keys_have_in_common_ends_between_characters() {
        assert_eq!(common(&["bols/2024/a", "bols/2025/b"]), "bols/202");
        assert_eq!(common(&["x/é", "x/ê"]), "x/");
        assert_eq!(common(&["a", "ab"]), "a");
        assert_eq!((common(&["abc"]), common(&[])), ("abc", ""));
    }

    #[test]
    fn a_walk_goes_on_where_the_page_ended_or_before_the_next_key() {
        let at = |key: &str, id: Option<&str>| Mark {
            key: key.to_owned(),
            version_id: id.map(str::to_owned),
        };
        assert_eq!(mark("a/ü", None), at("a/", None));
        assert_eq!(mark("b/x", Some(at("a/z", Some("v1")))), at("b/", None));
        assert_eq!(mark("b/x", Some(at("b/w", Some("v1")))), at("b/w", Some("v1")));
    }
}
