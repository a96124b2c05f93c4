use std::sync::Arc;

use ::parquet::data_type::Int64Type;
use ::parquet::file::metadata::ParquetMetaDataReader;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::super::outcome::{Column, ParquetFacts};
use super::*;
use casefile::status::Status;

const DEMOGRAPHICS: &[u8] =
    include_bytes!("../../../../../tests/fixtures/clinical/demographics_maindata.parquet");
const ENCOUNTERS: &[u8] = include_bytes!("../../../../../tests/fixtures/clinical/encounter_maindata.parquet");

/// What [`look`] does, on a file at hand.
fn look_at(file: &[u8]) -> Findings {
    let size = file.len() as u64;
    let start = size.saturating_sub(TAIL);
    let tail = Bytes::copy_from_slice(&file[usize::try_from(start).unwrap()..]);
    match metadata(size, &tail) {
        Ok(range) => judge(&cut(&tail, start, &range).unwrap_or_else(|| {
            let (from, to) = (usize::try_from(range.start), usize::try_from(range.end));
            Bytes::copy_from_slice(&file[from.unwrap()..to.unwrap()])
        })),
        Err(refusal) => refusal,
    }
}

/// What the reader that others use makes of a file.
fn by_others(file: &[u8]) -> (u64, u64, Vec<String>) {
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&Bytes::copy_from_slice(file))
        .unwrap();
    let columns = metadata.file_metadata().schema_descr().columns().iter();
    (
        u64::try_from(metadata.file_metadata().num_rows()).unwrap(),
        metadata.num_row_groups() as u64,
        columns.map(|column| column.path().string()).collect(),
    )
}

fn facts(file: &[u8]) -> ParquetFacts {
    let findings = look_at(file);
    assert_eq!(findings.status, Status::Verified, "{findings:?}");
    findings.facts.parquet.unwrap()
}

/// A file of one row group, all of whose columns are 64-bit numbers.
fn written(message: &str, columns: usize) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(message).unwrap());
    let mut file = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut file, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    while let Some(mut column) = group.next_column().unwrap() {
        column
            .typed::<Int64Type>()
            .write_batch(&[1, 2, 3], None, None)
            .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    assert_eq!(by_others(&file).2.len(), columns);
    file
}

#[test]
fn the_samples_say_what_others_read() {
    for sample in [DEMOGRAPHICS, ENCOUNTERS] {
        let facts = facts(sample);
        let names = facts.columns.iter().map(|column| column.name.clone()).collect();
        assert_eq!((facts.rows, facts.row_groups, names), by_others(sample));
    }
}

#[test]
fn nested_columns_have_paths_and_types() {
    let file = written(
        "message m { required int64 id; required group a { required group b { required int64 at (TIMESTAMP(MILLIS,true)); }
        required int64 n (INTEGER(64,false)); } required int64 d (DECIMAL(10,2)); }",
        4,
    );
    let column = |name: &str, data_type: &str| Column {
        name: name.to_owned(),
        data_type: data_type.to_owned(),
    };
    let expected = [
        column("id", "int64"),
        column("a.b.at", "int64 (timestamp)"),
        column("a.n", "int64 (uint64)"),
        column("d", "int64 (decimal)"),
    ];
    assert_eq!(facts(&file).columns, expected);
    assert_eq!((facts(&file).rows, facts(&file).row_groups), (3, 1));
}

#[test]
fn of_many_columns_the_first_are_told() {
    let fields: Vec<_> = (0..1_500)
        .map(|index| format!("required int64 column_{index};"))
        .collect();
    let fields = fields.concat();
    let file = written(&format!("message m {{ {fields} }}"), 1_500);
    let facts = facts(&file);
    assert_eq!(facts.columns.len(), 1_000);
    assert_eq!(facts.columns[999].name, "column_999");
    assert_eq!(facts.columns_left_out, 500);
    let json = serde_json::to_value(&facts).unwrap();
    assert_eq!(json["columns_left_out"], 500);
}

/// A footer of columns of these names, and of no rows.
fn with_columns(names: &[&[u8]]) -> Vec<u8> {
    let varint = |mut value: usize| {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        bytes.push(u8::try_from(value).unwrap());
        bytes
    };
    // [{name: "m", num_children: …}, {type: INT32, name: …}, …]
    let mut footer = [&[0x29, 0xfc][..], &varint(names.len() + 1)].concat();
    footer.extend([&[0x48, 1, b'm', 0x15][..], &varint(names.len() * 2), &[0]].concat());
    for name in names {
        footer.extend([&[0x15, 2, 0x38][..], &varint(name.len()), name, &[0]].concat());
    }
    footer.extend([0x16, 0, 0x19, 0x0c, 0]);
    let length = u32::try_from(footer.len()).unwrap();
    with_footer(&footer, length)
}

