//! Exporting a finished review: validate → reserve → build all files in memory → write them concurrently → write
//! the manifest → answer with a link.
//!
//! Everything written is a pure function of the request and its reservation, and every write is create-only. So a
//! repeat after any failure, or a twin at the same moment, continues the same export; and a folder without a
//! manifest doesn't exist for any reader.

pub mod after;
pub mod answer;
pub mod batch;
mod export;
pub mod feedback;
pub mod folder;
pub mod keep;
mod listed;
pub mod place;
pub mod problems;
pub mod readable;
pub mod report_files;
pub mod request;
pub mod reservation;
mod send_on;
pub mod session;
pub mod statistics;

use std::sync::Arc;
use std::time::Instant;

use casefile::audit::Activity;
use casefile::collection::Collection;
use casefile::json::FieldError;
use casefile::link::{Asking, Link, Links};
use casefile::permission::{Action, Decision};
use casefile::problem::Problem;
use futures::future::try_join;

use crate::document::GivenDocument;
use crate::fallback::KeptAnswer;
use crate::uploads;
use answer::ExportAnswer;
use export::Export;
use keep::Trail;
use problems::unavailable;
use readable::{KeptTemplate, ReportTemplate, TemplateKey, TemplateVersion, Templates};
use request::{Destination, ReviewRequest};
pub use send_on::KeptReview;

/// The largest ZIP that an answer carries: base64 makes it 6 MB, which is what a Lambda function may return
/// (AWS Lambda developer guide, *Lambda quotas*).
pub const MAX_ZIP_BYTES: usize = 4_500_000;

/// The export of reviews, with all that it needs. Built once in a process.
#[derive(Debug)]
pub struct ReviewExport {
    links: Links,
    templates: Templates,
}

/// What an export answers with.
#[derive(Debug)]
pub enum Exported {
    /// It lies in the bucket.
    Stored(Box<ExportAnswer>),
    /// It is the answer itself.
    Archive {
        /// What the file should be called.
        file_name: String,
        /// The ZIP.
        zip: Vec<u8>,
    },
    /// It is too large for an answer, and lies in the caller's inbox.
    Linked(Box<Link>),
    /// S3 doesn't take it: it is kept, and sent on later.
    Kept(Box<KeptAnswer>),
}

impl ReviewExport {
    /// An export into the bucket that `links` lead to.
    pub fn new(links: Links, template: ReportTemplate, generator: String) -> Self {
        let version = TemplateVersion { template, generator };
        Self {
            links,
            templates: Templates::Fixed(Arc::new(version)),
        }
    }

    /// The same with the report's template that lies at `key` in that bucket, whichever it is at the time.
    #[must_use]
    pub fn with_template_at(self, key: TemplateKey) -> Self {
        let templates = match self.templates {
            Templates::Fixed(base) => Templates::Kept(KeptTemplate::new(key, base)),
            kept @ Templates::Kept(_) => kept,
        };
        Self { templates, ..self }
    }

    /// What is needed to hand out links and upload grants.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// Exports the review that `text`, a request's JSON, describes. `envelope` are the fields that a command event has
    /// beside the request's.
    ///
    /// # Errors
    /// What is wrong with the request, or with storage; after any of them the same request may be repeated.
    pub async fn export(
        &self,
        asking: &Asking<'_>,
        text: &str,
        envelope: &[&str],
    ) -> Result<Exported, Problem> {
        self.export_noting(asking, text, envelope, &Trail::default())
            .await
    }

    /// The same, and notes how far it comes, for whoever has to keep it elsewhere.
    pub(crate) async fn export_noting(
        &self,
        asking: &Asking<'_>,
        text: &str,
        envelope: &[&str],
        trail: &Trail,
    ) -> Result<Exported, Problem> {
        let export = Box::pin(self.begin(asking, trail, || ReviewRequest::parse(text, envelope))).await?;
        match export.request.destination {
            Destination::S3 => {
                let answer = Box::pin(export.store()).await?;
                Ok(Exported::Stored(Box::new(answer)))
            }
            Destination::Download => Box::pin(export.archive()).await,
        }
    }

    /// The same for a review of a batch: into the bucket alone, and only if it begins before `last`, for what it computes
    /// can't be interrupted. The size of the request is known to be right.
    ///
    /// # Errors
    /// As for [`ReviewExport::export`]; `invalid-request` when the request wants a file; `unavailable` when it is too late.
    async fn store(
        &self,
        asking: &Asking<'_>,
        text: &str,
        last: Instant,
        trail: &Trail,
    ) -> Result<ExportAnswer, Problem> {
        let mut export = Box::pin(self.begin(asking, trail, || of_batch(text))).await?;
        if Instant::now() >= last {
            return Err(unavailable(
                "the batch had too little time left to begin this review",
            ));
        }
        export.looks_first = true;
        Box::pin(export.store()).await
    }

    /// An export, with all that it reads before it writes.
    async fn begin<'a>(
        &'a self,
        asking: &'a Asking<'a>,
        trail: &'a Trail,
        read: impl FnOnce() -> Result<ReviewRequest<'a, GivenDocument>, Problem>,
    ) -> Result<Export<'a>, Problem> {
        let started = Instant::now();
        let decision = Box::pin(self.permit(asking)).await?;
        let (request, template) = Box::pin(self.prepare(asking, read()?)).await?;
        Ok(Export {
            service: self,
            asking,
            decision,
            request,
            template,
            started,
            looks_first: false,
            trail,
            kept: None,
        })
    }

    /// Whether the caller may export reviews; a refusal is recorded.
    async fn permit(&self, asking: &Asking<'_>) -> Result<Decision, Problem> {
        self.links
            .permit(asking, Activity::Export, Action::Write, Collection::reviews())
            .await
    }

    /// The documents that a request means, and the template for its report.
    async fn prepare<'a>(
        &self,
        asking: &Asking<'_>,
        request: ReviewRequest<'a, GivenDocument>,
    ) -> Result<(ReviewRequest<'a>, Arc<TemplateVersion>), Problem> {
        let Links { bucket, audit, .. } = &self.links;
        let inbox = asking.caller.inbox();
        let documents = uploads::resolve(bucket, &inbox, request);
        // Boxed, for every caller's future would hold them.
        Box::pin(try_join(documents, self.templates.current(bucket, audit.now()))).await
    }
}

fn of_batch(text: &str) -> Result<ReviewRequest<'_, GivenDocument>, Problem> {
    let request = ReviewRequest::parse_any(text, &[])?;
    if request.destination == Destination::Download {
        return Err(Problem::invalid(vec![FieldError {
            pointer: "/destination".to_owned(),
            detail: "must be s3 in a batch".to_owned(),
        }]));
    }
    Ok(request)
}

#[cfg(test)]
mod testing;
