//! `casefile quarantine`: what was rejected, why, and its release. Each call is in the audit log before it shows or does
//! anything.
//!
//! Who the operator is, the record takes from the operator: nothing here proves it. What proves who had the rights is
//! AWS's own log of the calls, under their credentials.

mod arguments;
mod arrivals;
mod show;

pub use arguments::Arguments;

use casefile::audit::{Activity, Asked, AuditLog, Event, File, Given, Outcome};
use casefile::bucket::Bucket;
use casefile::collection::Collection;
use casefile::config::{Env, bucket_name};
use casefile::document::{Document, optional};
use casefile::id::Entropy;
use casefile::key::BasePath;
use casefile::link::settings::LinkSettings;
use casefile::name::TenantId;
use casefile::quarantine::{self, Held, Item, ItemId, ReleaseError};
use casefile::time::Clock;

use self::arguments::Command;
use self::arrivals::Arrivals;
use self::show::Told;
use crate::claim::operator;
use crate::failure::Failure;
use crate::pen::Pen;

/// Does what the arguments say; what it has to show.
///
/// # Errors
/// [`Failure`], in words for the operator.
pub async fn run(arguments: &Arguments, env: Env, clock: Clock, entropy: Entropy) -> Result<String, Failure> {
    let desk = Desk::new(arguments, env, clock, entropy)?;
    match &arguments.command {
        Command::List { all } => desk.list(*all).await,
        Command::Show { id } => desk.show(id).await,
        Command::Release { id, reason } => desk.release(id, reason).await,
    }
}

/// What an operator works with.
struct Desk {
    artifacts: Bucket,
    quarantine: Bucket,
    base: BasePath,
    /// Who is told of a release.
    arrivals: Option<Arrivals>,
    /// Of the deployment's own tenant, in whose log stands what is nobody else's.
    pen: Pen,
    is_json: bool,
}

/// What a call is about: the file as records describe it, and whose it is.
struct Subject {
    file: File,
    /// The deployment's own, where it isn't known.
    tenant: TenantId,
}

impl Desk {
    fn new(arguments: &Arguments, mut env: Env, clock: Clock, entropy: Entropy) -> Result<Self, Failure> {
        let settings = LinkSettings::read(&mut env);
        let quarantine = env.required("QUARANTINE_BUCKET_NAME", bucket_name);
        let is_same = settings.as_ref().map(|settings| &settings.bucket) == quarantine.as_ref();
        if quarantine.is_some() && is_same {
            env.refuse(
                "QUARANTINE_BUCKET_NAME",
                "must be another bucket than S3_BUCKET_NAME",
            );
        }
        let operator = match &arguments.operator {
            Some(operator) => Some(operator.clone()),
            None => env.required("USER", operator),
        };
        let arrivals = settings
            .as_ref()
            .and_then(|settings| Arrivals::read(&mut env, &settings.s3));
        let known = settings.zip(quarantine).zip(operator);
        let ((settings, quarantine), operator) = env
            .finish(known)
            .map_err(|error| Failure::Failed(error.to_string()))?;
        let client = settings.s3.client();
        let bucket = |name: String| Bucket::new(client.clone(), name);
        let audit = AuditLog::new(bucket(settings.audit_bucket), clock, entropy);
        Ok(Self {
            artifacts: bucket(settings.bucket),
            quarantine: bucket(quarantine),
            base: settings.base_path,
            arrivals,
            pen: Pen::new(audit, operator, settings.default_tenant)?,
            is_json: arguments.json,
        })
    }

    async fn list(&self, all: bool) -> Result<String, Failure> {
        let listing = quarantine::list(&self.artifacts, &self.quarantine).await?;
        let asked = Asked {
            query: all.then(|| "all".to_owned()),
            ..Asked::default()
        };
        let given = Given {
            entries: Some(listing.held.len() + listing.damaged.len()),
            ..Given::default()
        };
        let event = Event {
            file: Some(File {
                bucket: self.quarantine.name().to_owned(),
                ..File::default()
            }),
            asked,
            given,
            ..self.pen.event(Activity::ReadQuarantine, Outcome::Success)
        };
        self.pen.write(&event).await?;
        Ok(show::list(&listing, all, self.is_json))
    }

    async fn show(&self, id: &ItemId) -> Result<String, Failure> {
        let held = self.find(id, Activity::ReadQuarantine, None).await?;
        let place = match quarantine::place(&self.artifacts, &held.item).await {
            Err(ReleaseError::Store(error)) => return Err(error.into()),
            place => place,
        };
        let subject = self.subject(&held.item).await?;
        self.record(Activity::ReadQuarantine, Outcome::Success, &subject, None)
            .await?;
        Ok(show::one(&held, &place, self.is_json))
    }

