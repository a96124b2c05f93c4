//! `ListObjectVersions`: every version and delete marker, of each key the newest first.

use std::ops::Bound;
use std::sync::Arc;

use s3s::dto::{
    CommonPrefix, DeleteMarkerEntry, ETag, ListObjectVersionsInput, ListObjectVersionsOutput, ObjectVersion,
    ObjectVersionStorageClass, Owner,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::super::store::{State, Store, Version, s3_time};
use super::buckets::owner;
use super::list::{Names, limit, rolled_up, start};

enum Entry {
    Version { version: Arc<Version>, latest: bool },
    Prefix(String),
}

/// Where an answer ended: a key or a common prefix, and a version of the key.
type Place = (String, Option<String>);

impl Entry {
    fn place(&self) -> Place {
        match self {
            Self::Version { version, .. } => (version.key.clone(), Some(version.id.clone())),
            Self::Prefix(prefix) => (prefix.clone(), None),
        }
    }

    fn is_prefix(&self, rolled: &str) -> bool {
        matches!(self, Self::Prefix(prefix) if prefix == rolled)
    }
}

/// What is listed, before it is written.
struct Scan<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    key_marker: &'a str,
    id_marker: Option<&'a str>,
    limit: usize,
}

impl Scan<'_> {
    fn run(&self, state: &State) -> (Vec<Entry>, Option<Place>) {
        let mut entries = Vec::new();
        for (key, versions) in state.objects.range::<str, _>(self.start()) {
            if !key.starts_with(self.prefix) {
                break;
            }
            let rolled = rolled_up(key, self.prefix, self.delimiter);
            if let Some(rolled) = rolled
                && (rolled == self.key_marker
                    || entries.last().is_some_and(|last: &Entry| last.is_prefix(rolled)))
            {
                continue;
            }
            let listed = match rolled {
                Some(rolled) => vec![Entry::Prefix(rolled.to_owned())],
                None => self.versions(key, versions),
            };
            for entry in listed {
                if entries.len() >= self.limit {
                    let next = entries.last().map(Entry::place);
                    return (entries, next);
                }
                entries.push(entry);
            }
        }
        (entries, None)
    }

    /// With a version marker the marked key goes on, without one it is over.
    fn start(&self) -> (Bound<&str>, Bound<&str>) {
        match self.id_marker {
            Some(_) if self.key_marker >= self.prefix => (Bound::Included(self.key_marker), Bound::Unbounded),
            _ => start(self.prefix, self.key_marker),
        }
    }

    fn versions(&self, key: &str, versions: &[Arc<Version>]) -> Vec<Entry> {
        let newest_first = versions.iter().rev().enumerate();
        let entries = newest_first.map(|(age, version)| Entry::Version {
            version: Arc::clone(version),
            latest: age == 0,
        });
        match self.id_marker.filter(|_| key == self.key_marker) {
            None => entries.collect(),
            Some(marker) => {
                let listed = versions.iter().rev().position(|version| version.id == marker);
                entries.skip(listed.map_or(0, |place| place + 1)).collect()
            }
        }
    }
}

pub(super) fn list(
    store: &Store,
    request: S3Request<ListObjectVersionsInput>,
) -> S3Result<S3Response<ListObjectVersionsOutput>> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let (max_keys, limit) = limit(input.max_keys)?;
    if input.version_id_marker.is_some() && input.key_marker.is_none() {
        return Err(s3_error!(
            InvalidArgument,
            "A version-id marker cannot be specified without a key marker."
        ));
    }
    let prefix = input.prefix.clone().unwrap_or_default();
    let key_marker = input.key_marker.clone().unwrap_or_default();
    let scan = Scan {
        prefix: &prefix,
        delimiter: input.delimiter.as_deref(),
        key_marker: &key_marker,
        id_marker: input.version_id_marker.as_deref().filter(|id| !id.is_empty()),
        limit,
    };
    let (entries, next) = bucket.read(|state| scan.run(state));
    let names = Names::new(input.encoding_type.as_ref());
    let mut answer = ListObjectVersionsOutput {
        name: Some(input.bucket),
        prefix: Some(names.write(&prefix)),
        key_marker: Some(names.write(&key_marker)),
        max_keys: Some(max_keys),
        is_truncated: Some(next.is_some()),
        delimiter: input.delimiter.as_deref().map(|delimiter| names.write(delimiter)),
        encoding_type: input.encoding_type.clone(),
        version_id_marker: input.version_id_marker.clone(),
        ..ListObjectVersionsOutput::default()
    };
    if let Some((key, id)) = next {
        answer.next_key_marker = Some(names.write(&key));
        answer.next_version_id_marker = id;
    }
    write(&mut answer, entries, names, &owner(store));
    Ok(S3Response::new(answer))
}

fn write(answer: &mut ListObjectVersionsOutput, entries: Vec<Entry>, names: Names, owner: &Owner) {
    let (mut versions, mut markers, mut prefixes) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::Prefix(prefix) => prefixes.push(CommonPrefix {
                prefix: Some(names.write(&prefix)),
            }),
            Entry::Version { version, latest } if version.is_delete_marker() => {
                markers.push(DeleteMarkerEntry {
                    is_latest: Some(latest),
                    key: Some(names.write(&version.key)),
                    last_modified: Some(s3_time(version.modified)),
                    owner: Some(owner.clone()),
                    version_id: Some(version.id.clone()),
                });
            }
            Entry::Version { version, latest } => {
                versions.push(object_version(&version, latest, names, owner));
            }
        }
    }
    answer.versions = Some(versions);
    answer.delete_markers = Some(markers);
    answer.common_prefixes = Some(prefixes);
}

fn object_version(version: &Version, latest: bool, names: Names, owner: &Owner) -> ObjectVersion {
    let content = version.content.as_ref();
    let class = content.and_then(|content| content.attributes.storage_class.clone());
    ObjectVersion {
        is_latest: Some(latest),
        key: Some(names.write(&version.key)),
        version_id: Some(version.id.clone()),
        last_modified: Some(s3_time(version.modified)),
        size: content.and_then(|content| i64::try_from(content.size).ok()),
        e_tag: content.map(|content| ETag::Strong(content.etag.clone())),
        checksum_algorithm: content.map(|content| vec![content.checksum.algorithm.name().to_owned().into()]),
        checksum_type: content.map(|content| content.checksum.kind.name().to_owned().into()),
        storage_class: Some(ObjectVersionStorageClass::from(
            class.unwrap_or_else(|| "STANDARD".to_owned()),
        )),
        owner: Some(owner.clone()),
        ..ObjectVersion::default()
    }
}
