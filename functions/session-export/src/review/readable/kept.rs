//! The template that an export uses: the shipped one, one from a file, or one from the bucket, which may be replaced while
//! the function runs.

use std::sync::Arc;

use casefile::bucket::{Bucket, Tagged};
use casefile::digest::Sha256;
use casefile::problem::Problem;
use casefile::store_error::StoreError;
use futures::lock::Mutex;
use jiff::{SignedDuration, Timestamp};

use super::ReportTemplate;
use super::own::{Fault, MAX_TEMPLATE_BYTES, Own};
use crate::review::problems::storage_problem;

/// Where a deployment's templates lie in the artifacts bucket; the function may read there, and write nothing.
const FOLDER: &str = "_casefile/templates/";
/// Of a name below the folder.
const MAX_NAME_BYTES: usize = 200;
/// For how long a template from the bucket is used before it is asked for again.
const KEPT_FOR: SignedDuration = SignedDuration::from_secs(60);

/// The key of a template in the artifacts bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateKey(String);

impl TemplateKey {
    /// Reads a key such as `_casefile/templates/report.txt.j2`.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name =
            |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(is_plain);
        let name = text.strip_prefix(FOLDER).unwrap_or_default();
        if name.len() <= MAX_NAME_BYTES && name.split('/').all(is_name) {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "must be a key below '_casefile/templates/': letters, digits, '-', '_', '.' between single slashes, \
                 at most 200 characters",
            )
        }
    }
}

/// A template, and what its exports name as their generator: program, version and template decide, beside request and
/// reservation, which bytes are written.
#[derive(Debug)]
pub struct TemplateVersion {
    /// The template.
    pub template: ReportTemplate,
    /// The generator.
    pub generator: String,
}

/// Where an export's template comes from.
#[derive(Debug)]
pub enum Templates {
    /// It is the same as long as the process lives.
    Fixed(Arc<TemplateVersion>),
    /// It lies in the bucket.
    Kept(KeptTemplate),
}

/// A template in the bucket: read at the first export, and asked for again a minute later at the earliest.
#[derive(Debug)]
pub struct KeptTemplate {
    key: TemplateKey,
    /// The program with the shipped template.
    base: Arc<TemplateVersion>,
    kept: Mutex<Option<Kept>>,
}

/// A template, with its entity tag if something lies there that can be read.
type Found = (Option<String>, Arc<TemplateVersion>);

#[derive(Debug)]
struct Kept {
    asked_at: Timestamp,
    etag: Option<String>,
    version: Arc<TemplateVersion>,
}

impl Templates {
    /// The template for an export that begins now.
    ///
    /// # Errors
    /// `unavailable` and `internal` when storage fails. That there is no template, or a wrong one, is no error: its
    /// exports have a warning.
    pub async fn current(&self, bucket: &Bucket, now: Timestamp) -> Result<Arc<TemplateVersion>, Problem> {
        match self {
            Self::Fixed(version) => Ok(Arc::clone(version)),
            Self::Kept(kept) => {
                let current = kept.current(bucket, now).await;
                current.map_err(|error| storage_problem(&error))
            }
        }
    }

    /// The one that was used last, or the shipped one with a warning: without asking S3.
    pub fn at_hand(&self) -> Arc<TemplateVersion> {
        match self {
            Self::Fixed(version) => Arc::clone(version),
            Self::Kept(kept) => {
                let last = kept.kept.try_lock();
                let last = last.and_then(|last| last.as_ref().map(|last| Arc::clone(&last.version)));
                last.unwrap_or_else(|| {
                    let why = "storage can't be asked for it".to_owned();
                    Arc::new(kept.version(Own::unusable(Fault::new(why)), "unknown"))
                })
            }
        }
    }
}

impl KeptTemplate {
    /// The template at `key`, and without one `base`, with a warning.
    pub fn new(key: TemplateKey, base: Arc<TemplateVersion>) -> Self {
        Self {
            key,
            base,
            kept: Mutex::new(None),
        }
    }

