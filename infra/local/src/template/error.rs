use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {path}: {problem}")]
pub struct TemplateError {
    /// The line, from 1.
    pub line: usize,
    /// The keys that lead there, such as `Resources.Api.Properties`.
    pub path: String,
    /// What is wrong.
    pub problem: String,
}

/// Why a template file could not be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error("{}: cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not say what is needed.
    #[error("{}, {error}", path.display())]
    Template {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: TemplateError,
    },
}
