//! `POST /v1/bols`: a record is numbered and drawn, a finished PDF is numbered; either is stored under its number.

use bytes::Bytes;
use casefile::audit::Activity;
use casefile::bol::{BolNumber, IssueError, Issued, Made, NumberFormat, Numbers, Outcome, REQUEST};
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::Document as Stored;
use casefile::json::FieldError;
use casefile::link::{Asking, Links, storage_problem};
use casefile::name::{FileName, Owner, TenantId};
use casefile::permission::Action;
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StoreError;
use serde::Serialize;
use tokio::time::Instant;

use super::record::BolRecord;
use super::render::render;
use super::request::{BolRequest, Finished};
use crate::document::{Content, Document};
use crate::fallback::KeptAnswer;
use crate::files::{
    FileAnswer, Held, NewFile, Overwrite, Placed, check_size, link_or_record, mend_entries, owner_stands,
    place,
};
use crate::review::problems::unavailable;
use crate::uploads;

pub(super) const PDF: &str = "application/pdf";
/// Where a PDF's header must be (ISO 32000-1, annex H, implementation note 13).
pub const HEADER_WITHIN: usize = 1_024;

/// What became of a bill of lading.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Bol {
    /// It is stored under its number.
    Stored(Box<BolAnswer>),
    /// S3 doesn't take it: it is kept, and numbered when it is sent on.
    Kept(Box<KeptAnswer>),
}

/// A stored bill of lading. A repeat gets the same, but for `link`.
#[derive(Debug, Clone, Serialize)]
pub struct BolAnswer {
    /// `stored`.
    pub status: &'static str,
    /// Its number.
    pub number: String,
    /// Its file.
    #[serde(flatten)]
    pub file: FileAnswer,
}

/// Numbers and stores a bill of lading, before `until`. The same request gets the same number, however often it comes.
///
/// # Errors
/// What is wrong with the request, all of it at once; `conflict` when the number that it names is another's;
/// `unavailable` and `internal` when storage or the audit log fails, after which the same request may be repeated.
pub async fn issue(
    links: &Links,
    asking: &Asking<'_>,
    text: &str,
    envelope: &[&str],
    until: Instant,
) -> Result<BolAnswer, Problem> {
    let decision = links
        .permit(asking, Activity::Export, Action::Write, Collection::bols())
        .await?;
    let desk = Desk {
        links,
        tenant: &asking.caller.tenant,
        until,
    };
    let (number, placed, warnings) = match BolRequest::parse(text, envelope)? {
        BolRequest::Record(record) => Box::pin(desk.draw(&record)).await?,
        BolRequest::Finished(finished) => {
            let inbox = asking.caller.inbox();
            let document = uploads::resolve_file(&links.bucket, &inbox, &finished.file).await?;
            Box::pin(desk.keep(&finished, &document)).await?
        }
    };
    let link = link_or_record(links, asking, &decision, &placed).await?;
    tracing::info!(
        export.bytes = placed.document.size,
        export.is_new = placed.is_new,
        "a bill of lading was stored"
    );
    let file = FileAnswer {
        warnings,
        ..FileAnswer::new(placed.document, link)
    };
    Ok(BolAnswer {
        status: "stored",
        number,
        file,
    })
}

/// Where numbers are given out.
struct Desk<'a> {
    links: &'a Links,
    tenant: &'a TenantId,
    until: Instant,
}

type Done = (String, Placed, Vec<FieldError>);

