//! What a bill of lading says: `{date, ship_from, ship_to, carrier, product, packages, net_tons, hazardous, …}`.
//!
//! A record that was read carries all that 49 CFR 373.101 demands of a motor carrier's bill of lading: (a) consignor and
//! consignee, (b) origin and destination, (c) the number of packages, (d) a description, (e) the weight.

mod decimal;
mod digest;
mod goods;
mod parties;
mod text;

use casefile::digest::Sha256;
use casefile::json::{Errors, Node, Object};
use casefile::name::Owner;
use casefile::problem::{Problem, ProblemKind};
use jiff::civil::Date;

pub(super) use decimal::{Decimal, grouped};
pub(super) use goods::{Packages, Product};
pub(super) use parties::{Carrier, Party};
pub(super) use text::Text;

/// The largest record, in bytes: twice what all its texts take at their limits, every character escaped.
pub const MAX_RECORD_BYTES: usize = 256 * 1024;

const FIELDS: [&str; 15] = [
    "date",
    "customer",
    "owner",
    "ship_from",
    "ship_to",
    "customer_po",
    "release_number",
    "carrier",
    "product",
    "packages",
    "hazardous",
    "net_tons",
    "notes",
    "special_instructions",
    "idempotency_key",
];
const WEIGHT: &str = "the weight in short tons, 49 CFR 373.101(e)";
/// The number has the year in four digits.
const MIN_YEAR: i16 = 1900;
const MAX_YEAR: i16 = 9999;

/// A bill of lading, read and checked.
#[derive(Debug, Clone)]
pub struct BolRecord {
    pub(super) date: Date,
    pub(super) customer: Option<Text>,
    pub(super) owner: Option<Owner>,
    pub(super) ship_from: Party,
    pub(super) ship_to: Party,
    pub(super) customer_po: Option<Text>,
    pub(super) release_number: Option<Text>,
    pub(super) carrier: Carrier,
    pub(super) product: Product,
    pub(super) packages: Packages,
    pub(super) hazardous: bool,
    /// Short tons of 2,000 pounds.
    pub(super) net_tons: Decimal,
    pub(super) notes: Option<Text>,
    pub(super) special_instructions: Option<Text>,
    /// Tells apart two shipments that are alike in everything. Never printed.
    idempotency_key: Option<Text>,
}

impl BolRecord {
    /// Reads a record. `envelope` are the fields that a command event has beside the record's.
    ///
    /// # Errors
    /// `too-large` past [`MAX_RECORD_BYTES`], `malformed-request` when it isn't JSON, `invalid-request` with every wrong
    /// field; what 49 CFR 373.101 demands is named with its paragraph.
    pub fn parse(text: &str, envelope: &[&str]) -> Result<Self, Problem> {
        if text.len() > MAX_RECORD_BYTES {
            let detail = format!(
                "the record has {} bytes; at most {MAX_RECORD_BYTES} are allowed",
                text.len()
            );
            return Err(Problem::new(ProblemKind::TooLarge, detail));
        }
        let node = Node::parse(text)?;
        let mut errors = Errors::default();
        match Self::read(&node, envelope, &mut errors) {
            Some(record) if errors.is_empty() => Ok(record),
            _ => Err(Problem::invalid(errors.into_vec())),
        }
    }

    fn read(node: &Node<'_>, envelope: &[&str], errors: &mut Errors) -> Option<Self> {
        let mut fields = node.object(errors)?;
        for name in envelope {
            fields.take(name);
        }
        let date = demand(&mut fields, "date", "the day of shipment", errors);
        let date = date.and_then(|node| read_date(&node, errors));
        let ship_from = Party::read(&mut fields, &parties::CONSIGNOR, errors);
        let ship_to = Party::read(&mut fields, &parties::CONSIGNEE, errors);
        let carrier = Carrier::read(&mut fields, errors);
        let product = Product::read(&mut fields, errors);
        let packages = Packages::read(&mut fields, errors);
        let hazardous = demand(&mut fields, "hazardous", "true or false", errors);
        let hazardous = hazardous.and_then(|node| node.boolean(errors));
        let net_tons = demand(&mut fields, "net_tons", WEIGHT, errors);
        let net_tons = net_tons.and_then(|node| Decimal::weight(&node, errors));
        let customer = Text::line(&mut fields, "customer", errors);
        let owner = read_owner(&mut fields, customer.as_ref(), errors);
        let customer_po = Text::line(&mut fields, "customer_po", errors);
        let release_number = Text::line(&mut fields, "release_number", errors);
        let notes = Text::lines(&mut fields, "notes", errors);
        let special_instructions = Text::lines(&mut fields, "special_instructions", errors);
        let idempotency_key = Text::key(&mut fields, "idempotency_key", errors);
        fields.refuse_rest(&FIELDS, errors);
        Some(Self {
            date: date?,
            customer,
            owner,
            ship_from: ship_from?,
            ship_to: ship_to?,
            customer_po,
            release_number,
            carrier: carrier?,
            product: product?,
            packages: packages?,
            hazardous: hazardous?,
            net_tons: net_tons?,
            notes,
            special_instructions,
            idempotency_key,
        })
    }

    /// The day of shipment; its year is the number's.
    pub fn date(&self) -> Date {
        self.date
    }

    /// Whose the bill is within its tenant: `owner`, else the customer.
    pub fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }

    /// The digest of all that the record says, whatever the order of its fields, their blanks and the spelling of their
    /// numbers: two requests with the same one are the same bill of lading.
    pub fn digest(&self) -> Sha256 {
        digest::of(self)
    }
}

/// Takes the field called `name`; where it is absent, the error says `what` it would be.
fn demand<'a>(fields: &mut Object<'a>, name: &str, what: &str, errors: &mut Errors) -> Option<Node<'a>> {
    let node = fields.take(name);
    if node.is_none() {
        errors.add(
            format!("{}/{name}", fields.pointer()),
            format!("is required: {what}"),
        );
    }
    node
}

/// Reads the day of a bill of lading, whose year is its number's.
pub(super) fn read_date(node: &Node<'_>, errors: &mut Errors) -> Option<Date> {
    let text = node.string(errors)?;
    // jiff reads more spellings than this one, among them those with a time.
    let date = text
        .parse()
        .ok()
        .filter(|date: &Date| date.to_string() == text && (MIN_YEAR..=MAX_YEAR).contains(&date.year()));
    if date.is_none() {
        node.refuse(
            errors,
            format!("must be a day such as 2025-11-04, in the years {MIN_YEAR} to {MAX_YEAR}"),
        );
    }
    date
}

fn read_owner(fields: &mut Object<'_>, customer: Option<&Text>, errors: &mut Errors) -> Option<Owner> {
    if let Some(node) = fields.take("owner") {
        return Owner::parse(&node.string(errors)?)
            .map_err(|error| node.refuse(errors, error.to_string()))
            .ok();
    }
    let customer = customer?;
    Owner::parse(customer.as_str())
        .map_err(|error| errors.add(customer.pointer(), format!("{error}; or name an owner beside it")))
        .ok()
}

#[cfg(test)]
mod tests;
