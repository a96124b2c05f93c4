//! Who ships, who receives, who carries.

use casefile::json::{Errors, Node, Object};

use super::demand;
use super::text::Text;

/// The most lines of an address.
const MAX_ADDRESS_LINES: usize = 6;
const PARTY_FIELDS: [&str; 4] = ["name", "care_of", "address", "phone"];
const CARRIER_FIELDS: [&str; 4] = ["name", "scac", "truck_number", "trailer_number"];

/// A party's part in the shipment, and what the rule demands of it.
pub(super) struct Role {
    field: &'static str,
    name: &'static str,
    place: &'static str,
    both: &'static str,
}

pub(super) const CONSIGNOR: Role = Role {
    field: "ship_from",
    name: "the consignor's name, 49 CFR 373.101(a)",
    place: "the origin, 49 CFR 373.101(b)",
    both: "the consignor, 49 CFR 373.101(a), and the origin, 49 CFR 373.101(b)",
};

pub(super) const CONSIGNEE: Role = Role {
    field: "ship_to",
    name: "the consignee's name, 49 CFR 373.101(a)",
    place: "the destination, 49 CFR 373.101(b)",
    both: "the consignee, 49 CFR 373.101(a), and the destination, 49 CFR 373.101(b)",
};

/// A consignor or consignee.
#[derive(Debug, Clone)]
pub(in crate::bols) struct Party {
    pub(in crate::bols) name: Text,
    pub(in crate::bols) care_of: Option<Text>,
    /// 1 to 6 lines.
    pub(in crate::bols) address: Vec<Text>,
    pub(in crate::bols) phone: Option<Text>,
}

impl Party {
    pub(super) fn read(record: &mut Object<'_>, role: &Role, errors: &mut Errors) -> Option<Self> {
        let mut fields = demand(record, role.field, role.both, errors)?.object(errors)?;
        let name = Text::demanded(&mut fields, "name", role.name, errors);
        let care_of = Text::line(&mut fields, "care_of", errors);
        let address = demand(&mut fields, "address", role.place, errors);
        let address = address.and_then(|node| read_address(&node, role.place, errors));
        let phone = Text::line(&mut fields, "phone", errors);
        fields.refuse_rest(&PARTY_FIELDS, errors);
        Some(Self {
            name: name?,
            care_of,
            address: address?,
            phone,
        })
    }
}

/// Who carries the goods.
#[derive(Debug, Clone)]
pub(in crate::bols) struct Carrier {
    pub(in crate::bols) name: Text,
    /// The Standard Carrier Alpha Code.
    pub(in crate::bols) scac: Option<Text>,
    pub(in crate::bols) truck_number: Option<Text>,
    pub(in crate::bols) trailer_number: Option<Text>,
}

impl Carrier {
    pub(super) fn read(record: &mut Object<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = demand(record, "carrier", "who carries the goods", errors)?.object(errors)?;
        let name = Text::demanded(&mut fields, "name", "the carrier's name", errors);
        let scac = Text::line(&mut fields, "scac", errors);
        let scac = scac.and_then(|scac| read_scac(scac, errors));
        let truck_number = Text::line(&mut fields, "truck_number", errors);
        let trailer_number = Text::line(&mut fields, "trailer_number", errors);
        fields.refuse_rest(&CARRIER_FIELDS, errors);
        Some(Self {
            name: name?,
            scac,
            truck_number,
            trailer_number,
        })
    }
}

fn read_address(node: &Node<'_>, place: &str, errors: &mut Errors) -> Option<Vec<Text>> {
    let lines = node.array(MAX_ADDRESS_LINES, errors)?;
    if lines.is_empty() {
        node.refuse(
            errors,
            format!("must have 1 to {MAX_ADDRESS_LINES} lines: {place}"),
        );
        return None;
    }
    let read = |line| Text::item(line, place, errors);
    // Every line is read before one that is wrong ends it, so that all errors are found.
    let lines: Vec<_> = lines.iter().map(read).collect();
    lines.into_iter().collect()
}

/// The National Motor Freight Traffic Association assigns codes of 2 to 4 letters.
fn read_scac(text: Text, errors: &mut Errors) -> Option<Text> {
    let is_scac = (2..=4).contains(&text.as_str().len())
        && text.as_str().bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_scac {
        return Some(text.in_capitals());
    }
    errors.add(text.pointer(), "must be 2 to 4 letters (A-Z)");
    None
}
