//! `ListObjectsV2` and `ListObjects`.
//!
//! Sources: the API reference; "Organizing objects using prefixes".

use std::ops::Bound;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::{
    CommonPrefix, ETag, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object, ObjectStorageClass, Owner,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::super::store::{State, Store, Version, s3_time};
use super::buckets::owner;

/// As many as one answer holds at most.
const MAX_KEYS: i32 = 1000;

/// What one answer lists.
pub(super) enum Entry {
    Key(Arc<Version>),
    /// Stands for all keys that begin with it.
    Prefix(String),
}

impl Entry {
    fn name(&self) -> &str {
        match self {
            Self::Key(version) => &version.key,
            Self::Prefix(prefix) => prefix,
        }
    }
}

/// Entries in order, and the last one's name when there are more.
struct Page {
    entries: Vec<Entry>,
    next: Option<String>,
}

fn page(state: &State, prefix: &str, delimiter: Option<&str>, after: &str, limit: usize) -> Page {
    let mut entries: Vec<Entry> = Vec::new();
    for (key, versions) in state.objects.range::<str, _>(start(prefix, after)) {
        if !key.starts_with(prefix) {
            break;
        }
        let Some(current) = versions.last().filter(|version| !version.is_delete_marker()) else {
            continue;
        };
        let rolled = rolled_up(key, prefix, delimiter);
        let seen = entries.last().map_or(after, Entry::name);
        if rolled.is_some_and(|rolled| rolled == seen) {
            continue;
        }
        if entries.len() >= limit {
            let next = entries.last().map(|entry| entry.name().to_owned());
            return Page { entries, next };
        }
        entries.push(match rolled {
            Some(rolled) => Entry::Prefix(rolled.to_owned()),
            None => Entry::Key(Arc::clone(current)),
        });
    }
    Page { entries, next: None }
}

/// Where keys with `prefix` that come after `after` begin.
pub(super) fn start<'a>(prefix: &'a str, after: &'a str) -> (Bound<&'a str>, Bound<&'a str>) {
    let first = if after >= prefix && !after.is_empty() {
        Bound::Excluded(after)
    } else {
        Bound::Included(prefix)
    };
    (first, Bound::Unbounded)
}

/// The common prefix that stands for `key`: up to the first delimiter after `prefix`.
pub(super) fn rolled_up<'a>(key: &'a str, prefix: &str, delimiter: Option<&str>) -> Option<&'a str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let found = key.get(prefix.len()..)?.find(delimiter)?;
    key.get(..prefix.len() + found + delimiter.len())
}

/// # Errors
/// `InvalidArgument` for a negative number.
pub(super) fn limit(asked: Option<i32>) -> S3Result<(i32, usize)> {
    let limit = asked.unwrap_or(MAX_KEYS).min(MAX_KEYS);
    match usize::try_from(limit) {
        Ok(size) => Ok((limit, size)),
        Err(_) => Err(s3_error!(
            InvalidArgument,
            "Argument maxKeys must be an integer between 0 and 2147483647"
        )),
    }
}

/// Writes names as the client asked for them: as they are, or percent-encoded.
#[derive(Clone, Copy)]
pub(super) struct Names {
    url: bool,
}

impl Names {
    pub(super) fn new(encoding: Option<&EncodingType>) -> Self {
        Self {
            url: encoding.is_some_and(|encoding| encoding.as_str() == EncodingType::URL),
        }
    }

    pub(super) fn write(self, name: &str) -> String {
        use std::fmt::Write as _;
        if !self.url {
            return name.to_owned();
        }
        name.bytes()
            .fold(String::with_capacity(name.len()), |mut text, byte| {
                match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                        text.push(char::from(byte));
                    }
                    // Writing to a string can't fail.
                    _ => drop(write!(text, "%{byte:02X}")),
                }
                text
            })
    }

    pub(super) fn write_all(
        self,
        entries: &[Entry],
        owner: Option<&Owner>,
    ) -> (Vec<Object>, Vec<CommonPrefix>) {
        let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Entry::Key(version) => objects.extend(self.object(version, owner)),
                Entry::Prefix(prefix) => prefixes.push(CommonPrefix {
                    prefix: Some(self.write(prefix)),
                }),
            }
        }
        (objects, prefixes)
    }

    fn object(self, version: &Version, owner: Option<&Owner>) -> Option<Object> {
        let content = version.content.as_ref()?;
        let class = content
            .attributes
            .storage_class
            .clone()
            .unwrap_or_else(|| "STANDARD".to_owned());
        Some(Object {
            key: Some(self.write(&version.key)),
            size: i64::try_from(content.size).ok(),
            e_tag: Some(ETag::Strong(content.etag.clone())),
            last_modified: Some(s3_time(version.modified)),
            storage_class: Some(ObjectStorageClass::from(class)),
            checksum_algorithm: Some(vec![content.checksum.algorithm.name().to_owned().into()]),
            checksum_type: Some(content.checksum.kind.name().to_owned().into()),
            owner: owner.cloned(),
            ..Object::default()
        })
    }
}

pub(super) fn list_objects_v2(
    store: &Store,
    request: S3Request<ListObjectsV2Input>,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let (max_keys, limit) = limit(input.max_keys)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = match &input.continuation_token {
        Some(token) => read_token(token)?,
        None => input.start_after.clone().unwrap_or_default(),
    };
    let page = bucket.read(|state| page(state, &prefix, input.delimiter.as_deref(), &after, limit));
    let names = Names::new(input.encoding_type.as_ref());
    let owner = input.fetch_owner.unwrap_or(false).then(|| owner(store));
    let (contents, common_prefixes) = names.write_all(&page.entries, owner.as_ref());
    Ok(S3Response::new(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(names.write(&prefix)),
        max_keys: Some(max_keys),
        key_count: i32::try_from(page.entries.len()).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.map(|name| URL_SAFE_NO_PAD.encode(name)),
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        delimiter: input.delimiter.as_deref().map(|delimiter| names.write(delimiter)),
        encoding_type: input.encoding_type,
        start_after: input.start_after.as_deref().map(|name| names.write(name)),
        ..ListObjectsV2Output::default()
    }))
}

fn read_token(token: &str) -> S3Result<String> {
    let name = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|name| String::from_utf8(name).ok());
    name.ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}

pub(super) fn list_objects(
    store: &Store,
    request: S3Request<ListObjectsInput>,
) -> S3Result<S3Response<ListObjectsOutput>> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let (max_keys, limit) = limit(input.max_keys)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let marker = input.marker.clone().unwrap_or_default();
    let page = bucket.read(|state| page(state, &prefix, input.delimiter.as_deref(), &marker, limit));
    let names = Names::new(input.encoding_type.as_ref());
    let (contents, common_prefixes) = names.write_all(&page.entries, Some(&owner(store)));
    Ok(S3Response::new(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(names.write(&prefix)),
        marker: Some(names.write(&marker)),
        max_keys: Some(max_keys),
        is_truncated: Some(page.next.is_some()),
        // Without a delimiter clients take the last key.
        next_marker: page
            .next
            .filter(|_| input.delimiter.is_some())
            .map(|name| names.write(&name)),
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        delimiter: input.delimiter.as_deref().map(|delimiter| names.write(delimiter)),
        encoding_type: input.encoding_type,
        ..ListObjectsOutput::default()
    }))
}
