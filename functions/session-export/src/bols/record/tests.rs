use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const SAMPLE: &str = include_str!("../../../../../tests/fixtures/bol/bol.json");

fn sample() -> Value {
    serde_json::from_str(SAMPLE).unwrap()
}

fn parse(record: &Value) -> BolRecord {
    BolRecord::parse(&record.to_string(), &[]).unwrap()
}

fn errors(record: &Value) -> Vec<(String, String)> {
    let problem = BolRecord::parse(&record.to_string(), &[]).unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Invalid, "{problem}");
    problem
        .errors
        .into_iter()
        .map(|error| (error.pointer, error.detail))
        .collect()
}

fn error_of(change: impl FnOnce(&mut Value)) -> String {
    let mut record = sample();
    change(&mut record);
    let found = errors(&record);
    let [(_, detail)] = found.as_slice() else {
        panic!("{found:?}")
    };
    detail.clone()
}

#[test]
fn the_sample_is_read() {
    let record = parse(&sample());
    assert_eq!(record.date().to_string(), "2025-11-04");
    assert_eq!(record.owner().unwrap().as_str(), "Queen City Castings");
    assert_eq!(record.ship_from.address[1].as_str(), "Cincinnati, OH 45202");
    assert_eq!(record.ship_from.address[1].pointer(), "/ship_from/address/1");
    assert_eq!(record.net_tons.grouped(2), "23.41");
}

