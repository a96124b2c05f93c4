use std::path::Path;

use crate::binaries::Binaries;
use crate::document::{Document, FILE, SESSION_FILE};
use crate::function::Program;
use crate::s3::S3;
use crate::sample::Sample;

/// A program, and what it is asked for again and again.
pub(crate) struct Job<'a> {
    pub(crate) program: Program<'a>,
    event: Event<'a>,
}

enum Event<'a> {
    /// Another session each time.
    Export(&'a Sample),
    Same(Vec<u8>),
}

/// All that is measured.
pub(crate) struct Jobs<'a> {
    /// It gets the event of a link, and doesn't look at it.
    pub(crate) hello_world: Job<'a>,
    pub(crate) export: Job<'a>,
    /// A link to a document by itself.
    pub(crate) link: Job<'a>,
    /// A link to a file of a session.
    pub(crate) session_link: Job<'a>,
}

impl Job<'_> {
    /// The event of a call, by its number.
    pub(crate) fn event(&self, number: usize) -> Vec<u8> {
        match &self.event {
            Event::Export(sample) => sample.event(number),
            Event::Same(event) => event.clone(),
        }
    }
}

impl<'a> Jobs<'a> {
    /// The jobs, to be done with this S3, which is trusted by the certificates in `bundle`.
    pub(crate) fn new(binaries: &'a Binaries, sample: &'a Sample, s3: &S3, bundle: &Path) -> Self {
        let program = |name, path| Program {
            name,
            path,
            variables: vec![
                ("S3_BUCKET_NAME", "artifacts".to_owned()),
                ("AUDIT_BUCKET_NAME", "audit".to_owned()),
                ("AWS_ENDPOINT_URL_S3", s3.endpoint.clone()),
                // Where the system keeps its authorities: as in Lambda, where no bundle of one's own is configured.
                ("SSL_CERT_FILE", bundle.display().to_string()),
            ],
        };
        let link = |document: Document| Job {
            program: program("signed-download", &binaries.signed_download),
            event: Event::Same(document.event()),
        };
        Self {
            hello_world: Job {
                program: program("hello-world", &binaries.hello_world),
                event: Event::Same(FILE.event()),
            },
            export: Job {
                program: program("session-export", &binaries.session_export),
                event: Event::Export(sample),
            },
            link: link(FILE),
            session_link: link(SESSION_FILE),
        }
    }
}
