//! The export, and the folder that it makes.

use casefile::digest::Sha256;
use casefile::key::session_prefix;
use casefile::manifest::ManifestFile;
use casefile::name::FolderName;
use casefile::verify::verify_session;
use casefile_cli::tree;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::DemoError;
use super::people::People;
use super::step::Step;
use crate::progress::Progress;
use crate::sample::review_request;
use crate::stack::Stack;

/// All but what a URL's path may hold as it is (RFC 3986, 2.3), and the slashes between folders.
pub(super) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The document that the rest of the demo is about, as the manifest has it.
pub(super) struct Exported {
    folder: FolderName,
    path: String,
    pub(super) sha256: Sha256,
    /// The grant of the link that came with the export's answer.
    pub(super) grant_id: String,
}

impl Exported {
    /// The session's folder.
    pub(super) fn folder(&self) -> &str {
        self.folder.as_str()
    }

    /// Where links to it are asked for.
    pub(super) fn links(&self) -> String {
        links(&self.folder, &self.path)
    }

    /// The same for a document beside it that there isn't.
    pub(super) fn links_to_nothing(&self) -> String {
        links(&self.folder, "documents/after_no such document.docx")
    }
}

fn links(folder: &FolderName, path: &str) -> String {
    let path = format!("{folder}/{path}");
    format!("/v1/links/reviews/{}", utf8_percent_encode(&path, ENCODED))
}

#[derive(Deserialize)]
struct Answer {
    folder_name: String,
    location: String,
    total_files: usize,
    comments: usize,
    link: Granted,
}

#[derive(Deserialize)]
struct Granted {
    grant_id: String,
}

/// Exports the sample, reads every file back, and draws the folder.
pub(super) async fn export(
    stack: &Stack,
    progress: &Progress,
    people: &People,
) -> Result<Exported, DemoError> {
    let step = Step::begin(progress, "exporting the sample review as office staff");
    let mut request = review_request().map_err(DemoError::Sample)?;
    // The folder of an earlier demo with another sample stays; this one then is the next revision.
    if let Some(fields) = request.as_object_mut() {
        fields.insert("revision".to_owned(), true.into());
    }
    let (gateway, body) = (stack.gateway(), request.to_string());
    let answer = step
        .post(gateway, "/v1/reviews", &people.office, body, 201)
        .await?;
    let answer: Answer = step.read(&answer)?;
    step.note(&format!(
        "POST /v1/reviews → 201, {} files, {} comments in the after document, and a link to it",
        answer.total_files, answer.comments
    ));
    step.note(&format!("at {}", answer.location));
    let folder = FolderName::parse(&answer.folder_name)?;
    let after = read_back(stack, &step, &folder).await?;
    Ok(Exported {
        folder,
        path: after.path,
        sha256: after.sha256,
        grant_id: answer.link.grant_id,
    })
}

/// Shows the folder; gives its after document.
async fn read_back(stack: &Stack, step: &Step<'_>, folder: &FolderName) -> Result<ManifestFile, DemoError> {
    let (bucket, base) = stack.artifacts()?;
    let verification = verify_session(&bucket, &base, folder).await?;
    let prefix = session_prefix(&base, folder);
    step.show(&format!("\n{}", tree::render(&prefix, &verification)))?;
    if !verification.holds() {
        return Err(DemoError::Different);
    }
    let mut files = verification.manifest.files.into_iter();
    let after = files.find(|file| file.path.starts_with("documents/after_"));
    after.ok_or_else(|| step.unexpected("an after document in the folder", "none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_link_s_address_says_just_what_it_is() {
        let folder = FolderName::parse("20251114_142510_x").unwrap();
        assert_eq!(
            links(&folder, "documents/after_a b+c&d=%#ü.docx"),
            "/v1/links/reviews/20251114_142510_x/documents/after_a%20b%2Bc%26d%3D%25%23%C3%BC.docx"
        );
    }
}
