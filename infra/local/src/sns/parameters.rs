//! The parameters of a request: a form, each name once.

use std::collections::BTreeMap;

use super::error::SnsError;

/// What is left of a request's parameters.
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// # Errors
    /// For what isn't UTF-8, and for a name that stands there twice.
    pub(super) fn parse(body: &[u8]) -> Result<Self, SnsError> {
        let mut all = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            // That is what bytes become that are no UTF-8.
            if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
                return Err(SnsError::malformed("The request is not UTF-8."));
            }
            let name = name.into_owned();
            if all.insert(name.clone(), value.into_owned()).is_some() {
                return Err(SnsError::malformed(format!("{name} stands there twice.")));
            }
        }
        Ok(Self(all))
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// # Errors
    /// When it isn't there.
    pub(super) fn require(&mut self, name: &str) -> Result<String, SnsError> {
        self.take(name)
            .ok_or_else(|| SnsError::invalid(format!("{name} is missing")))
    }

    /// # Errors
    /// When there is a parameter that nobody took.
    pub(super) fn finish(self) -> Result<(), SnsError> {
        match self.0.into_keys().next() {
            Some(name) => Err(SnsError::invalid(format!("{name} is not known here"))),
            None => Ok(()),
        }
    }
}
