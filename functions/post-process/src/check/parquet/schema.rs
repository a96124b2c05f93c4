//! A Parquet file's schema: a tree, written as a list in which each group says how many of the next are its own.

use casefile::name::is_unprintable;

use super::super::findings::Trouble;
use super::super::outcome::Column;
use super::DAMAGED;
use super::thrift::{Thrift, Type};

/// Columns that are told of one file.
const MAX_COLUMNS: usize = 1_000;
/// What they are in JSON, all together: a quarter of what a row of the index may have.
const MAX_COLUMNS_BYTES: usize = 256 * 1024;
const MAX_NAME_BYTES: usize = 256;
/// Groups within each other.
const MAX_DEPTH: usize = 64;

/// One entry of the list.
#[derive(Debug, Default)]
struct Element<'a> {
    physical: Option<i64>,
    name: &'a [u8],
    children: u64,
    converted: Option<i64>,
    /// Which member of the union `LogicalType` is there.
    logical: Option<i64>,
}

/// A group whose columns are being read.
#[derive(Debug)]
struct Group {
    /// How many are still to come.
    left: u64,
    /// How long the path to it is.
    path: usize,
}

/// The columns of a file, as far as they are told.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) told: Vec<Column>,
    pub(super) left_out: u64,
    bytes: usize,
}

impl Columns {
    /// Tells one more, unless one before it was left out already.
    fn add(&mut self, path: &str, physical: i64, element: &Element<'_>) -> Result<(), Trouble> {
        if self.left_out == 0 && self.told.len() < MAX_COLUMNS {
            let column = column(path, physical, element)?;
            // With the comma before it.
            let bytes = serde_json::to_string(&column).map_or(MAX_COLUMNS_BYTES, |json| json.len() + 1);
            if self.bytes + bytes < MAX_COLUMNS_BYTES {
                self.bytes += bytes;
                self.told.push(column);
                return Ok(());
            }
        }
        self.left_out += 1;
        Ok(())
    }
}

/// Reads the list, and tells the first columns.
pub(super) fn read(thrift: &mut Thrift<'_>) -> Result<Columns, Trouble> {
    let (length, kind) = thrift.list()?;
    if kind != Type::Struct {
        return Err(DAMAGED);
    }
    let root = element(thrift)?;
    let (mut groups, mut path, mut columns) = (Vec::new(), String::new(), Columns::default());
    groups.push(Group {
        left: root.children,
        path: 0,
    });
    for _ in 1..length {
        let element = element(thrift)?;
        let group = groups.last_mut().ok_or(DAMAGED)?;
        group.left = group.left.checked_sub(1).ok_or(DAMAGED)?;
        path.truncate(group.path);
        push(&mut path, element.name);
        match element.physical {
            Some(physical) if element.children == 0 => columns.add(&path, physical, &element)?,
            _ => groups.push(Group {
                left: element.children,
                path: path.len(),
            }),
        }
        if groups.len() > MAX_DEPTH {
            return Err(DAMAGED);
        }
        while groups.last().is_some_and(|group| group.left == 0) {
            groups.pop();
        }
    }
    groups.retain(|group| group.left > 0);
    if groups.is_empty() {
        Ok(columns)
    } else {
        Err(DAMAGED)
    }
}

/// Source: `SchemaElement` in `parquet.thrift`.
fn element<'a>(thrift: &mut Thrift<'a>) -> Result<Element<'a>, Trouble> {
    let mut element = Element::default();
    thrift.fields(|thrift, id, kind| {
        match (id, kind) {
            (1, Type::Integer) => element.physical = Some(thrift.integer()?),
            (4, Type::Binary) => element.name = thrift.binary()?,
            (5, Type::Integer) => {
                element.children = u64::try_from(thrift.integer()?).map_err(|_| DAMAGED)?;
            }
            (6, Type::Integer) => element.converted = Some(thrift.integer()?),
            (10, Type::Struct) => thrift.fields(|_, id, _| {
                element.logical = Some(id);
                Ok(false)
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(element)
}

fn push(path: &mut String, name: &[u8]) {
    if !path.is_empty() && path.len() < MAX_NAME_BYTES {
        path.push('.');
    }
    // However long it is, more of it has no place.
    let name = name.get(..MAX_NAME_BYTES).unwrap_or(name);
    for c in String::from_utf8_lossy(name).chars() {
        let c = if is_unprintable(c) {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        };
        if path.len() + c.len_utf8() > MAX_NAME_BYTES {
            return;
        }
        path.push(c);
    }
}

fn column(path: &str, physical: i64, element: &Element<'_>) -> Result<Column, Trouble> {
    let physical = match physical {
        0 => "boolean",
        1 => "int32",
        2 => "int64",
        3 => "int96",
        4 => "float",
        5 => "double",
        6 => "byte_array",
        7 => "fixed_len_byte_array",
        _ => return Err(DAMAGED),
    };
    let meaning = element
        .logical
        .and_then(logical)
        .or_else(|| element.converted.and_then(converted));
    Ok(Column {
        name: path.to_owned(),
        data_type: match meaning {
            Some(meaning) => format!("{physical} ({meaning})"),
            None => physical.to_owned(),
        },
    })
}

/// Source: the union `LogicalType`. An integer's width is told by its older annotation, which is there as well.
fn logical(id: i64) -> Option<&'static str> {
    Some(match id {
        1 => "string",
        4 => "enum",
        5 => "decimal",
        6 => "date",
        7 => "time",
        8 => "timestamp",
        11 => "null",
        12 => "json",
        13 => "bson",
        14 => "uuid",
        15 => "float16",
        17 => "geometry",
        18 => "geography",
        _ => return None,
    })
}

/// Source: the enum `ConvertedType`.
fn converted(code: i64) -> Option<&'static str> {
    Some(match code {
        0 => "string",
        4 => "enum",
        5 => "decimal",
        6 => "date",
        7 | 8 => "time",
        9 | 10 => "timestamp",
        11 => "uint8",
        12 => "uint16",
        13 => "uint32",
        14 => "uint64",
        15 => "int8",
        16 => "int16",
        17 => "int32",
        18 => "int64",
        19 => "json",
        20 => "bson",
        21 => "interval",
        _ => return None,
    })
}
