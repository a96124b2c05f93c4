//! `casefile bol counter`: which numbers of bills of lading are given out, and what an operator may say about them. What
//! it changes is in the audit log first.

mod arguments;
mod check;
mod show;

pub use arguments::Arguments;

use std::time::Duration;

use casefile::audit::{Activity, Asked, AuditLog, Event, File, Outcome};
use casefile::bol::{
    BolNumber, ChangeError, NumberFormat, Numbers, Series, SetError, State, Void, VoidError,
};
use casefile::bucket::{Bucket, Seen};
use casefile::collection::Collection;
use casefile::config::{Env, bucket_name};
use casefile::id::Entropy;
use casefile::key::BasePath;
use casefile::link::settings::default_tenant;
use casefile::name::TenantId;
use casefile::time::Clock;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::tz::TimeZone;
use tokio::time::Instant;

use self::arguments::{Command, Counter, What};
use self::check::Check;
use self::show::View;
use crate::claim::operator;
use crate::failure::Failure;
use crate::pen::Pen;

/// A change that others get ahead of is tried for this long.
const PATIENCE: Duration = Duration::from_secs(30);
/// Documents looked at at once.
const AT_ONCE: usize = 16;

/// Does what the arguments say; what it has to show, and whether all is well.
///
/// # Errors
/// [`Failure`], in words for the operator.
pub async fn run(
    arguments: &Arguments,
    env: Env,
    clock: Clock,
    entropy: Entropy,
) -> Result<(String, bool), Failure> {
    let What::Counter(counter) = &arguments.what;
    let desk = Desk::new(counter, env, clock, entropy)?;
    match &counter.command {
        Command::Get { series, check } => desk.get(series.as_ref(), *check).await,
        Command::Set {
            number,
            despite_stored,
        } => Ok((desk.set(number, *despite_stored).await?, true)),
        Command::Void { number, reason } => Ok((desk.void(number, reason).await?, true)),
    }
}

/// What an operator works with.
struct Desk {
    bucket: Bucket,
    base: BasePath,
    format: NumberFormat,
    clock: Clock,
    entropy: Entropy,
    /// Whoever changes something needs it.
    pen: Option<Pen>,
    is_json: bool,
}

/// What an operator changes.
struct Deed<'a> {
    activity: Activity,
    number: &'a BolNumber,
    reason: Option<&'a str>,
}

impl Desk {
    fn new(counter: &Counter, mut env: Env, clock: Clock, entropy: Entropy) -> Result<Self, Failure> {
        let bucket = env.required("S3_BUCKET_NAME", bucket_name);
        let base = env.optional("S3_BASE_PATH", BasePath::parse).unwrap_or_default();
        let format = NumberFormat::shipped();
        let is_reading = matches!(counter.command, Command::Get { .. });
        let writer = (!is_reading).then(|| writer(counter, &mut env)).transpose();
        let settings = env.s3();
        let known = bucket.zip(format).zip(writer.ok()).zip(settings);
        let (((bucket, format), writer), settings) = env
            .finish(known)
            .map_err(|error| Failure::Failed(error.to_string()))?;
        let client = settings.client();
        let pen = writer.map(|(audit, operator, tenant)| {
            let audit = AuditLog::new(Bucket::new(client.clone(), audit), clock, entropy);
            Pen::new(audit, operator, tenant)
        });
        Ok(Self {
            pen: pen.transpose()?,
            bucket: Bucket::new(client, bucket),
            base,
            format,
            clock,
            entropy,
            is_json: counter.json,
        })
    }

