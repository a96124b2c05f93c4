use std::io;

use thiserror::Error;

/// Why nothing was measured.
#[derive(Debug, Error)]
pub(crate) enum BenchError {
    #[error("cargo could not build {0}")]
    Build(&'static str),
    #[error("no bundle of certificate authorities in {0}")]
    NoBundle(String),
    #[error("a certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("TLS could not be set up: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the sample could not be read: {0}")]
    Sample(#[from] serde_json::Error),
    #[error("{program} gave no answer: {reason}")]
    NoAnswer { program: &'static str, reason: String },
    #[error("{program} refused the sample: {answer}")]
    Refused { program: &'static str, answer: String },
    #[error(transparent)]
    Io(#[from] io::Error),
}
