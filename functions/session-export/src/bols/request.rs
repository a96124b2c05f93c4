//! What a caller sends for a bill of lading: its record, or `{file, date, number?, owner?}` with a finished PDF.

use casefile::bol::BolNumber;
use casefile::json::{Errors, Node};
use casefile::name::Owner;
use casefile::problem::Problem;
use jiff::civil::Date;

use super::record::{BolRecord, read_date};
use crate::document::{GivenDocument, check_size, read_owner};

const FIELDS: [&str; 4] = ["file", "date", "number", "owner"];

/// A request for a bill of lading.
#[derive(Debug)]
pub(super) enum BolRequest {
    /// To be drawn.
    Record(Box<BolRecord>),
    /// Drawn elsewhere.
    Finished(Finished),
}

/// A bill of lading that was drawn elsewhere.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) file: GivenDocument,
    pub(super) date: Date,
    /// The number that it has already.
    pub(super) number: Option<BolNumber>,
    pub(super) owner: Option<Owner>,
}

impl BolRequest {
    pub(super) fn parse(text: &str, envelope: &[&str]) -> Result<Self, Problem> {
        check_size(text)?;
        let node = Node::parse(text)?;
        let mut errors = Errors::default();
        let is_finished = node
            .object(&mut errors)
            .is_some_and(|fields| fields.get("file").is_some());
        if !is_finished {
            return BolRecord::parse(text, envelope).map(Box::new).map(Self::Record);
        }
        let mut errors = Errors::default();
        match Finished::read(&node, envelope, &mut errors) {
            Some(finished) if errors.is_empty() => Ok(Self::Finished(finished)),
            _ => Err(Problem::invalid(errors.into_vec())),
        }
    }
}

impl Finished {
    fn read(node: &Node<'_>, envelope: &[&str], errors: &mut Errors) -> Option<Self> {
        let mut fields = node.object(errors)?;
        for name in envelope {
            fields.take(name);
        }
        let file = fields.take_required("file", errors);
        let file = file.and_then(|node| GivenDocument::read(&node, errors));
        let date = fields.take_required("date", errors);
        let date = date.and_then(|node| read_date(&node, errors));
        let number = fields.take("number").map(|node| read_number(&node, date, errors));
        let owner = fields.take("owner").and_then(|node| read_owner(&node, errors));
        fields.refuse_rest(&FIELDS, errors);
        Some(Self {
            file: file?,
            date: date?,
            number: number.flatten(),
            owner,
        })
    }
}

fn read_number(node: &Node<'_>, date: Option<Date>, errors: &mut Errors) -> Option<BolNumber> {
    let number = BolNumber::parse(&node.string(errors)?);
    let Some(number) = number else {
        node.refuse(errors, "must be a number such as PRT-2025-0042");
        return None;
    };
    if date.is_some_and(|date| number.year() != date.year()) {
        node.refuse(errors, "is of another year than the date");
    }
    Some(number)
}