    fn numbers(&self) -> Numbers<'_> {
        Numbers {
            bucket: &self.bucket,
            base: &self.base,
            format: self.format.clone(),
            clock: self.clock,
            entropy: self.entropy,
            until: Instant::now() + PATIENCE,
        }
    }

    async fn get(&self, series: Option<&Series>, is_checked: bool) -> Result<(String, bool), Failure> {
        let year = (self.clock)().to_zoned(TimeZone::UTC).year();
        let series = series.cloned().or_else(|| self.format.series(year));
        let series = series.ok_or_else(|| Failure::Refused("this year has no numbers".to_owned()))?;
        let state = self.numbers().state(&series).await?;
        let state = state.unwrap_or_else(|| State::new(self.format.width()));
        let looks = state.open().iter().map(async |open| {
            let head = self.is_stored(&state.number(&series, open.number)).await?;
            Ok::<_, Failure>(head.then_some(open.number))
        });
        let looked: Vec<_> = stream::iter(looks.map(Box::pin))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let used: Vec<_> = looked.into_iter().flatten().collect();
        let check = if is_checked {
            let keys = self.bucket.keys(&series.documents()).await?;
            Some(Check::new(&series, &state, keys))
        } else {
            None
        };
        let view = View {
            series: &series,
            state: &state,
            used: &used,
            check: check.as_ref(),
        };
        let shown = if self.is_json { view.json() } else { view.text() };
        Ok((shown, check.is_none_or(|check| check.holds())))
    }

    async fn set(&self, number: &BolNumber, despite_stored: bool) -> Result<String, Failure> {
        let number = self.ours(number)?;
        let deed = Deed {
            activity: Activity::SetCounter,
            number,
            reason: None,
        };
        let (pen, now) = (self.pen()?, (self.clock)());
        let series = number.series();
        let after = |state: &mut State| state.go_on_after(number.count(), &pen.operator().user_id, now);
        let state = self.numbers().state(series).await?;
        let mut state = state.unwrap_or_else(|| State::new(self.format.width()));
        if let Err(error) = after(&mut state) {
            pen.record(&self.event(pen, &deed, refused(set_refusal(error))))
                .await?;
            return Err(Failure::Refused(error.to_string()));
        }
        if !despite_stored && let Some(highest) = self.beyond(number).await? {
            pen.record(&self.event(pen, &deed, refused("stored"))).await?;
            return Err(Failure::Refused(format!(
                "{highest} is stored, which is beyond it: is it the last one of the other system? Otherwise say \
                 --despite-stored, and the numbers of stored documents are passed over"
            )));
        }
        pen.record(&self.event(pen, &deed, Outcome::Success)).await?;
        match self.numbers().change(series, after).await {
            Ok(state) => Ok(show::set(&state.number(series, state.next()), self.is_json)),
            Err(error) => Err(self.undone(pen, &deed, error, set_refusal).await),
        }
    }

    async fn void(&self, number: &BolNumber, reason: &str) -> Result<String, Failure> {
        let deed = Deed {
            activity: Activity::VoidNumber,
            number,
            reason: Some(reason),
        };
        let (pen, now) = (self.pen()?, (self.clock)());
        let series = number.series();
        let make_void = |state: &mut State| {
            if state.number(series, number.count()) != *number {
                return Err(VoidError::NotOpen);
            }
            state.make_void(Void {
                number: number.count(),
                reason: reason.to_owned(),
                by: pen.operator().user_id.clone(),
                at: now,
            })
        };
        let state = self.numbers().state(series).await?;
        let mut state = state.unwrap_or_else(|| State::new(self.format.width()));
        if let Err(error) = make_void(&mut state) {
            pen.record(&self.event(pen, &deed, refused(void_refusal(error))))
                .await?;
            return Err(Failure::Refused(error.to_string()));
        }
        if self.is_stored(number).await? {
            pen.record(&self.event(pen, &deed, refused("stored"))).await?;
            return Err(Failure::Refused("its document is stored".to_owned()));
        }
        pen.record(&self.event(pen, &deed, Outcome::Success)).await?;
        match self.numbers().change(series, make_void).await {
            Ok(_) => Ok(show::void(number, self.is_json)),
            Err(error) => Err(self.undone(pen, &deed, error, void_refusal).await),
        }
    }

    /// A change that failed is on record as one that was made: a second record says so.
    async fn undone<E: std::error::Error>(
        &self,
        pen: &Pen,
        deed: &Deed<'_>,
        error: ChangeError<E>,
        reason: impl Fn(E) -> &'static str,
    ) -> Failure {
        let (failure, reason) = match error {
            ChangeError::Store(error) => (error.into(), "failed"),
            ChangeError::Refused(error) => (Failure::Refused(error.to_string()), reason(error)),
        };
        pen.undone(&self.event(pen, deed, refused(reason)), failure).await
    }

    fn event<'a>(&self, pen: &'a Pen, deed: &Deed<'_>, outcome: Outcome) -> Event<'a> {
        Event {
            file: Some(File {
                bucket: self.bucket.name().to_owned(),
                collection: Collection::bols().name().to_owned(),
                path: deed.number.path(),
                ..File::default()
            }),
            asked: Asked {
                reason: deed.reason.map(str::to_owned),
                ..Asked::default()
            },
            ..pen.event(deed.activity, outcome)
        }
    }

    fn pen(&self) -> Result<&Pen, Failure> {
        let none = || Failure::Failed("AUDIT_BUCKET_NAME is not set".to_owned());
        self.pen.as_ref().ok_or_else(none)
    }

    fn ours<'a>(&self, number: &'a BolNumber) -> Result<&'a BolNumber, Failure> {
        let is_ours = self.format.number(&number.to_string()).is_some();
        is_ours.then_some(number).ok_or_else(|| {
            let format = &self.format;
            Failure::Refused(format!(
                "{number} isn't written as {format}, as infra/collections.toml says"
            ))
        })
    }

    /// Whether a document has the number, also one that is hidden: rejected, say.
    async fn is_stored(&self, number: &BolNumber) -> Result<bool, Failure> {
        let Some(key) = number.key(&self.base) else {
            return Ok(false);
        };
        Ok(self.bucket.seen(&key).await? != Seen::Nothing)
    }

    /// The highest stored number after `number`.
    async fn beyond(&self, number: &BolNumber) -> Result<Option<BolNumber>, Failure> {
        let keys = self.bucket.keys(&number.series().documents()).await?;
        let names = keys.iter().filter_map(|key| key.rsplit('/').next());
        let stored = names.filter_map(|name| BolNumber::parse(name.strip_suffix(".pdf")?));
        // The keys of a series whose prefix begins with this one's lie there too.
        let stored = stored.filter(|stored| stored.series() == number.series());
        let beyond = stored.filter(|stored| stored.count() > number.count());
        Ok(beyond.max_by_key(BolNumber::count))
    }
}