#[test]
fn all_errors_of_a_record_are_named_at_once() {
    let mut record = sample();
    record["date"] = json!("2025-11-31");
    record["ship_from"]["name"] = json!("  ");
    record["ship_from"]["address"] = json!(["", 7, "Gate\u{0}"]);
    record["ship_from"]["fax"] = json!("x");
    record["ship_to"]["address"] = json!([]);
    record["carrier"]["scac"] = json!("O1");
    record["product"]["name"] = json!("x".repeat(201));
    record["product"]["analysis"] = json!({" C": 1, "Si": -1, "Mn": "0.1", "P": 100.5});
    record["packages"]["count"] = json!(0);
    record["hazardous"] = json!("no");
    record["net_tons"] = json!(0);
    record["customer"] = json!("exe\u{202e}cod");
    record["notes"] = json!("x".repeat(4_001));
    record["special_instructions"] = json!("x\n".repeat(201));
    record["idempotency_key"] = json!("x".repeat(101));
    record["owners"] = json!("x");
    let found: Vec<_> = errors(&record).into_iter().map(|(pointer, _)| pointer).collect();
    let expected = [
        "/date",
        "/ship_from/name",
        "/ship_from/address/0",
        "/ship_from/address/1",
        "/ship_from/address/2",
        "/ship_from/fax",
        "/ship_to/address",
        "/carrier/scac",
        "/product/name",
        "/product/analysis/ C",
        "/product/analysis/Si",
        "/product/analysis/Mn",
        "/product/analysis/P",
        "/packages/count",
        "/hazardous",
        "/net_tons",
        "/customer",
        "/notes",
        "/special_instructions",
        "/idempotency_key",
        "/owners",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_the_rule_demands_is_named_with_its_paragraph() {
    let mut record = sample();
    for field in ["ship_to", "packages", "product", "net_tons"] {
        record.as_object_mut().unwrap().remove(field);
    }
    record["ship_from"] = json!({});
    let rule = "49 CFR 373.101";
    let expected = [
        (
            "/ship_from/name",
            format!("is required: the consignor's name, {rule}(a)"),
        ),
        (
            "/ship_from/address",
            format!("is required: the origin, {rule}(b)"),
        ),
        (
            "/ship_to",
            format!("is required: the consignee, {rule}(a), and the destination, {rule}(b)"),
        ),
        (
            "/product",
            format!("is required: the description of the freight, {rule}(d)"),
        ),
        (
            "/packages",
            format!("is required: the number of packages, {rule}(c)"),
        ),
        (
            "/net_tons",
            format!("is required: the weight in short tons, {rule}(e)"),
        ),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(pointer, detail)| (pointer.to_owned(), detail))
        .collect();
    assert_eq!(errors(&record), expected);
}

#[test]
fn limits_have_clear_errors() {
    assert_eq!(
        error_of(|record| record["net_tons"] = json!(23.410_000_000_000_004)),
        "may have at most 6 digits before the decimal point and 4 after it"
    );
    assert_eq!(
        error_of(|record| record["ship_to"]["address"] = json!(vec!["x"; 7])),
        "holds 7 entries; at most 6 are allowed"
    );
    assert_eq!(
        error_of(|record| {
            let elements: serde_json::Map<_, _> = (0..31).map(|at| (format!("E{at}"), json!(1))).collect();
            record["product"]["analysis"] = json!(elements);
        }),
        "holds 31 elements; at most 30 are allowed"
    );
    for date in [
        "20251104",
        "2025-11-04T10:00",
        "1899-12-31",
        "-002025-11-04",
        "",
        "2025-W45-2",
    ] {
        assert_eq!(
            error_of(|record| record["date"] = json!(date)),
            "must be a day such as 2025-11-04, in the years 1900 to 9999"
        );
    }
    let large = format!("{}{}", SAMPLE, " ".repeat(MAX_RECORD_BYTES));
    assert_eq!(
        BolRecord::parse(&large, &[]).unwrap_err().kind,
        ProblemKind::TooLarge
    );
    assert_eq!(
        BolRecord::parse("{", &[]).unwrap_err().kind,
        ProblemKind::Malformed
    );
}

#[test]
fn the_owner_is_the_customer_unless_one_is_named() {
    let mut record = sample();
    record["owner"] = json!("qcc");
    assert_eq!(parse(&record).owner().unwrap().as_str(), "qcc");
    let long = "Québec ".repeat(20);
    assert!(error_of(|record| record["customer"] = json!(long)).ends_with("or name an owner beside it"));
    record["customer"] = json!(long);
    assert_eq!(parse(&record).owner().unwrap().as_str(), "qcc");
    record["customer"] = Value::Null;
    record["owner"] = Value::Null;
    assert_eq!(parse(&record).owner(), None);
}

#[test]
fn a_carrier_s_code_has_2_to_4_letters() {
    for (code, is_code) in [
        ("OV", true),
        ("ovhl", true),
        ("O", false),
        ("OVHLX", false),
        ("OÜ", false),
    ] {
        let mut record = sample();
        record["carrier"]["scac"] = json!(code);
        let parsed = BolRecord::parse(&record.to_string(), &[]);
        assert_eq!(parsed.is_ok(), is_code, "{code}");
        if let Ok(record) = parsed {
            assert_eq!(record.carrier.scac.unwrap().as_str(), code.to_uppercase());
        }
    }
}

#[test]
fn a_command_s_own_fields_are_no_part_of_the_record() {
    let mut record = sample();
    record["command"] = json!("export_bol");
    record["tenant"] = json!(["anything"]);
    let parsed = BolRecord::parse(&record.to_string(), &["command", "tenant"]).unwrap();
    assert_eq!(parsed.digest(), parse(&sample()).digest());
    assert_eq!(errors(&record).len(), 2);
}

/// The same value with the fields of every object in the opposite order.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().rev();
            Value::Object(
                fields
                    .map(|(name, value)| (name.clone(), reversed(value)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(reversed).collect(),
        value => value.clone(),
    }
}

#[test]
fn the_digest_knows_neither_order_nor_blanks_nor_spellings() {
    let digest = parse(&sample()).digest();
    let other = reversed(&sample());
    assert_ne!(other.to_string(), sample().to_string());
    let pretty = serde_json::to_string_pretty(&other).unwrap();
    let pretty = pretty
        .replace("23.41", "2.3410e1")
        .replace("\"Hamilton", "\"  H\\u0061milton");
    assert_eq!(BolRecord::parse(&pretty, &[]).unwrap().digest(), digest);
}

#[test]
fn every_field_counts_in_the_digest() {
    let base = sample();
    let mut digests = vec![parse(&base).digest()];
    let changes = [
        ("/date", json!("2025-11-05")),
        ("/customer", json!("Q")),
        ("/owner", json!("Q")),
        ("/ship_from/name", json!("R")),
        ("/ship_from/care_of", json!(null)),
        (
            "/ship_from/address",
            json!(["1700 Riverside Drive Cincinnati, OH 45202"]),
        ),
        ("/ship_from/phone", json!("1")),
        ("/ship_to/name", json!("R")),
        ("/ship_to/phone", json!("1")),
        ("/customer_po", json!(null)),
        ("/release_number", json!(null)),
        ("/carrier/name", json!("O")),
        ("/carrier/scac", json!(null)),
        ("/carrier/truck_number", json!(null)),
        ("/carrier/trailer_number", json!(null)),
        ("/product/name", json!("Pig iron")),
        ("/product/lot", json!(null)),
        ("/product/analysis", json!(null)),
        ("/product/analysis/C", json!(4.214)),
        ("/packages/count", json!(2)),
        ("/packages/kind", json!("bags")),
        ("/hazardous", json!(true)),
        ("/net_tons", json!(23.42)),
        ("/notes", json!("x")),
        ("/special_instructions", json!("x")),
        ("/idempotency_key", json!("x")),
    ];
    for (pointer, value) in changes {
        let mut record = base.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        record.pointer_mut(parent).unwrap()[name] = value;
        let digest = parse(&record).digest();
        assert!(!digests.contains(&digest), "{pointer}");
        digests.push(digest);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn parsing_never_panics(text in any::<String>()) {
        let _ = BolRecord::parse(&text, &[]);
    }

    #[test]
    fn no_value_of_any_field_panics(
        field in prop::sample::select(vec![
            "/date", "/customer", "/owner", "/ship_from", "/ship_to/name", "/ship_to/address", "/carrier/scac",
            "/product", "/product/analysis", "/packages/count", "/net_tons", "/notes", "/hazardous",
        ]),
        value in any_json(),
    ) {
        let mut record = sample();
        let (parent, name) = field.rsplit_once('/').unwrap();
        record.pointer_mut(parent).unwrap()[name] = value;
        if let Ok(record) = BolRecord::parse(&record.to_string(), &[]) {
            let _ = record.digest();
        }
    }
}
