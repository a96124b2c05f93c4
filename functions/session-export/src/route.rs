//! The function's routes, and their answers.

use aws_lambda_events::http::Method;
use casefile::http::{self, Request, Response};
use casefile::problem::{Problem, ProblemKind};
use serde_json::json;

use crate::review::Exported;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `POST /v1/reviews`
    ExportReview,
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
            let detail = "there is no such route; this function answers POST /v1/reviews, POST /v1/uploads and GET \
                          /v1/health";
            Problem::new(ProblemKind::NotFound, detail)
        })
    }

    fn find(method: &Method, path: &str) -> Option<Self> {
        match (method, path) {
            (&Method::POST, "/v1/reviews") => Some(Self::ExportReview),
            (&Method::POST, "/v1/uploads") => Some(Self::GrantUpload),
            (&Method::GET, "/v1/health") => Some(Self::Health),
            _ => None,
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

/// That the function runs.
///
/// # Errors
/// Never.
pub fn health() -> Result<Response, Problem> {
    http::json(200, &json!({ "status": "ok" }))
}