/// Where the audit log lies, and who the operator claims to be; what is wrong is noted in the environment.
fn writer(counter: &Counter, env: &mut Env) -> Result<(String, String, TenantId), ()> {
    let audit = env.required("AUDIT_BUCKET_NAME", bucket_name);
    if audit.is_some() && audit == env.text("S3_BUCKET_NAME") {
        env.refuse("AUDIT_BUCKET_NAME", "must be another bucket than S3_BUCKET_NAME");
    }
    let tenant = default_tenant(env);
    let name = match &counter.operator {
        Some(operator) => Some(operator.clone()),
        None => env.required("USER", operator),
    };
    let ((audit, tenant), operator) = audit.zip(tenant).zip(name).ok_or(())?;
    Ok((audit, operator, tenant))
}

/// As an answer of the API would have it.
fn refused(reason: &'static str) -> Outcome {
    let status = if reason == "failed" { 503 } else { 409 };
    Outcome::Refused { status, reason }
}

fn set_refusal(error: SetError) -> &'static str {
    match error {
        SetError::Backward => "backward",
        SetError::Last => "last",
        SetError::Full => "full",
    }
}

fn void_refusal(error: VoidError) -> &'static str {
    match error {
        VoidError::NotOpen => "not_open",
        VoidError::Young => "young",
        VoidError::Full => "full",
    }
}
