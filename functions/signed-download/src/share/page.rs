//! The page that a browser gets for a link with a limit: looking at it uses nothing up, only its button does.

use aws_lambda_events::http::HeaderValue;
use casefile::http::disposition::Disposition;
use casefile::http::{self, Response};
use casefile::link::share::Share;
use casefile::time::rfc3339;

/// No script, and nothing from elsewhere. There is no `form-action`: browsers apply it to where a form's answer redirects
/// to as well, which is S3 (<https://github.com/w3c/webappsec-csp/issues/8>).
const HEADERS: [(&str, &str); 4] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex"),
];

/// The page for a share link. It doesn't name the file, for nobody knows yet who is looking, and its form posts to where
/// it came from, so that it doesn't hold the link either.
pub(super) fn page(share: &Share) -> Response {
    let mut response = http::text(200, "text/html; charset=utf-8", html(share));
    for (name, value) in HEADERS {
        response.headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What it fills in are numbers, times and texts of its own: nothing of a request or a file needs escaping.
fn html(share: &Share) -> String {
    let (does, button) = match share.disposition {
        Disposition::Attachment => ("downloads the file", "Download the file"),
        Disposition::Inline => ("opens the file", "Open the file"),
    };
    let until = share.expires_at.strftime("%-d %B %Y, %H:%M UTC").to_string();
    include_str!("page.html")
        .replace("{{does}}", does)
        .replace("{{button}}", button)
        .replace("{{left}}", &share.left().unwrap_or_default().to_string())
        .replace("{{datetime}}", &rfc3339(share.expires_at))
        .replace("{{until}}", &until)
}
