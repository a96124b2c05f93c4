//! `casefile tables sync`.

use std::collections::BTreeSet;

use casefile::store_error::StoreError;
use futures::{StreamExt as _, stream};

use super::download::Limits;
use super::fetch::{Fetcher, Had, Source};
use super::name::{TableName, Wanted};
use super::{Done, remote, show};
use crate::failure::Failure;

/// Tables that are had at once.
const TABLES_AT_ONCE: usize = 4;

/// Has all tables, or those that are named; each for itself.
pub(super) async fn sync(fetcher: &Fetcher, named: &[TableName], is_json: bool) -> Result<Done, Failure> {
    let (tables, outage, notes) = match all(fetcher, named).await? {
        All::Known { tables, notes } => (tables, None, notes),
        All::Outage { copies, error } => (copies, Some(error), Vec::new()),
    };
    let at_once = TABLES_AT_ONCE.min(tables.len()).max(1);
    let limits = Limits::shared_by(at_once);
    let had = tables.into_iter().map(|table| async {
        let wanted = Wanted::newest(table);
        let had = match &outage {
            None => fetcher.fetch(&wanted, limits).await,
            Some(error) => fetcher.fall_back(&wanted, error).await,
        };
        (wanted.table, had)
    });
    let had: Vec<(TableName, Result<Had, Failure>)> = stream::iter(had).buffered(at_once).collect().await;
    let is_failed = |had: &Result<Had, Failure>| matches!(had, Err(Failure::Failed(_)));
    let code = match had.iter().filter(|(_, had)| had.is_err()).count() {
        0 => 0,
        _ if had.iter().all(|(_, had)| is_failed(had)) => 2,
        _ => 1,
    };
    let out = show::synced(&had, fetcher.shelf.folder(), is_json);
    Ok(Done { out, notes, code })
}

/// What a sync is about.
enum All {
    Known {
        tables: Vec<TableName>,
        notes: Vec<String>,
    },
    /// S3 couldn't be asked which tables there are.
    Outage {
        copies: Vec<TableName>,
        error: StoreError,
    },
}

async fn all(fetcher: &Fetcher, named: &[TableName]) -> Result<All, Failure> {
    let known = |tables| All::Known {
        tables,
        notes: Vec::new(),
    };
    if !named.is_empty() {
        let unique: BTreeSet<_> = named.iter().cloned().collect();
        return Ok(known(unique.into_iter().collect()));
    }
    let copies = || -> Result<Vec<_>, Failure> {
        let copies = fetcher.copies()?.into_iter();
        Ok(copies.map(|(wanted, _)| wanted.table).collect())
    };
    let Source::S3 { bucket, .. } = &fetcher.source else {
        return match copies()? {
            copies if copies.is_empty() => Err(fetcher.no_copies()),
            copies => Ok(known(copies)),
        };
    };
    match remote::names(bucket).await {
        Ok(remote::Names { tables, left_out }) => {
            let mut notes = super::left_out(&left_out);
            notes.extend(fetcher.judge_others(bucket, &tables).await);
            Ok(All::Known { tables, notes })
        }
        Err(error @ StoreError::Unavailable(_)) => match copies()? {
            copies if copies.is_empty() => Err(Failure::Failed(error.to_string())),
            copies => Ok(All::Outage { copies, error }),
        },
        Err(error) => Err(Failure::Failed(fetcher.explained(&error))),
    }
}
