//! A deployment's own template: what it may use, and what it isn't used for.
//!
//! It sees nothing but the values that it is given: no files, no other templates, no macros. Its size, its steps and what
//! it writes are limited; what it holds in between is not, but for the engine's limit of 100 MB a repeated text.

use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use casefile::manifest::Warning;
use minijinja::{Environment, Error, ErrorKind, Value};

use super::{NAME, environment};

/// The largest template, in bytes.
pub const MAX_TEMPLATE_BYTES: u64 = 256 * 1024;
/// Steps of the engine in one report: 400 for each of the 5,000 sections that a session may have.
const FUEL: u64 = 2_000_000;
/// The largest report: 1.6 KB for each section.
const MAX_REPORT_BYTES: usize = 8 * 1024 * 1024;

/// A deployment's own template, or why there is none.
#[derive(Debug)]
pub(super) struct Own {
    parsed: Result<Environment<'static>, Fault>,
    is_told: AtomicBool,
}

/// Why a template makes no report. Says nothing of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    line: Option<usize>,
    reason: String,
}

impl Own {
    /// Parses a template.
    pub(super) fn parse(source: String) -> Self {
        let parsed = environment().and_then(|mut environment| {
            environment.set_fuel(Some(FUEL));
            environment.add_template_owned(NAME, source)?;
            Ok(environment)
        });
        Self::of(parsed.map_err(|error| Fault::of_parsing(&error)))
    }

    /// A template that can't be had.
    pub(super) fn unusable(fault: Fault) -> Self {
        Self::of(Err(fault))
    }

    fn of(parsed: Result<Environment<'static>, Fault>) -> Self {
        Self {
            parsed,
            is_told: AtomicBool::new(false),
        }
    }

    /// What is wrong with it, as far as that is known before it is used.
    pub(super) fn fault(&self) -> Option<&Fault> {
        self.parsed.as_ref().err()
    }

    /// Renders the report, or says what a reader of the shipped one should know. The log is told once.
    pub(super) fn render(&self, context: Value) -> Result<String, Warning> {
        let rendered = match &self.parsed {
            Ok(environment) => rendered(environment, context),
            Err(fault) => Err(fault.clone()),
        };
        rendered.map_err(|fault| {
            if !self.is_told.swap(true, Ordering::Relaxed) {
                tracing::error!(template.fault = %fault, "the deployment's own report template can't be used");
            }
            Warning {
                file: NAME.to_owned(),
                detail: format!("the shipped template made it, for the deployment's own can't be used: {fault}"),
            }
        })
    }
}

fn rendered(environment: &Environment<'_>, context: Value) -> Result<String, Fault> {
    let mut report = Limited::default();
    // The engine panics at a width of 2^63, for one.
    let render = AssertUnwindSafe(|| {
        let template = environment.get_template(NAME)?;
        template.render_captured_to(context, &mut report).map(drop)
    });
    match catch_unwind(render) {
        Ok(Ok(())) => String::from_utf8(report.0).map_err(|_| Fault::new("it writes no UTF-8")),
        Ok(Err(error)) => Err(Fault::of_rendering(&error)),
        Err(_) => Err(Fault::new("the engine can't do what it asks for")),
    }
}

impl Fault {
    /// A fault of the template as a whole.
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            line: None,
            reason: reason.into(),
        }
    }

    /// A fault in a line, counted from 1.
    pub(super) fn at(line: usize, reason: &str) -> Self {
        Self {
            line: Some(line),
            reason: reason.to_owned(),
        }
    }

    fn of_parsing(error: &Error) -> Self {
        let kind = error.kind();
        let detail = error.detail();
        Self {
            line: error.line(),
            reason: detail.map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}")),
        }
    }

    /// The error's text may quote the session; its kind and line don't.
    fn of_rendering(error: &Error) -> Self {
        let reason = match error.kind() {
            ErrorKind::OutOfFuel => format!("it takes more than {FUEL} steps"),
            ErrorKind::WriteFailure => format!("it writes more than {MAX_REPORT_BYTES} bytes"),
            kind => kind.to_string(),
        };
        Self {
            line: error.line(),
            reason,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

/// Takes [`MAX_REPORT_BYTES`].
#[derive(Default)]
struct Limited(Vec<u8>);

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_REPORT_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn detail(source: &str) -> String {
        let context = context! { export => context! { document_name => "secret" } };
        Own::parse(source.to_owned()).render(context).unwrap_err().detail
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_without_the_session() {
        for (source, expected) in [
            ("a\nb\n{% for %}\n", "line 3: syntax error: "),
            ("a\n{{ export.document_name.x.y }}", "line 2: undefined value"),
            ("{{ export.document_name|nope }}", "line 1: unknown filter"),
            ("\n{% include 'other' %}", "line 2: syntax error: "),
            (
                "\n{% for i in range(10000) %}{% for j in range(10000) %}\n.{% endfor %}{% endfor %}",
                "it takes more than 2000000 steps",
            ),
            ("\n{{ 'x' * 9000000 }}", "it writes more than 8388608 bytes"),
            (
                "{{ 'x\ny'|indent(18446744073709551615) }}",
                "the engine can't do what it asks for",
            ),
        ] {
            let detail = detail(source);
            assert!(detail.contains(expected), "{source}: {detail}");
            assert!(!detail.contains("secret"), "{detail}");
        }
    }
}
