//! A request's query, read with all its errors at once.

use std::fmt::Display;

use crate::json::Errors;
use crate::problem::Problem;

/// The parameters of a query, each at most once.
#[derive(Debug)]
pub struct Query {
    left: Vec<(String, String)>,
}

impl Query {
    /// Reads a query as it came (URL standard, *application/x-www-form-urlencoded parsing*). A name that comes twice is
    /// an error.
    pub fn read(raw: &str, errors: &mut Errors) -> Self {
        let mut left: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            if left.iter().any(|(other, _)| *other == name) {
                errors.add(pointer(&name), "is given more than once");
            } else {
                left.push((name.into_owned(), value.into_owned()));
            }
        }
        Self { left }
    }

    /// Takes a parameter's text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let at = self.left.iter().position(|(other, _)| other == name)?;
        Some(self.left.swap_remove(at).1)
    }

    /// Takes a parameter's value; a wrong one is an error.
    pub fn value<T, E: Display>(
        &mut self,
        name: &str,
        errors: &mut Errors,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name)?;
        parse(&text)
            .map_err(|error| errors.add(pointer(name), error.to_string()))
            .ok()
    }

    /// Takes a flag: `true` or `false`.
    pub fn flag(&mut self, name: &str, errors: &mut Errors) -> bool {
        let flag = self.value(name, errors, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false"),
        });
        flag.unwrap_or(false)
    }

    /// Takes a whole number between two bounds.
    pub fn number(&mut self, name: &str, least: u64, most: u64, errors: &mut Errors) -> Option<u64> {
        self.value(name, errors, |text| {
            let number = text.parse().ok().filter(|n| (least..=most).contains(n));
            number.ok_or_else(|| format!("must be a whole number from {least} to {most}"))
        })
    }

    /// Refuses every parameter, for a route that takes none.
    ///
    /// # Errors
    /// `invalid-request` with each of them.
    pub fn refuse_all(raw: &str) -> Result<(), Problem> {
        let mut errors = Errors::default();
        Self::read(raw, &mut errors).refuse_rest(&[], &mut errors);
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(errors.into_vec()))
        }
    }

    /// Refuses what nobody took.
    pub fn refuse_rest(self, known: &[&str], errors: &mut Errors) {
        for (name, _) in self.left {
            let detail = if known.is_empty() {
                "is not known; this route takes no parameters".to_owned()
            } else {
                format!("is not known; known: {}", known.join(", "))
            };
            errors.add(pointer(&name), detail);
        }
    }
}

/// A query as records keep it: what was asked for, in this order and encoded, so that nothing in a value passes for
/// another parameter.
pub fn written(parameters: &[(&str, Option<String>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

/// How an error names a parameter: `?limit`.
pub fn pointer(name: &str) -> String {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
    format!("?{shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let text = |text: &str| Some(text.to_owned());
        let raw = written(&[("a", text("x&b=1 é")), ("b", None), ("c", text("2"))]);
        assert_eq!(raw, "a=x%26b%3D1+%C3%A9&c=2");
        let mut errors = Errors::default();
        let mut query = Query::read(&raw, &mut errors);
        assert_eq!(query.text("a"), text("x&b=1 é"));
        assert_eq!(query.text("b"), None);
    }

    #[test]
    fn all_errors_of_a_query_are_named_at_once() {
        let mut errors = Errors::default();
        let mut query = Query::read("limit=0&redirect=yes&limt=3&a=1&a=2&b=%2B+%C3%A9", &mut errors);
        assert_eq!(query.text("b").as_deref(), Some("+ é"));
        assert_eq!(query.number("limit", 1, 200, &mut errors), None);
        assert!(!query.flag("redirect", &mut errors));
        query.text("a");
        query.refuse_rest(&["limit", "redirect"], &mut errors);
        let found: Vec<_> = errors
            .into_vec()
            .into_iter()
            .map(|error| (error.pointer, error.detail))
            .collect();
        let expected = [
            ("?a", "is given more than once"),
            ("?limit", "must be a whole number from 1 to 200"),
            ("?redirect", "must be true or false"),
            ("?limt", "is not known; known: limit, redirect"),
        ];
        assert_eq!(
            found,
            expected.map(|(pointer, detail)| (pointer.to_owned(), detail.to_owned()))
        );
    }
}