    async fn release(&self, id: &ItemId, reason: &str) -> Result<String, Failure> {
        let activity = Activity::Release;
        let held = self.find(id, activity, Some(reason)).await?;
        let subject = self.subject(&held.item).await?;
        if let Err(error) = quarantine::place(&self.artifacts, &held.item).await {
            if let Some(why) = refusal(&error) {
                self.record(activity, refused(why), &subject, Some(reason))
                    .await?;
            }
            return Err(failure(error));
        }
        let recorded = self.record(activity, Outcome::Success, &subject, Some(reason));
        if let Err(error) = recorded.await {
            // It may be there all the same.
            let _ = self
                .record(activity, refused("failed"), &subject, Some(reason))
                .await;
            return Err(error);
        }
        if let Err(error) = quarantine::release(&self.artifacts, &held.item).await {
            return Err(self.unreleased(error, &subject, reason).await);
        }
        let told = self.tell(&held.item).await?;
        Ok(show::released(&held, told, self.is_json))
    }

    /// A release that failed is on record as one that was made: a second record says so.
    async fn unreleased(&self, error: ReleaseError, subject: &Subject, reason: &str) -> Failure {
        let outcome = refused(refusal(&error).unwrap_or("failed"));
        let recorded = self
            .record(Activity::Release, outcome, subject, Some(reason))
            .await;
        match (failure(error), recorded) {
            (failure, Ok(())) => failure,
            (failure, Err(_)) => Failure::Failed(format!(
                "{failure}; the audit log has it as released, and the record that it wasn't can't be written either: \
                 release it again"
            )),
        }
    }

    async fn tell(&self, item: &Item) -> Result<Told, Failure> {
        let Some(arrivals) = &self.arrivals else {
            return Ok(Told::Nobody);
        };
        let told = arrivals.announce(self.artifacts.name(), item, self.pen.now());
        match told.await {
            Ok(()) => Ok(Told::PostProcess),
            Err(error) => Err(Failure::Failed(format!(
                "it is released, and links lead to it, but the queue of arrivals can't be told, so index and notices \
                 don't follow yet; release it again: {error}"
            ))),
        }
    }

    /// The item of that id. That there is none is on record, too.
    async fn find(&self, id: &ItemId, activity: Activity, reason: Option<&str>) -> Result<Held, Failure> {
        if let Some(held) = quarantine::show(&self.artifacts, &self.quarantine, id.clone()).await? {
            return Ok(held);
        }
        let subject = Subject {
            file: File {
                bucket: self.quarantine.name().to_owned(),
                path: id.to_string(),
                ..File::default()
            },
            tenant: self.pen.operator().tenant.clone(),
        };
        self.record(activity, refused("not_found"), &subject, reason)
            .await?;
        Err(Failure::Refused(format!(
            "there is nothing of the id {id} in the quarantine"
        )))
    }

    /// Whose a version is, its own metadata says, as for links.
    async fn subject(&self, item: &Item) -> Result<Subject, Failure> {
        let places = Collection::all()
            .find_map(|collection| Some((collection, collection.path(&self.base, &item.key)?)));
        let head = match &item.version_id {
            Some(version_id) => optional(self.artifacts.head_version(&item.key, version_id)).await?,
            None => optional(self.artifacts.head(&item.key)).await?,
        };
        let (collection, path) = places.unwrap_or((Collection::reviews(), ""));
        let document = head.map(|head| Document::new(collection, path.to_owned(), item.key.clone(), head));
        Ok(Subject {
            file: File {
                bucket: self.artifacts.name().to_owned(),
                collection: places.map_or("", |(collection, _)| collection.name()).to_owned(),
                path: path.to_owned(),
                key: item.key.clone(),
                version_id: item.version_id.clone(),
                size: Some(item.size),
                sha256: Some(item.sha256),
                content_type: Some(item.content_type.clone()),
            },
            tenant: document
                .and_then(|document| document.tenant)
                .unwrap_or_else(|| self.pen.operator().tenant.clone()),
        })
    }

    async fn record(
        &self,
        activity: Activity,
        outcome: Outcome,
        subject: &Subject,
        reason: Option<&str>,
    ) -> Result<(), Failure> {
        let event = Event {
            tenant: Some(subject.tenant.as_str()),
            file: Some(subject.file.clone()),
            asked: Asked {
                reason: reason.map(str::to_owned),
                ..Asked::default()
            },
            ..self.pen.event(activity, outcome)
        };
        Ok(self.pen.write(&event).await?)
    }
}

/// As an answer of the API would have it.
fn refused(reason: &'static str) -> Outcome {
    let status = match reason {
        "not_found" => 404,
        "failed" => 503,
        _ => 409,
    };
    Outcome::Refused { status, reason }
}

fn refusal(error: &ReleaseError) -> Option<&'static str> {
    match error {
        ReleaseError::Replaced => Some("replaced"),
        ReleaseError::Overtaken => Some("overtaken"),
        ReleaseError::Gone => Some("gone"),
        ReleaseError::Full => Some("no_room_for_tag"),
        ReleaseError::Store(_) => None,
    }
}

fn failure(error: ReleaseError) -> Failure {
    match error {
        ReleaseError::Store(error) => error.into(),
        error => Failure::Refused(error.to_string()),
    }
}
