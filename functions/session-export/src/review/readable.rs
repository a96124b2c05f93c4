//! `readable_report.txt`: the session for a person, by a template that a deployment may replace.

use casefile::json::Ordered;
use casefile::problem::{Problem, ProblemKind};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, Value, context};

use super::session::Session;
use super::statistics::{ReviewTimes, SectionStatistics, SummaryStatistics, Tally, risks_and_categories};

/// The report as it is shipped.
const SHIPPED: &str = include_str!("readable_report.txt.j2");
const NAME: &str = "readable_report.txt";
/// Categories named in the report.
const TOP_CATEGORIES: usize = 5;

/// The report's template, parsed once.
#[derive(Debug)]
pub struct ReportTemplate(Environment<'static>);

impl ReportTemplate {
    /// The shipped template, or a deployment's own (Jinja, <https://docs.rs/minijinja>), which gets `export`,
    /// `statistics`, `risks`, `categories`, `sections` and `times`.
    ///
    /// # Errors
    /// When the template can't be parsed; the error says where.
    pub fn new(own: Option<String>) -> Result<Self, Error> {
        let mut environment = Environment::new();
        // Blocks stand on lines of their own, which leave no trace.
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?;
        environment.set_syntax(syntax);
        match own {
            Some(source) => environment.add_template_owned(NAME, source)?,
            None => environment.add_template(NAME, SHIPPED)?,
        }
        Ok(Self(environment))
    }

    /// Renders the report.
    ///
    /// # Errors
    /// `internal` when the template fails on this session.
    pub fn render(&self, session: &Session<'_>, folder: &str, exported_at: &str) -> Result<String, Problem> {
        self.try_render(session, folder, exported_at).map_err(|error| {
            // The error's text may quote the session; its kind and line don't.
            tracing::error!(template.error = %error.kind(), template.line = error.line(), "the report's template fails");
            Problem::new(ProblemKind::Internal, "the readable report's template fails on this session")
        })
    }

    fn try_render(&self, session: &Session<'_>, folder: &str, exported_at: &str) -> Result<String, Error> {
        let (risks, categories) = risks_and_categories(session);
        let sections = session
            .sections
            .iter()
            .map(|name| (name, SectionStatistics::of(session, name)));
        let sections: Vec<Value> = sections
            .map(|(name, statistics)| context! { name => one_line(name), statistics => Value::from(Serde(statistics)) })
            .collect();
        let context = context! {
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
        };
        self.0.get_template(NAME)?.render(context)
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

    fn render(template: &str) -> Result<String, Problem> {
        let text = sample_request().to_string();
        let request = inline(&text);
        ReportTemplate::new(Some(template.to_owned()))
            .unwrap()
            .render(&request.session, "folder", "now")
    }

    #[test]
    fn a_deployment_may_bring_its_own_template() {
        let own = "{{ export.document_name }}: {{ statistics.total_accepted }}\n{% for s in sections %}{{ s.name }};{% endfor %}";
        assert!(
            render(own)
                .unwrap()
                .starts_with("write-up TR-20417.docx: 7\nExecutive Summary;Background;")
        );
    }

    #[test]
    fn a_template_that_fails_says_where_and_tells_no_text_of_the_session() {
        let error = ReportTemplate::new(Some("a\n{% for %}".to_owned())).unwrap_err();
        assert_eq!(error.line(), Some(2));
        let problem = render("{{ export.document_name.nothing.at.all }}").unwrap_err();
        assert!(!problem.detail.contains("TR-20417"), "{problem}");
    }

    #[test]
    fn a_name_can_not_forge_lines_of_the_report() {
        assert_eq!(one_line("A\r\nAccepted:   99\u{7}\u{85}x"), "A Accepted: 99 x");
    }
}
