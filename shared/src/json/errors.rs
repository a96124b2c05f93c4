//! The errors of a request, collected.

use serde::{Deserialize, Serialize};

/// The most errors that one answer names; it says how many more there are.
pub const MAX_ERRORS: usize = 1_000;

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901) into the request.
    pub pointer: String,
    /// What is wrong there, and what would be right.
    pub detail: String,
}

/// The errors of a request, as they are found.
#[derive(Debug, Default)]
pub struct Errors {
    found: Vec<FieldError>,
    omitted: usize,
}

impl Errors {
    /// Notes an error.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        if self.found.len() < MAX_ERRORS {
            self.found.push(FieldError {
                pointer: pointer.into(),
                detail: detail.into(),
            });
        } else {
            self.omitted += 1;
        }
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All errors in the order found; past [`MAX_ERRORS`] the last entry counts the rest.
    pub fn into_vec(mut self) -> Vec<FieldError> {
        if self.omitted > 0 {
            let detail = format!("{} more errors are not listed", self.omitted);
            self.found.push(FieldError {
                pointer: String::new(),
                detail,
            });
        }
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_limit_errors_are_counted() {
        let mut errors = Errors::default();
        for index in 0..MAX_ERRORS + 5 {
            errors.add(format!("/{index}"), "is wrong");
        }
        let errors = errors.into_vec();
        assert_eq!(errors.len(), MAX_ERRORS + 1);
        assert_eq!(errors.last().unwrap().detail, "5 more errors are not listed");
    }
}
