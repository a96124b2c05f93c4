//! A bill of lading that S3 doesn't take. Its number comes from there, so it has none yet, unless it brings one: what is
//! kept is the record, or the finished PDF under the name that it came with.

use bytes::Bytes;
use casefile::bol::NumberFormat;
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::link::Links;
use casefile::name::FileName;
use casefile::permission::Action;
use casefile::problem::{Problem, ProblemKind};

use super::issue::{HEADER_WITHIN, PDF, check_header};
use super::request::BolRequest;
use crate::document::Document;
use crate::fallback::{Task, ToKeep};
use crate::files::check_size;
use crate::files::keep::Unstored;

/// What a record is called until it is a PDF.
const RECORD: &str = "record.json";

/// What is to be kept of a bill of lading.
///
/// # Errors
/// What is wrong with the request; `unavailable` of an upload, which lies in S3.
pub(crate) fn bol(unstored: Unstored<'_>) -> Result<ToKeep<'_>, Problem> {
    let collection = Collection::bols();
    unstored.check(Action::Write, collection)?;
    let (year, name, document, content_type, number) =
        match BolRequest::parse(unstored.text, unstored.envelope)? {
            BolRequest::Record(record) => {
                let name = FileName::parse(RECORD);
                let name = name.map_err(|_| Problem::new(ProblemKind::Internal, "the record has no name"))?;
                let document = Document::new(name, Bytes::copy_from_slice(unstored.text.as_bytes()));
                (
                    record.date().year(),
                    RECORD.to_owned(),
                    document,
                    "application/json",
                    None,
                )
            }
            BolRequest::Finished(finished) => {
                let document = Document::inline(&finished.file).ok_or_else(|| unstored.is_uploaded())?;
                check_size(collection, document.size)?;
                let begin = document.bytes().map(Bytes::as_ref).unwrap_or_default();
                check_header(begin.get(..HEADER_WITHIN).unwrap_or(begin))?;
                let number = finished.number.as_ref().map(ToString::to_string);
                let name = match &number {
                    Some(number) => format!("{number}.pdf"),
                    None => document.name.as_str().to_owned(),
                };
                (finished.date.year(), name, document, PDF, number)
            }
        };
    let key = format!("{}/{name}", folder(unstored.links, year)?);
    let is_numbered = number.is_some();
    let tenant = unstored.asking.caller.tenant.as_str();
    let kept = unstored.one_file(collection, &key, &document, content_type, Task::Bol { number })?;
    if !is_numbered {
        return Ok(kept);
    }
    Ok(ToKeep {
        subject: Sha256::of_parts(["a bill of lading", &key]),
        identity: Sha256::of_parts(["a bill of lading", tenant, &document.sha256.to_string()]),
        conflict: Some("another bill of lading of this number is kept already"),
        ..kept
    })
}

/// Where the bills of a year lie.
fn folder(links: &Links, year: i16) -> Result<String, Problem> {
    let any = NumberFormat::shipped().and_then(|format| {
        let series = format.series(year)?;
        series.number(1, format.width()).key(&links.base)
    });
    let folder = any.and_then(|key| Some(key.rsplit_once('/')?.0.to_owned()));
    folder.ok_or_else(|| Problem::new(ProblemKind::Internal, "the year has no folder"))
}