impl Desk<'_> {
    /// Numbers and draws a record.
    async fn draw(&self, record: &BolRecord) -> Result<Done, Problem> {
        let request = self.request(&["a record", &record.digest().to_string()]);
        let (number, placed, warnings) = Box::pin(self.number(
            request,
            record.date().year(),
            async |number| {
                let rendered = render(record, number)?;
                let document = Document::new(file_name(number)?, Bytes::from(rendered.pdf));
                Ok((document, rendered.warnings))
            },
            record.owner(),
        ))
        .await?;
        // What lay there was drawn from the same record.
        let warnings = match warnings {
            Some(warnings) => warnings,
            None => render(record, &number)?.warnings,
        };
        Ok((number, placed, warnings))
    }

    /// Numbers a PDF that was drawn elsewhere, or stores it under the number that it has.
    async fn keep(&self, finished: &Finished, document: &Document) -> Result<Done, Problem> {
        check_size(Collection::bols(), document.size)?;
        self.check_pdf(document).await?;
        let Some(number) = &finished.number else {
            let owner = finished.owner.as_ref().map_or("", Owner::as_str);
            let (sha256, date) = (document.sha256.to_string(), finished.date.to_string());
            let request = self.request(&["a file", &sha256, &date, owner]);
            let kept = self.number(
                request,
                finished.date.year(),
                async |_| Ok((document.clone(), Vec::new())),
                finished.owner.as_ref(),
            );
            let (number, placed, _) = Box::pin(kept).await?;
            return Ok((number, placed, Vec::new()));
        };
        self.check_number(number).await?;
        let path = number.path();
        let new = self.file(&path, document, None, finished.owner.as_ref());
        let placed = Box::pin(place(self.links, &new))
            .await
            .map_err(|problem| match problem.kind {
                ProblemKind::Conflict => Problem {
                    detail: "the number is another bill of lading's; nothing was overwritten".to_owned(),
                    ..problem
                },
                _ => problem,
            })?;
        let stands = owner_stands(&placed, finished.owner.as_ref());
        Ok((number.to_string(), placed, stands.into_iter().collect()))
    }

    /// A number that is brought must be spelled as its series spells it, for two spellings would be two documents; and a
    /// void one is nobody's any more.
    async fn check_number(&self, number: &BolNumber) -> Result<(), Problem> {
        let numbers = self.numbers()?;
        let (series, count) = (number.series(), number.count());
        let state = numbers.state(series).await;
        let state = state.map_err(|error| storage_problem(&error))?;
        let spelled = match &state {
            Some(state) => state.number(series, count),
            None if numbers.format.series(number.year()).as_ref() == Some(series) => {
                series.number(count, numbers.format.width())
            }
            None => number.clone(),
        };
        if spelled != *number {
            return Err(Problem::invalid(vec![FieldError {
                pointer: "/number".to_owned(),
                detail: format!("is spelled {spelled} in its series"),
            }]));
        }
        if state.is_some_and(|state| state.is_void(count)) {
            return Err(Problem::new(
                ProblemKind::Conflict,
                "the number was declared void",
            ));
        }
        Ok(())
    }

    fn numbers(&self) -> Result<Numbers<'_>, Problem> {
        let format = NumberFormat::shipped().ok_or_else(|| internal("there is no format of numbers"))?;
        Ok(Numbers {
            bucket: &self.links.bucket,
            base: &self.links.base,
            format,
            clock: self.links.audit.clock(),
            entropy: self.links.audit.entropy(),
            until: self.until,
        })
    }

    /// Gives a request a number, and has its document made and stored; the document that was made is told of its warnings
    /// only when this call made it.
    async fn number(
        &self,
        request: Sha256,
        year: i16,
        make: impl AsyncFn(&str) -> Result<(Document, Vec<FieldError>), Problem>,
        owner: Option<&Owner>,
    ) -> Result<(String, Placed, Option<Vec<FieldError>>), Problem> {
        let links = self.links;
        let numbers = self.numbers()?;
        let series = numbers.format.series(year);
        let series = series.ok_or_else(|| internal("the year makes no series"))?;
        let make = &make;
        let issued = numbers.issue(request, &series, |number: BolNumber| async move {
            let (document, warnings) = make(&number.to_string()).await?;
            let path = number.path();
            let new = self.file(&path, &document, Some(request), owner);
            let key = key(links, &number)?;
            let (uploaded, written) = new.write(links, &key).await?;
            let created = written.as_ref().ok();
            let version_id = created.and_then(|created| created.version_id.clone());
            Ok::<_, Problem>(Made {
                document: (new.placed(&key, uploaded, version_id), warnings),
                written,
            })
        });
        let Issued { number, outcome } = Box::pin(issued).await.map_err(not_issued)?;
        match outcome {
            Outcome::New(_, (placed, warnings)) => Ok((number.to_string(), placed, Some(warnings))),
            Outcome::Found(head) => {
                let key = key(links, &number)?;
                let document = Stored::new(Collection::bols(), number.path(), key, head);
                mend_entries(links, &document).await?;
                let placed = Placed {
                    document,
                    is_new: false,
                };
                Ok((number.to_string(), placed, None))
            }
        }
    }

    fn file<'a>(
        &'a self,
        path: &'a str,
        document: &'a Document,
        request: Option<Sha256>,
        owner: Option<&'a Owner>,
    ) -> NewFile<'a> {
        NewFile {
            tenant: self.tenant,
            collection: Collection::bols(),
            path,
            document: Held::Document(document),
            content_type: PDF,
            metadata: request
                .map(|request| (REQUEST, request.to_string()))
                .into_iter()
                .collect(),
            owner,
            overwrite: Overwrite::Never,
        }
    }

    /// What tells a request from every other one.
    fn request(&self, parts: &[&str]) -> Sha256 {
        let tenant = self.tenant.as_str();
        Sha256::of_parts([tenant].into_iter().chain(parts.iter().copied()))
    }

    /// Whether a file begins as a PDF does; the rest is looked into when it has arrived.
    async fn check_pdf(&self, document: &Document) -> Result<(), Problem> {
        let begin = match &document.content {
            Content::Bytes(bytes) => bytes.slice(..bytes.len().min(HEADER_WITHIN)),
            Content::Upload(source, _) => {
                let version = source.version_id.as_deref();
                let length = source.size.min(HEADER_WITHIN as u64);
                let begin = self.links.bucket.range(&source.key, version, 0..length).await;
                begin.map_err(|error| storage_problem(&error))?
            }
        };
        check_header(&begin)
    }
}

/// Whether a PDF's header is in what a file begins with.
///
/// # Errors
/// `invalid-request` when it isn't.
pub fn check_header(begin: &[u8]) -> Result<(), Problem> {
    if begin.windows(5).any(|window| window == b"%PDF-") {
        return Ok(());
    }
    Err(Problem::invalid(vec![FieldError {
        pointer: "/file".to_owned(),
        detail: "is no PDF".to_owned(),
    }]))
}

fn internal(why: &str) -> Problem {
    Problem::new(ProblemKind::Internal, why)
}

fn key(links: &Links, number: &BolNumber) -> Result<String, Problem> {
    let key = number.key(&links.base);
    key.ok_or_else(|| internal("the number makes no key"))
}

fn file_name(number: &str) -> Result<FileName, Problem> {
    FileName::parse(&format!("{number}.pdf"))
        .map_err(|_| Problem::new(ProblemKind::Internal, "the number makes no file's name"))
}

fn not_issued(error: IssueError<Problem>) -> Problem {
    match error {
        IssueError::Make(problem) => problem,
        IssueError::Store(StoreError::NotFound) => unavailable("an upload has just been removed"),
        IssueError::Store(StoreError::AlreadyExists) => Problem::new(
            ProblemKind::Conflict,
            "another document lies where this bill of lading was; nothing was overwritten",
        ),
        IssueError::Store(error) => storage_problem(&error),
    }
}
