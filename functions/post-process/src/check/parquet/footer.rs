//! A Parquet file's metadata: `FileMetaData` in `parquet.thrift`.

use super::super::findings::Trouble;
use super::super::outcome::ParquetFacts;
use super::thrift::{Thrift, Type};
use super::{DAMAGED, schema};

/// What the metadata says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) facts: ParquetFacts,
    /// Whether some columns are.
    pub(super) is_encrypted: bool,
}

/// Reads the metadata, all of it.
pub(super) fn read(bytes: &[u8]) -> Result<Footer, Trouble> {
    let (mut rows, mut columns, mut groups, mut is_encrypted) = (None, None, None, false);
    Thrift(bytes).fields(|thrift, id, kind| {
        match (id, kind) {
            (2, Type::List) => columns = Some(schema::read(thrift)?),
            (3, Type::Integer) => rows = Some(count(thrift)?),
            (4, Type::List) => groups = Some(row_groups(thrift)?),
            (8, _) => {
                is_encrypted = true;
                return Ok(false);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let (Some(rows), Some(columns), Some((row_groups, sum))) = (rows, columns, groups) else {
        return Err(DAMAGED);
    };
    if rows != sum {
        return Err(Trouble::Broken(
            "its footer contradicts itself: the row groups have other rows than the file",
        ));
    }
    let facts = ParquetFacts {
        rows,
        row_groups,
        columns: columns.told,
        columns_left_out: columns.left_out,
    };
    Ok(Footer { facts, is_encrypted })
}

/// How many row groups there are, and the rows in all of them.
fn row_groups(thrift: &mut Thrift<'_>) -> Result<(u64, u64), Trouble> {
    let (length, kind) = thrift.list()?;
    if length > 0 && kind != Type::Struct {
        return Err(DAMAGED);
    }
    let mut sum = 0_u64;
    for _ in 0..length {
        thrift.fields(|thrift, id, kind| match (id, kind) {
            (3, Type::Integer) => {
                sum = sum.checked_add(count(thrift)?).ok_or(DAMAGED)?;
                Ok(true)
            }
            _ => Ok(false),
        })?;
    }
    Ok((length, sum))
}

fn count(thrift: &mut Thrift<'_>) -> Result<u64, Trouble> {
    u64::try_from(thrift.integer()?).map_err(|_| DAMAGED)
}
