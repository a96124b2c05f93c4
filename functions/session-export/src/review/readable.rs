//! `readable_report.txt`: the session for a person, by a template that a deployment may replace.

mod kept;
mod own;

pub use kept::{KeptTemplate, TemplateKey, TemplateVersion, Templates, generator};
pub use own::MAX_TEMPLATE_BYTES;

use std::sync::Arc;

use casefile::json::Ordered;
use casefile::manifest::Warning;
use casefile::problem::{Problem, ProblemKind};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, Value, context};

use super::session::Session;
use super::statistics::{ReviewTimes, SectionStatistics, SummaryStatistics, Tally, risks_and_categories};
use own::Own;

/// The report as it is shipped.
const SHIPPED: &str = include_str!("readable_report.txt.j2");
const NAME: &str = "readable_report.txt";
/// Categories named in the report.
const TOP_CATEGORIES: usize = 5;

/// The report's template, parsed once: the shipped one, or a deployment's own (Jinja, <https://docs.rs/minijinja>), which
/// gets `export`, `statistics`, `risks`, `categories`, `sections` and `times`. What the own one can't do, the shipped one
/// does.
#[derive(Debug)]
pub struct ReportTemplate {
    shipped: Arc<Environment<'static>>,
    own: Option<Own>,
}

/// A report.
#[derive(Debug)]
pub struct Report {
    /// Its text.
    pub text: String,
    /// That the deployment's own template can't be used, and why.
    pub warning: Option<Warning>,
}

impl ReportTemplate {
    /// The shipped template, or a deployment's own.
    ///
    /// # Errors
    /// When the template can't be parsed; the error says where.
    pub fn new(own: Option<String>) -> Result<Self, String> {
        let own = own.map(Own::parse);
        if let Some(fault) = own.as_ref().and_then(Own::fault) {
            return Err(fault.to_string());
        }
        let mut shipped = environment().map_err(|error| error.to_string())?;
        shipped
            .add_template(NAME, SHIPPED)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            shipped: Arc::new(shipped),
            own,
        })
    }

    /// The same with another template of the deployment's own.
    fn with(&self, own: Own) -> Self {
        Self {
            shipped: Arc::clone(&self.shipped),
            own: Some(own),
        }
    }

    /// Renders the report.
    ///
    /// # Errors
    /// `internal` when the shipped template fails, which it doesn't.
    pub fn render(&self, session: &Session<'_>, folder: &str, exported_at: &str) -> Result<Report, Problem> {
        let values = values(session, folder, exported_at);
        let mut warning = None;
        if let Some(own) = &self.own {
            match own.render(values.clone()) {
                Ok(text) => return Ok(Report { text, warning }),
                Err(fault) => warning = Some(fault),
            }
        }
        let text = self.render_shipped(values).map_err(|error| {
            // The error's text may quote the session; its kind and line don't.
            tracing::error!(template.error = %error.kind(), template.line = error.line(), "the report's template fails");
            Problem::new(ProblemKind::Internal, "the readable report's template fails on this session")
        })?;
        Ok(Report { text, warning })
    }

    fn render_shipped(&self, values: Value) -> Result<String, Error> {
        self.shipped.get_template(NAME)?.render(values)
    }
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    // Blocks stand on lines of their own, which leave no trace.
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()?;
    environment.set_syntax(syntax);
    Ok(environment)
}

/// What a template gets.
fn values(session: &Session<'_>, folder: &str, exported_at: &str) -> Value {
    let (risks, categories) = risks_and_categories(session);
    let sections = session
        .sections
        .iter()
        .map(|name| (name, SectionStatistics::of(session, name)));
    let sections: Vec<Value> = sections
        .map(|(name, statistics)| context! { name => one_line(name), statistics => Value::from(Serde(statistics)) })
        .collect();
    context! {
        export => context! {
            timestamp => exported_at,
            folder_name => folder,
            session_id => session.id.as_str(),
            document_name => session.document_name.as_str(),
            guidelines_used => session.guidelines_name.as_deref().map(one_line),
            guidelines_preference => session.guidelines_preference.as_deref().map(one_line),
        },
        statistics => Value::from(Serde(SummaryStatistics::of(session))),
        risks => pairs(risks.into_ordered()),
        categories => pairs(top(categories)),
        sections,
        times => Value::from(Serde(ReviewTimes::of(session))),
    }
}

/// Name and count, the most frequent first, the first seen first among equals.
fn top(tally: Tally) -> Ordered<String, usize> {
    let mut ordered = tally.into_ordered();
    ordered.0.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    ordered.0.truncate(TOP_CATEGORIES);
    ordered
}

fn pairs(ordered: Ordered<String, usize>) -> Vec<Value> {
    ordered
        .0
        .into_iter()
        .map(|(name, count)| context! { name => one_line(&name), count })
        .collect()
}

/// A text from the session as one line of printable text: a line break in a name could forge lines of the report.
fn one_line(text: &str) -> String {
    let printable: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::testing::{inline, sample_request};

    fn render(template: Option<&str>) -> Report {
        let text = sample_request().to_string();
        let request = inline(&text);
        ReportTemplate::new(template.map(str::to_owned))
            .unwrap()
            .render(&request.session, "folder", "now")
            .unwrap()
    }

    #[test]
    fn a_deployment_may_bring_its_own_template() {
        let own = "{{ export.document_name }}: {{ statistics.total_accepted }}\n{% for s in sections %}{{ s.name }};{% endfor %}";
        let report = render(Some(own));
        assert!(
            report
                .text
                .starts_with("write-up TR-20417.docx: 7\nExecutive Summary;Background;")
        );
        assert_eq!(report.warning, None);
    }

    #[test]
    fn a_template_that_fails_says_where_and_the_shipped_one_makes_the_report() {
        let error = ReportTemplate::new(Some("a\n{% for %}".to_owned())).unwrap_err();
        assert!(error.starts_with("line 2: "), "{error}");
        let report = render(Some("\n{{ export.document_name.nothing.at.all }}"));
        assert_eq!(report.text, render(None).text);
        let warning = report.warning.unwrap();
        assert_eq!(warning.file, "readable_report.txt");
        assert!(warning.detail.contains("line 2: undefined value"), "{warning:?}");
        assert!(!warning.detail.contains("TR-20417"), "{warning:?}");
    }

    #[test]
    fn a_name_can_not_forge_lines_of_the_report() {
        assert_eq!(one_line("A\r\nAccepted:   99\u{7}\u{85}x"), "A Accepted: 99 x");
    }
}