    /// Exports that ask at once wait for one answer.
    async fn current(&self, bucket: &Bucket, now: Timestamp) -> Result<Arc<TemplateVersion>, StoreError> {
        let mut kept = self.kept.lock().await;
        let (etag, version) = match kept.as_ref() {
            Some(kept) if kept.is_fresh(now) => return Ok(Arc::clone(&kept.version)),
            Some(kept) => self.ask_again(kept, bucket).await,
            None => self.read(bucket).await?,
        };
        *kept = Some(Kept {
            asked_at: now,
            etag,
            version: Arc::clone(&version),
        });
        Ok(version)
    }

    /// What lies there now; what is kept when it is the same, or when S3 can't say.
    async fn ask_again(&self, kept: &Kept, bucket: &Bucket) -> Found {
        let found = if kept.etag.is_some() {
            match bucket.head(&self.key.0).await {
                Ok(head) if head.etag == kept.etag => return kept.found(),
                Err(error @ StoreError::Unavailable(_)) => Err(error),
                _ => self.read(bucket).await,
            }
        } else {
            self.read(bucket).await
        };
        found.unwrap_or_else(|error| {
            tracing::warn!(storage.error = %error, "the report's template can't be asked for; the kept one is used");
            kept.found()
        })
    }

    async fn read(&self, bucket: &Bucket) -> Result<Found, StoreError> {
        let unusable = |why: String, name: &str| (None, Own::unusable(Fault::new(why)), name.to_owned());
        let (etag, own, name) = match bucket.read_tagged(&self.key.0, MAX_TEMPLATE_BYTES).await {
            Ok(Tagged { bytes, etag }) => {
                let name = Sha256::of(&bytes).to_string();
                (Some(etag), read_text(bytes.into()), name)
            }
            Err(StoreError::NotFound) => unusable(format!("nothing lies at {}", self.key.0), "missing"),
            Err(StoreError::TooLarge { limit }) => {
                unusable(format!("it has more than {limit} bytes"), "too-large")
            }
            Err(error @ (StoreError::Refused(_) | StoreError::Damaged(_))) => {
                error.note("the report's template can't be read");
                unusable("storage doesn't give it out".to_owned(), "refused")
            }
            Err(error @ (StoreError::Unavailable(_) | StoreError::AlreadyExists)) => return Err(error),
        };
        Ok((etag, Arc::new(self.version(own, &name))))
    }

    fn version(&self, own: Own, name: &str) -> TemplateVersion {
        TemplateVersion {
            template: self.base.template.with(own),
            generator: generated_with(&self.base.generator, name),
        }
    }
}

fn read_text(bytes: Vec<u8>) -> Own {
    match String::from_utf8(bytes) {
        Ok(source) => Own::parse(source),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let before = error.as_bytes().iter().take(valid);
            let line = 1 + before.filter(|byte| **byte == b'\n').count();
            Own::unusable(Fault::at(line, "it is not UTF-8"))
        }
    }
}

impl Kept {
    fn found(&self) -> Found {
        (self.etag.clone(), Arc::clone(&self.version))
    }

    /// Not after the clock was set back, either.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.asked_at);
        !age.is_negative() && age < KEPT_FOR
    }
}

/// Program, version and template: what decides, beside request and reservation, which bytes are written.
pub fn generator(own_template: Option<&str>) -> String {
    let program = concat!("session-export/", env!("CARGO_PKG_VERSION"));
    match own_template {
        Some(template) => generated_with(program, &Sha256::of(template.as_bytes()).to_string()),
        None => program.to_owned(),
    }
}

fn generated_with(program: &str, template: &str) -> String {
    format!("{program} template/{template}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_lies_in_its_folder_and_nowhere_else() {
        for key in [
            "_casefile/templates/report.txt.j2",
            "_casefile/templates/acme/v2/report",
        ] {
            assert!(TemplateKey::parse(key).is_ok(), "{key}");
        }
        let long = format!("{FOLDER}{}", "x".repeat(201));
        for key in [
            "",
            "report.j2",
            "_casefile/sessions/acme/x.json",
            "_casefile/templates/",
            "_casefile/templates/../sessions/x.json",
            "_casefile/templates//x",
            "_casefile/templates/a b",
            &long,
        ] {
            assert!(TemplateKey::parse(key).is_err(), "{key}");
        }
    }
}
