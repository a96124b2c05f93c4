//! A record's canonical form: JSON, fields in one order, absent ones left out, so that a field that a later version knows
//! doesn't change the digest of a record without it.

use casefile::digest::Sha256;
use serde_json::{Map, Value};

use super::{BolRecord, Carrier, Packages, Party, Product, Text};

/// The digest of the canonical form.
pub(super) fn of(record: &BolRecord) -> Sha256 {
    let owner = record.owner.as_ref().map(|owner| Value::from(owner.as_str()));
    let canonical = object([
        ("date", Some(record.date.to_string().into())),
        ("customer", text(record.customer.as_ref())),
        ("owner", owner),
        ("ship_from", Some(party(&record.ship_from))),
        ("ship_to", Some(party(&record.ship_to))),
        ("customer_po", text(record.customer_po.as_ref())),
        ("release_number", text(record.release_number.as_ref())),
        ("carrier", Some(carrier(&record.carrier))),
        ("product", Some(product(&record.product))),
        ("packages", Some(packages(&record.packages))),
        ("hazardous", Some(record.hazardous.into())),
        ("net_tons", Some(record.net_tons.grouped(0).into())),
        ("notes", text(record.notes.as_ref())),
        ("special_instructions", text(record.special_instructions.as_ref())),
        ("idempotency_key", text(record.idempotency_key.as_ref())),
    ]);
    Sha256::of(canonical.to_string().as_bytes())
}

fn party(party: &Party) -> Value {
    let address: Vec<_> = party.address.iter().map(Text::as_str).collect();
    object([
        ("name", text(Some(&party.name))),
        ("care_of", text(party.care_of.as_ref())),
        ("address", Some(address.into())),
        ("phone", text(party.phone.as_ref())),
    ])
}

fn carrier(carrier: &Carrier) -> Value {
    object([
        ("name", text(Some(&carrier.name))),
        ("scac", text(carrier.scac.as_ref())),
        ("truck_number", text(carrier.truck_number.as_ref())),
        ("trailer_number", text(carrier.trailer_number.as_ref())),
    ])
}

fn product(product: &Product) -> Value {
    let elements = product.analysis.iter();
    let analysis: Map<_, _> = elements
        .map(|element| (element.name.clone(), element.percent.grouped(0).into()))
        .collect();
    object([
        ("name", text(Some(&product.name))),
        ("lot", text(product.lot.as_ref())),
        ("analysis", (!analysis.is_empty()).then_some(analysis.into())),
    ])
}

fn packages(packages: &Packages) -> Value {
    object([
        ("count", Some(packages.count.into())),
        ("kind", text(Some(&packages.kind))),
    ])
}

fn text(text: Option<&Text>) -> Option<Value> {
    text.map(|text| text.as_str().into())
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let given = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect())
}
