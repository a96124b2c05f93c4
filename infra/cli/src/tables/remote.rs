//! The tables in S3.

use casefile::bucket::{Bucket, Head, takes_tag};
use casefile::document::{INBOX, SOURCE, optional};
use casefile::status::{self, Status};
use casefile::store_error::StoreError;
use strsim::jaro;

use super::name::{PREFIX, TableName, Wanted};
use super::withheld::Withheld;

/// Names that are as like as this may be slips of each other: what clap takes for its own hints.
const LIKENESS: f64 = 0.7;
const MAX_NEAR: usize = 5;
/// What S3 answers to a version's id that it never gave out: an answer to HEAD has no body, so no better reason.
const BAD_REQUEST: &str = "HeadObject: status 400";

/// What S3 has under a table's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Table(Head),
    Nothing,
    /// It is there, and not handed out.
    Withheld(Head, Withheld),
}

/// All tables, and the keys of what else lies among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) tables: Vec<TableName>,
    pub(super) left_out: Vec<String>,
}

/// Looks at a table's newest version, or at the one that is named.
///
/// A malformed id names nothing; but S3 says no more than "400" to expired credentials, too: whoever is told
/// [`Found::Nothing`] asks for something else next, and finds out.
pub(super) async fn look(bucket: &Bucket, wanted: &Wanted) -> Result<Found, StoreError> {
    let key = wanted.key();
    let head = match wanted.version_id() {
        None => optional(bucket.head(&key)).await?,
        Some(version_id) => match optional(bucket.head_version(&key, version_id)).await {
            Err(StoreError::Refused(cause)) if cause.to_string().starts_with(BAD_REQUEST) => None,
            head => head?,
        },
    };
    let Some(mut head) = head else {
        return Ok(Found::Nothing);
    };
    if let Some(version_id) = wanted.version_id() {
        head.version_id = Some(version_id.to_owned());
    }
    // Of just the version that was looked at.
    let tags = optional(bucket.tags(&key, head.version_id.as_deref())).await?;
    let Some(tags) = tags else {
        return Ok(Found::Nothing);
    };
    let status = Status::of(&tags);
    // No marker hides an old version that was rejected; without room for the tag, nobody can know whether it was.
    let can_be_judged = wanted.version.is_none() || takes_tag(&tags, status::STATUS);
    let is_from_inbox = head.metadata.get(SOURCE).is_some_and(|source| source == INBOX);
    Ok(match status {
        Some(Status::Rejected) => Found::Withheld(head, Withheld::Rejected),
        status if is_from_inbox && !status.is_some_and(Status::is_good) => {
            Found::Withheld(head, Withheld::Unverified)
        }
        _ if !can_be_judged => Found::Withheld(head, Withheld::Unverified),
        _ => Found::Table(head),
    })
}

/// What lies among the tables.
pub(super) async fn names(bucket: &Bucket) -> Result<Names, StoreError> {
    let mut names = Names {
        tables: Vec::new(),
        left_out: Vec::new(),
    };
    for key in bucket.keys(PREFIX).await? {
        match TableName::of_key(&key) {
            Some(table) => names.tables.push(table),
            // The folder itself, as consoles make it.
            None if key == PREFIX => (),
            None => names.left_out.push(key),
        }
    }
    Ok(names)
}

/// Those that somebody may have meant, the likest first.
pub(super) fn near<'a>(table: &TableName, tables: &'a [TableName]) -> Vec<&'a TableName> {
    let wanted = table.as_str().to_lowercase();
    let likeness = |other: &TableName| {
        let other = other.as_str().to_lowercase();
        if other.contains(&wanted) || wanted.contains(&other) {
            1.0
        } else {
            jaro(&wanted, &other)
        }
    };
    let mut near: Vec<_> = tables.iter().map(|other| (likeness(other), other)).collect();
    near.retain(|(likeness, _)| *likeness > LIKENESS);
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.into_iter().take(MAX_NEAR).map(|(_, other)| other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_parts_of_names_are_near_and_others_are_not() {
        let tables: Vec<TableName> = ["demographics_maindata", "encounter_maindata", "labs"]
            .map(|name| name.parse().unwrap())
            .into();
        let near = |name: &str| -> Vec<String> {
            let name = name.parse().unwrap();
            near(&name, &tables).iter().map(ToString::to_string).collect()
        };
        assert_eq!(near("demografics_maindata")[0], "demographics_maindata");
        assert_eq!(near("Encounter"), ["encounter_maindata"]);
        assert_eq!(near("labs.parquet"), ["labs"]);
        assert!(near("xyz").is_empty());
    }
}
