//! Numbers that other systems have given out are nobody else's: their series go on after the highest one. Before the first
//! file is sent, for meanwhile others take numbers.

use casefile::audit::{Activity, Event, File, Outcome};
use casefile::bol::{BolNumber, ChangeError, Numbers, SetError, State};
use casefile::collection::Collection;

use super::series::{Span, Spans, Spelling, Standing, odd};
use crate::failure::Failure;
use crate::pen::Pen;

/// Lets each series go on after its highest number, unless it has already. The next numbers. `sent` are the numbers of the
/// files that are to be stored.
///
/// # Errors
/// When storage fails, a series has no room for it, or files are to be stored of one that is spelled in two ways by now.
pub(super) async fn pass_all(
    spans: &Spans,
    sent: &Spans,
    numbers: &Numbers<'_>,
    pen: &Pen,
) -> Result<Vec<BolNumber>, Failure> {
    let mut next = Vec::new();
    for span in spans.all() {
        let is_sent = sent.has(span.highest.series());
        next.extend(pass(numbers, pen, span, is_sent).await?);
    }
    Ok(next)
}

/// `None` of another system's series that isn't begun, for nobody knows how it is spelled. What is given out are numbers of
/// the deployment's own alone.
async fn pass(
    numbers: &Numbers<'_>,
    pen: &Pen,
    span: &Span,
    is_sent: bool,
) -> Result<Option<BolNumber>, Failure> {
    let number = &span.highest;
    let (series, now) = (number.series(), (numbers.clock)());
    let after = |state: &mut State| match state.go_on_after(number.count(), &pen.operator().user_id, now) {
        // It has gone on already.
        Err(SetError::Backward) => Ok(false),
        changed => changed,
    };
    let Standing { state, spelling } = Standing::read(numbers, span).await?;
    let width = match (state, spelling) {
        (None, Spelling::Odd(narrow, padded)) if is_sent => {
            let why = odd(series, &narrow, &padded);
            return Err(Failure::Refused(format!(
                "since the plan was made, {why}, and make it anew"
            )));
        }
        (None, Spelling::Odd(..) | Spelling::Unproven) => return Ok(None),
        (Some(mut state), _) => {
            if !after(&mut state).map_err(|error| refused(number, error))? {
                return Ok(Some(state.number(series, state.next())));
            }
            // It keeps its own.
            numbers.format.width()
        }
        (None, Spelling::Width(width)) => width,
    };
    // A series that is begun now is spelled as its documents are.
    let format = series.format(width).unwrap_or_else(|| numbers.format.clone());
    let numbers = Numbers {
        format,
        ..numbers.clone()
    };
    pen.record(&event(&numbers, pen, number, Outcome::Success))
        .await?;
    let failure: Failure = match numbers.change(series, after).await {
        Ok(state) => return Ok(Some(state.number(series, state.next()))),
        Err(ChangeError::Store(error)) => error.into(),
        Err(ChangeError::Refused(error)) => refused(number, error),
    };
    let reason = "failed";
    let failed = event(&numbers, pen, number, Outcome::Refused { status: 503, reason });
    Err(pen.undone(&failed, failure).await)
}

fn refused(number: &BolNumber, error: SetError) -> Failure {
    Failure::Refused(format!("{number}: {error}"))
}

/// As `casefile bol counter set` has it.
fn event<'a>(numbers: &Numbers<'_>, pen: &'a Pen, number: &BolNumber, outcome: Outcome) -> Event<'a> {
    Event {
        file: Some(File {
            bucket: numbers.bucket.name().to_owned(),
            collection: Collection::bols().name().to_owned(),
            path: number.path(),
            ..File::default()
        }),
        ..pen.event(Activity::SetCounter, outcome)
    }
}
