//! The function's routes, and their answers.

use aws_lambda_events::http::Method;
use casefile::audit::Activity;
use casefile::collection::Collection;
use casefile::http::query::Query;
use casefile::http::{self, Request, Response};
use casefile::json::Errors;
use casefile::problem::{Problem, ProblemKind};
use serde_json::json;

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

    /// Whether a request asks for a new revision by its query, which only that of a training log may.
    ///
    /// # Errors
    /// `invalid-request` with every other parameter.
    pub fn revision(&self, query: &str) -> Result<bool, Problem> {
        if *self != Self::StoreTrainingLog {
            return Query::refuse_all(query).map(|()| false);
        }
        let mut errors = Errors::default();
        let mut query = Query::read(query, &mut errors);
        let revision = query.flag("revision", &mut errors);
        query.refuse_rest(&["revision"], &mut errors);
        if errors.is_empty() {
            Ok(revision)
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
    }
}

/// That the function runs.
///
/// # Errors
/// Never.
pub fn health() -> Result<Response, Problem> {
    http::json(200, &json!({ "status": "ok" }))
}