#[test]
fn names_are_cleaned_of_what_is_not_printed() {
    let facts = facts(&with_columns(&[
        b"a\0b\x1b\x7f",
        "x\u{202e}\u{ffff}".as_bytes(),
        b"\xff",
    ]));
    let names: Vec<_> = facts.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(
        names,
        ["a\u{fffd}b\u{fffd}\u{fffd}", "x\u{fffd}\u{fffd}", "\u{fffd}"]
    );
    assert!(
        !serde_json::to_string(&facts)
            .unwrap()
            .contains("columns_left_out")
    );
}

#[test]
fn what_is_told_of_columns_stays_well_below_what_a_row_may_have() {
    for name in [[1; 256], [b'"'; 256], [0xff; 256], [b'x'; 256]] {
        let facts = facts(&with_columns(&[&name[..]; 1_000]));
        let json = serde_json::to_string(&facts).unwrap();
        assert!(json.len() < 257 * 1024, "{}", json.len());
        let told = facts.columns.len() as u64;
        assert!(told > 300 && told + facts.columns_left_out == 1_000, "{told}");
        assert!(facts.columns.iter().all(|column| column.name.len() <= 256));
    }
}

fn reason(file: &[u8]) -> String {
    let findings = look_at(file);
    assert_eq!(findings.status, Status::Rejected);
    findings.reason.unwrap()
}

/// A file whose footer is `metadata`, and says that it is `length` long.
fn with_footer(metadata: &[u8], length: u32) -> Vec<u8> {
    [b"PAR1", metadata, &length.to_le_bytes(), b"PAR1"].concat()
}

#[test]
fn a_footer_that_lies_about_its_length_is_rejected() {
    for length in [u32::MAX, 100, 4] {
        assert_eq!(
            reason(&with_footer(b"", length)),
            "its footer claims to be larger than the file"
        );
    }
    for length in [0, 1, 2] {
        assert_eq!(reason(&with_footer(b"\x15\x02", length)), "its footer is damaged");
    }
    let mut file = DEMOGRAPHICS.to_vec();
    let at = file.len() - 8;
    file[at] ^= 1;
    assert_eq!(reason(&file), "its footer is damaged");
}

#[test]
fn a_file_that_is_cut_off_is_rejected() {
    for length in [4, 8, 11, 1_000, DEMOGRAPHICS.len() - 1] {
        assert_eq!(
            reason(&DEMOGRAPHICS[..length]),
            "it is cut off: its footer is missing"
        );
    }
}

#[test]
fn an_encrypted_footer_is_flagged() {
    let findings = look_at(b"PARE\0\0\0\0\0\0\0\0PARE");
    assert_eq!(findings.status, Status::Unsupported);
    assert_eq!(findings.flags, [Flag::Encrypted]);
}

#[test]
fn a_schema_that_lies_about_its_children_is_rejected() {
    // FileMetaData { schema: [{name: "m", num_children: 2^31 - 1}], num_rows: 0, row_groups: [] }
    let children = [0xfe, 0xff, 0xff, 0xff, 0x0f];
    let footer = |children: &[u8]| {
        let schema = [&[0x29, 0x1c, 0x48, 1, b'm', 0x15][..], children, &[0]].concat();
        [&schema[..], &[0x16, 0, 0x19, 0x0c, 0]].concat()
    };
    let file = |children: &[u8]| {
        let footer = footer(children);
        with_footer(&footer, u32::try_from(footer.len()).unwrap())
    };
    assert_eq!(look_at(&file(&[0])).status, Status::Verified);
    assert_eq!(reason(&file(&children)), "its footer is damaged");
    assert_eq!(reason(&file(&[1])), "its footer is damaged");
}

#[test]
fn rows_that_contradict_each_other_are_rejected() {
    // FileMetaData { schema: [{name: "m"}], num_rows: 5, row_groups: [{num_rows: 3}] }
    let footer = [0x29, 0x1c, 0x48, 1, b'm', 0, 0x16, 10, 0x19, 0x1c, 0x36, 6, 0, 0];
    let length = u32::try_from(footer.len()).unwrap();
    assert!(reason(&with_footer(&footer, length)).starts_with("its footer contradicts itself"));
}

#[test]
fn groups_are_not_followed_without_end() {
    let element = [0x48, 1, b'g', 0x15, 2, 0];
    let count = 100_000_u32;
    let mut footer = vec![0x29, 0xfc, 0xa0, 0x8d, 0x06];
    footer.extend(element.repeat(count as usize));
    footer.extend([0x16, 0, 0x19, 0x0c, 0]);
    let length = u32::try_from(footer.len()).unwrap();
    assert_eq!(reason(&with_footer(&footer, length)), "its footer is damaged");
}

proptest! {
    #[test]
    fn any_footer_gets_a_verdict(metadata in any::<Vec<u8>>()) {
        let length = u32::try_from(metadata.len()).unwrap();
        look_at(&with_footer(&metadata, length));
    }

    #[test]
    fn a_changed_footer_gets_a_verdict(from_end in 1..6_000_usize, byte in any::<u8>()) {
        let mut file = DEMOGRAPHICS.to_vec();
        let at = file.len() - from_end;
        file[at] = byte;
        look_at(&file);
    }
}
