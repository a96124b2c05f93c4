//! The function's routes, and their answers.

use aws_lambda_events::http::Method;
use casefile::audit::Activity;
use casefile::collection::Collection;
use casefile::http::query::Query;
use casefile::http::{self, Request, Response};
use casefile::json::Errors;
use casefile::problem::{Problem, ProblemKind};
use serde_json::json;

use crate::bols::Bol;
use crate::command::ZIP;
use crate::files::Filed;
use crate::review::Exported;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `POST /v1/reviews`
    ExportReview,
    /// `POST /v1/reviews/batch`
    ExportReviews,
    /// `POST /v1/bols`
    StoreBol,
    /// `POST /v1/training-logs`
    StoreTrainingLog,
    /// `POST /v1/ecg-reports`, `POST /v1/clinical`, and `POST /v1/documents/{collection}` for these and others that store
    /// files.
    StoreFile(Collection),
    /// `POST /v1/uploads`
    GrantUpload,
    /// `GET /v1/health`
    Health,
}

/// What a request asks for beside its body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Whether other content may become a new revision, of a training log.
    pub revision: bool,
    /// Whether the answer holds the ZIP itself of what has to be kept locally.
    pub returns_zip: bool,
}

impl Route {
    /// Finds a request's route.
    ///
    /// # Errors
    /// `not-found`.
    pub fn of(request: &Request) -> Result<Self, Problem> {
        request.route(Self::find).ok_or_else(|| {
            let detail = "there is no such route; this function answers POST /v1/reviews, /v1/reviews/batch, /v1/bols, \
                          /v1/ecg-reports, /v1/training-logs, /v1/clinical, /v1/documents/{collection} and /v1/uploads, \
                          and GET /v1/health";
            Problem::new(ProblemKind::NotFound, detail)
        })
    }

    fn find(method: &Method, path: &str) -> Option<Self> {
        match (method, path) {
            (&Method::POST, "/v1/reviews") => Some(Self::ExportReview),
            (&Method::POST, "/v1/reviews/batch") => Some(Self::ExportReviews),
            (&Method::POST, "/v1/bols") => Some(Self::StoreBol),
            (&Method::POST, "/v1/training-logs") => Some(Self::StoreTrainingLog),
            (&Method::POST, "/v1/ecg-reports") => Some(Self::StoreFile(Collection::ecg_reports())),
            (&Method::POST, "/v1/clinical") => Some(Self::StoreFile(Collection::clinical())),
            (&Method::POST, "/v1/uploads") => Some(Self::GrantUpload),
            (&Method::GET, "/v1/health") => Some(Self::Health),
            (&Method::POST, path) => {
                let collection = Collection::parse(path.strip_prefix("/v1/documents/")?)?;
                collection.takes_files().then_some(Self::StoreFile(collection))
            }
            _ => None,
        }
    }

    /// What a request asks for by its query.
    ///
    /// # Errors
    /// `invalid-request` with every parameter that the route doesn't take.
    pub fn wishes(&self, query: &str) -> Result<Wishes, Problem> {
        let known: &[&str] = match self {
            Self::StoreTrainingLog => &["revision", "fallback"],
            Self::ExportReview | Self::StoreBol | Self::StoreFile(_) => &["fallback"],
            Self::ExportReviews | Self::GrantUpload | Self::Health => &[],
        };
        let mut errors = Errors::default();
        let mut query = Query::read(query, &mut errors);
        let mut wishes = Wishes::default();
        if known.contains(&"revision") {
            wishes.revision = query.flag("revision", &mut errors);
        }
        if known.contains(&"fallback") {
            let zip = query.value("fallback", &mut errors, |text| match text {
                ZIP => Ok(true),
                _ => Err("must be zip"),
            });
            wishes.returns_zip = zip.unwrap_or(false);
        }
        query.refuse_rest(known, &mut errors);
        if errors.is_empty() {
            Ok(wishes)
        } else {
            Err(Problem::invalid(errors.into_vec()))
        }
    }

    /// What the audit log calls it.
    pub fn activity(&self) -> Activity {
        match self {
            Self::GrantUpload => Activity::Upload,
            Self::ExportReview
            | Self::ExportReviews
            | Self::StoreBol
            | Self::StoreTrainingLog
            | Self::StoreFile(_)
            | Self::Health => Activity::Export,
        }
    }
}

/// An export's outcome as an HTTP answer.
///
/// # Errors
/// Never for answers of this crate.
pub fn exported(exported: &Exported) -> Result<Response, Problem> {
    match exported {
        Exported::Stored(answer) => http::json(201, answer),
        Exported::Archive { file_name, zip } => Ok(http::file("application/zip", file_name, zip)),
        Exported::Linked(link) => http::json(200, &json!({ "link": link })),
        Exported::Kept(kept) => http::json(202, kept),
    }
}

/// What became of a file, as an HTTP answer.
///
/// # Errors
/// Never for answers of this crate.
pub fn filed(filed: &Filed) -> Result<Response, Problem> {
    match filed {
        Filed::Stored(_) => http::json(201, filed),
        Filed::Skipped(_) => http::json(200, filed),
        Filed::Kept(kept) => http::json(202, kept),
    }
}

/// What became of a bill of lading, as an HTTP answer.
///
/// # Errors
/// Never for answers of this crate.
pub fn issued(bol: &Bol) -> Result<Response, Problem> {
    match bol {
        Bol::Stored(_) => http::json(201, bol),
        Bol::Kept(_) => http::json(202, bol),
    }
}

/// That the function runs.
///
/// # Errors
/// Never.
pub fn health() -> Result<Response, Problem> {
    http::json(200, &json!({ "status": "ok" }))
}
