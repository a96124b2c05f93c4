//! The tables and queries of Athena, against what the program writes.

use std::collections::BTreeMap;

use casefile::collection::Collection;
use serde_json::Value;

use super::operate::resources;

const INDEX: &str = include_str!("../../../../../functions/post-process/src/index.rs");
const RECORD: &str = include_str!("../../../../../shared/src/audit/record.rs");

/// The columns of a table, with their types.
fn columns(id: &str) -> Vec<(String, String)> {
    let table = &resources("AWS::Glue::Table")[id]["Properties"]["TableInput"];
    let columns = table["StorageDescriptor"]["Columns"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    columns
        .map(|column| (text(&column["Name"]), text(&column["Type"])))
        .collect()
}

/// The fields of the types of a source file that begin with `begin`, as they are written, and their types.
fn fields(source: &'static str, begin: &str) -> Vec<(&'static str, &'static str)> {
    let (_, body) = source.split_once(begin).unwrap_or_else(|| panic!("{begin}"));
    let (body, _) = body.split_once("\n}\n").unwrap();
    let mut renamed = None;
    let mut fields = Vec::new();
    for line in body.lines().map(str::trim) {
        if let Some((_, name)) = line.split_once("rename = \"") {
            renamed = name.split('"').next();
        }
        let field = line.strip_prefix("pub ").unwrap_or(line);
        if line.starts_with("//") || line.starts_with('#') {
            continue;
        }
        if let Some((name, kind)) = field.strip_suffix(',').and_then(|field| field.split_once(": ")) {
            fields.push((renamed.take().unwrap_or(name), kind));
        }
    }
    fields
}

/// The type of a column that holds a field of this type of the audit log.
fn hive_type(kind: &str) -> String {
    let inner = |outer: &str| kind.strip_prefix(outer).and_then(|rest| rest.strip_suffix('>'));
    if let Some(optional) = inner("Option<") {
        return hive_type(optional);
    }
    if let Some(item) = inner("Vec<") {
        return format!("array<{}>", hive_type(item));
    }
    match kind {
        "u32" | "usize" => "int".to_owned(),
        "u64" | "i64" => "bigint".to_owned(),
        "String" | "TimeId" | "Sha256" | "LinkKind" | "Disposition" | "IpAddr" => "string".to_owned(),
        _ => {
            let fields = fields(RECORD, &format!("pub struct {kind} {{"));
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, kind)| format!("{name}:{}", hive_type(kind)))
                .collect();
            format!("struct<{}>", fields.join(","))
        }
    }
}

#[test]
fn the_table_of_the_audit_log_is_the_record() {
    let fields = fields(RECORD, "pub struct Record {").into_iter();
    let expected: Vec<_> = fields
        .map(|(name, kind)| (name.to_owned(), hive_type(kind)))
        .collect();
    assert_eq!(columns("AuditTable"), expected);
}

#[test]
fn the_table_of_documents_is_the_index_s_row() {
    let row = fields(INDEX, "pub struct Row {").into_iter();
    let about = fields(INDEX, "pub enum About {").into_iter();
    // A partition, and what the tag `kind` says.
    let own = row.filter(|(name, _)| !["collection", "about"].contains(name));
    let mut expected: Vec<_> = own.chain(about).map(|(name, _)| name.to_owned()).collect();
    expected.sort();
    let columns: BTreeMap<_, _> = columns("DocumentsTable").into_iter().collect();
    let mut found: Vec<_> = columns.keys().filter(|name| *name != "kind").cloned().collect();
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(columns["size"], "bigint");
    assert_eq!(columns["statistics"], "map<string,double>");
    let acceptance = fields(INDEX, "pub struct Acceptance {").into_iter();
    let acceptance: Vec<_> = acceptance
        .map(|(name, kind)| format!("{name}:{}", hive_type(kind)))
        .collect();
    let categories = format!("map<string,struct<{}>>", acceptance.join(","));
    assert_eq!(columns["categories"], categories);
}

#[test]
fn every_collection_is_a_partition() {
    let table = &resources("AWS::Glue::Table")["DocumentsTable"]["Properties"]["TableInput"];
    let names: Vec<_> = Collection::all().map(Collection::name).collect();
    assert_eq!(
        table["Parameters"]["projection.collection.values"],
        names.join(",").as_str()
    );
}

#[test]
fn saved_queries_ask_tables_that_there_are_for_some_days() {
    let tables = resources("AWS::Glue::Table").into_values();
    let tables: Vec<_> = tables
        .map(|table| {
            table["Properties"]["TableInput"]["Name"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    // The one of settings has its rows in itself.
    let asking = resources("AWS::Athena::NamedQuery").into_iter();
    for (id, query) in asking.filter(|(id, _)| id != "SettingsQuery") {
        let text = query["Properties"]["QueryString"].as_str().unwrap();
        let words: Vec<_> = text.split_whitespace().collect();
        let from = words.iter().position(|word| *word == "FROM");
        let table = from.and_then(|at| words.get(at + 1)).copied();
        assert!(
            tables.iter().any(|name| Some(name.as_str()) == table),
            "{id}: {table:?}"
        );
        assert!(text.contains("AND dt >= "), "{id}");
    }
}

/// Two categories may differ in case alone, and Athena's reader takes their names for one unless it is told not to.
#[test]
fn keys_that_differ_in_case_alone_are_two() {
    for (id, table) in resources("AWS::Glue::Table") {
        let parameters = "/Properties/TableInput/StorageDescriptor/SerdeInfo/Parameters/case.insensitive";
        assert_eq!(table.pointer(parameters).unwrap(), "false", "{id}");
    }
}
