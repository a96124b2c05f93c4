//! What is shipped.

use std::cmp::Ordering;

use casefile::json::{Errors, Node, Object};
use casefile::name::is_unprintable;

use super::decimal::Decimal;
use super::demand;
use super::text::Text;

/// The most packages.
const MAX_PACKAGES: u64 = 1_000_000;
/// The most elements of an analysis.
const MAX_ELEMENTS: usize = 30;
/// The longest name of an element, in characters.
const MAX_ELEMENT_CHARS: usize = 20;
const PRODUCT_FIELDS: [&str; 3] = ["name", "lot", "analysis"];
const PACKAGES_FIELDS: [&str; 2] = ["count", "kind"];
/// The order in which foundries list what is in iron; others follow by name. The order in a request means nothing.
const ELEMENTS: [&str; 5] = ["C", "Si", "S", "P", "Mn"];

/// What it is.
#[derive(Debug, Clone)]
pub(in crate::bols) struct Product {
    pub(in crate::bols) name: Text,
    pub(in crate::bols) lot: Option<Text>,
    /// Sorted, each name once.
    pub(in crate::bols) analysis: Vec<Element>,
}

/// A part of the chemical analysis.
#[derive(Debug, Clone)]
pub(in crate::bols) struct Element {
    pub(in crate::bols) name: String,
    pub(in crate::bols) percent: Decimal,
    /// The field that it came from: a JSON pointer.
    pub(in crate::bols) pointer: String,
}

impl Product {
    pub(super) fn read(record: &mut Object<'_>, errors: &mut Errors) -> Option<Self> {
        let description = "the description of the freight, 49 CFR 373.101(d)";
        let mut fields = demand(record, "product", description, errors)?.object(errors)?;
        let name = Text::demanded(&mut fields, "name", description, errors);
        let lot = Text::line(&mut fields, "lot", errors);
        let analysis = fields.take("analysis").map(|node| read_analysis(&node, errors));
        fields.refuse_rest(&PRODUCT_FIELDS, errors);
        Some(Self {
            name: name?,
            lot,
            analysis: analysis.unwrap_or_default(),
        })
    }
}

fn read_analysis(node: &Node<'_>, errors: &mut Errors) -> Vec<Element> {
    let members = node.object(errors).map(Object::into_members).unwrap_or_default();
    if members.len() > MAX_ELEMENTS {
        node.refuse(
            errors,
            format!(
                "holds {} elements; at most {MAX_ELEMENTS} are allowed",
                members.len()
            ),
        );
        return Vec::new();
    }
    let read = |(name, node): (String, Node<'_>)| Element::read(name, &node, errors);
    let mut elements: Vec<_> = members.into_iter().filter_map(read).collect();
    elements.sort_by(Element::order);
    elements
}

impl Element {
    fn read(name: String, node: &Node<'_>, errors: &mut Errors) -> Option<Self> {
        let is_name = name.trim() == name
            && (1..=MAX_ELEMENT_CHARS).contains(&name.chars().count())
            && !name.chars().any(is_unprintable);
        if !is_name {
            node.refuse(
                errors,
                format!(
                    "an element's name must have 1 to {MAX_ELEMENT_CHARS} characters, no control characters, no blank \
                     at the ends"
                ),
            );
        }
        let percent = Decimal::percent(node, errors);
        Some(Self {
            name: is_name.then_some(name)?,
            percent: percent?,
            pointer: node.pointer().to_string(),
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        let rank = |element: &Self| {
            let known = ELEMENTS.iter().position(|known| *known == element.name);
            known.unwrap_or(ELEMENTS.len())
        };
        rank(self)
            .cmp(&rank(other))
            .then_with(|| self.name.cmp(&other.name))
    }
}

/// How it is packed.
#[derive(Debug, Clone)]
pub(in crate::bols) struct Packages {
    pub(in crate::bols) count: u64,
    pub(in crate::bols) kind: Text,
}

impl Packages {
    pub(super) fn read(record: &mut Object<'_>, errors: &mut Errors) -> Option<Self> {
        let number = "the number of packages, 49 CFR 373.101(c)";
        let mut fields = demand(record, "packages", number, errors)?.object(errors)?;
        let count = demand(&mut fields, "count", number, errors);
        let count = count.and_then(|node| read_count(&node, errors));
        let kind = Text::demanded(
            &mut fields,
            "kind",
            "what kind of packages, such as pallets",
            errors,
        );
        fields.refuse_rest(&PACKAGES_FIELDS, errors);
        Some(Self {
            count: count?,
            kind: kind?,
        })
    }
}

fn read_count(node: &Node<'_>, errors: &mut Errors) -> Option<u64> {
    let count = u64::try_from(node.index(errors)?).unwrap_or(u64::MAX);
    let is_count = (1..=MAX_PACKAGES).contains(&count);
    if !is_count {
        node.refuse(errors, format!("must be a whole number from 1 to {MAX_PACKAGES}"));
    }
    is_count.then_some(count)
}
