//! `casefile migrate`: files that exist already become what an export through the API would have made of them.
//!
//! In three steps, each of which may be repeated: `plan` looks and writes down what would be done, `apply` does just that,
//! create-only, and `verify` compares. Between them lies only the plan, whose digest tells that it is as it was written.

mod apply;
mod arguments;
mod body;
mod collide;
mod counter;
mod entry;
mod folder;
mod journal;
mod look;
mod make;
mod mapping;
mod pattern;
mod place;
mod plan;
mod progress;
mod rate;
mod read;
mod records;
mod scout;
mod send;
mod series;
mod show;
mod there;
mod verify;

pub use arguments::Arguments;

use std::path::{Path, PathBuf};
use std::time::Duration;

use casefile::bol::{NumberFormat, Numbers};
use casefile::bucket::Bucket;
use casefile::client::S3Settings;
use casefile::collection::{self, Collection};
use casefile::config::{Env, bucket_name};
use casefile::id::Entropy;
use casefile::key::BasePath;
use casefile::link::settings::{LinkSettings, default_tenant};
use casefile::time::Clock;
use tokio::time::Instant;

use self::arguments::{ApplyArguments, Command, PlanArguments};
use self::folder::{Found, Kind};
use self::make::Made;
use self::place::Rules;
use self::plan::{Header, Place, Plan};
use self::progress::Progress;
use self::records::Rows;
use self::show::Planned;
use crate::claim::operator;
use crate::failure::Failure;

/// A change of a series that others get ahead of is tried for this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a command has to show, and what it ends with.
type Shown = (String, u8);

/// What every command works with.
#[derive(Debug)]
struct Desk {
    bucket: Bucket,
    base: BasePath,
    endpoint: Option<String>,
    region: String,
    clock: Clock,
    entropy: Entropy,
    is_json: bool,
}

/// Does what the arguments say; what it has to show, and what it ends with.
///
/// # Errors
/// [`Failure`], in words for the operator.
pub async fn run(arguments: &Arguments, env: Env, clock: Clock, entropy: Entropy) -> Result<Shown, Failure> {
    let is_json = arguments.json;
    match &arguments.command {
        Command::Plan(arguments) => {
            let (desk, rules, found, rows) = prepared(arguments, env, clock, entropy, is_json)?;
            desk.plan(arguments, &rules, found, rows).await
        }
        Command::Apply(arguments) => Box::pin(apply(arguments, env, clock, entropy, is_json)).await,
        Command::Verify(arguments) => {
            let desk = Desk::new(env, clock, entropy, is_json)?;
            let plan = desk.open(&arguments.plan)?;
            let verified = verify::verify(&desk.bucket, &desk.base, &plan).await?;
            Ok((
                show::verified(&verified, is_json),
                verified.code(arguments.strict),
            ))
        }
    }
}

async fn apply(
    arguments: &ApplyArguments,
    mut env: Env,
    clock: Clock,
    entropy: Entropy,
    is_json: bool,
) -> Result<Shown, Failure> {
    let settings = LinkSettings::read(&mut env);
    let name = match &arguments.operator {
        Some(operator) => Some(operator.clone()),
        None => env.required("USER", operator),
    };
    let (settings, name) = env.finish(settings.zip(name)).map_err(failed)?;
    let (endpoint, region) = endpoint_of(&settings.s3);
    let links = settings.links(clock, entropy).map_err(failed)?;
    let desk = Desk {
        bucket: links.bucket.clone(),
        base: links.base.clone(),
        endpoint,
        region,
        clock,
        entropy,
        is_json,
    };
    let plan = desk.open(&arguments.plan)?;
    let rules = desk.rules(&plan)?;
    let is_numbered = rules.collection.number_format().is_some();
    let numbers = desk.numbers().filter(|_| is_numbered);
    let applied = apply::apply(&links, numbers.as_ref(), rules, &plan, name, arguments).await?;
    Ok((show::applied(&applied, is_json), applied.code()))
}

impl Desk {
    fn new(mut env: Env, clock: Clock, entropy: Entropy, is_json: bool) -> Result<Self, Failure> {
        collection::read(&mut env);
        let desk = Self::read(&mut env, clock, entropy, is_json);
        env.finish(desk).map_err(failed)
    }

    fn read(env: &mut Env, clock: Clock, entropy: Entropy, is_json: bool) -> Option<Self> {
        let bucket = env.required("S3_BUCKET_NAME", bucket_name);
        let base = env.optional("S3_BASE_PATH", BasePath::parse).unwrap_or_default();
        let settings = env.s3()?;
        let (endpoint, region) = endpoint_of(&settings);
        Some(Self {
            bucket: Bucket::new(settings.client(), bucket?),
            base,
            endpoint,
            region,
            clock,
            entropy,
            is_json,
        })
    }

    fn numbers(&self) -> Option<Numbers<'_>> {
        Some(Numbers {
            bucket: &self.bucket,
            base: &self.base,
            format: NumberFormat::shipped()?,
            clock: self.clock,
            entropy: self.entropy,
            until: Instant::now() + PATIENCE,
        })
    }

    /// Where files of a collection go.
    fn place(&self, collection: Collection) -> Result<Place, Failure> {
        Ok(Place {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            bucket: self.bucket.name().to_owned(),
            base_path: self.base.as_str().to_owned(),
            collection: collection.name().to_owned(),
            policy: collection.sha256().map_err(failed)?,
        })
    }

    /// A plan for just this place.
    fn open(&self, path: &Path) -> Result<Plan, Failure> {
        let plan = Plan::open(path)?;
        let here = self.place(collection_of(&plan)?)?;
        match plan.header.place.differs(&here) {
            None => Ok(plan),
            Some((what, planned, here)) => Err(Failure::Refused(format!(
                "the plan is for another place: it was made with {what} {planned}, and here that is {here}"
            ))),
        }
    }

    /// By what a plan's files were placed.
    fn rules(&self, plan: &Plan) -> Result<Rules, Failure> {
        Ok(Rules {
            collection: collection_of(plan)?,
            base: self.base.clone(),
            tenant: plan.header.tenant.clone(),
            pattern: None,
            owner: None,
            now: plan.header.made_at,
        })
    }

    async fn plan(
        &self,
        arguments: &PlanArguments,
        rules: &Rules,
        found: Vec<Found>,
        rows: Rows,
    ) -> Result<Shown, Failure> {
        let sizes = found.iter().map(|found| match &found.kind {
            Kind::File(stat) => stat.size,
            Kind::Other(_) => 0,
        });
        let progress = std::cell::RefCell::new(Progress::begin(found.len(), sizes.sum()));
        let is_numbered = rules.collection.number_format().is_some();
        let numbers = self.numbers().filter(|_| is_numbered);
        let done = |bytes| {
            let mut progress = progress.borrow_mut();
            progress.bar().inc(bytes);
            progress.advance();
        };
        let made = make::make(&self.bucket, numbers.as_ref(), rules, found, rows, done).await?;
        let Made { entries, taken } = made;
        drop(progress);
        let records = arguments.records.as_deref().map(Path::canonicalize);
        let header = Header {
            folder: arguments.from.canonicalize().map_err(failed)?,
            records: records.transpose().map_err(failed)?,
            made_at: rules.now,
            ..Header::new(self.place(rules.collection)?, rules.tenant.clone())
        };
        let out = out(arguments);
        let plan = Plan::write(&out, header, &entries)?;
        let planned = Planned {
            path: &out.to_string_lossy(),
            header: &plan.header,
            entries: &entries,
            taken,
        };
        let shown = if self.is_json {
            planned.json()
        } else {
            planned.text()
        };
        Ok((shown, planned.code()))
    }
}

/// What is never overwritten, and what would be taken for the new plan's.
fn in_the_way(out: &Path) -> Vec<String> {
    let files = [out.to_owned(), plan::beside(out, plan::JOURNAL)];
    let there = files.iter().filter(|file| file.exists() || file.is_symlink());
    let told = |file: &PathBuf| {
        format!(
            "{} is there already, and is not overwritten: name another --out",
            file.display()
        )
    };
    let mapping = mapping::refuse_others(&plan::beside(out, plan::MAPPING));
    let mapping = mapping.err().map(|_| {
        format!(
            "{}.csv is there already, where apply would say which file became what: name another --out",
            out.display()
        )
    });
    there.map(told).chain(mapping).collect()
}

fn endpoint_of(settings: &S3Settings) -> (Option<String>, String) {
    let region = settings.aws().region().as_ref().to_owned();
    (settings.endpoint().map(str::to_owned), region)
}

fn collection_of(plan: &Plan) -> Result<Collection, Failure> {
    let name = &plan.header.place.collection;
    let none = || Failure::Refused(format!("there is no collection {name} any more"));
    Collection::parse(name).ok_or_else(none)
}

fn out(arguments: &PlanArguments) -> PathBuf {
    let own = || PathBuf::from(format!("{}.plan", arguments.collection));
    arguments.out.clone().unwrap_or_else(own)
}

/// All that a plan needs; everything that is wrong is told at once.
fn prepared(
    arguments: &PlanArguments,
    mut env: Env,
    clock: Clock,
    entropy: Entropy,
    is_json: bool,
) -> Result<(Desk, Rules, Vec<Found>, Rows), Failure> {
    collection::read(&mut env);
    let mut wrong = Vec::new();
    let tenant = arguments.tenant.clone().or_else(|| default_tenant(&mut env));
    let desk = Desk::read(&mut env, clock, entropy, is_json);
    let base = desk.as_ref().map(|desk| desk.base.clone());
    let known = env.finish(desk.zip(tenant).zip(base));
    let known = known.map_err(|error| wrong.push(error.to_string())).ok();
    let collection = asked(arguments).map_err(|why| wrong.push(why)).ok();
    let found = folder::walk(&arguments.from).map_err(|error| {
        wrong.push(format!(
            "--from {} can't be read: {error}",
            arguments.from.display()
        ));
    });
    wrong.extend(in_the_way(&out(arguments)));
    let tenant = known.as_ref().map(|((_, tenant), _)| tenant);
    let rows = match (&arguments.records, collection.zip(tenant)) {
        (Some(path), Some((collection, tenant))) => {
            records::read(path, collection, tenant).map_err(|failure| wrong.push(failure.to_string()))
        }
        _ => Ok(Rows::default()),
    };
    let all = known.zip(collection).zip(found.ok()).zip(rows.ok());
    match all {
        Some((((((desk, tenant), base), collection), found), rows)) if wrong.is_empty() => {
            let rules = Rules {
                collection,
                base,
                tenant,
                pattern: arguments.name_pattern.clone(),
                owner: arguments.owner.clone(),
                now: clock(),
            };
            Ok((desk, rules, found, rows))
        }
        _ => Err(Failure::Failed(wrong.join("\n"))),
    }
}

/// The collection that is asked for, which stores files one by one.
fn asked(arguments: &PlanArguments) -> Result<Collection, String> {
    let name = &arguments.collection;
    let collection = Collection::parse(name).ok_or_else(|| {
        let all: Vec<_> = Collection::all().map(Collection::name).collect();
        format!("--collection {name}: there is none; there are {}", all.join(", "))
    })?;
    if collection == Collection::reviews() {
        return Err(
            "--collection reviews: a review is a session of many files, which only an export writes; send it to POST \
             /v1/reviews"
                .to_owned(),
        );
    }
    let is_numbered = collection.number_format().is_some();
    match &arguments.name_pattern {
        Some(pattern) if is_numbered && !pattern.says_number() && arguments.records.is_none() => {
            Err(format!(
                "--name-pattern {pattern}: must have {{YYYY}} and {{NNNN}}, unless --records say the numbers"
            ))
        }
        Some(pattern) if !is_numbered && pattern.says_anything() => Err(format!(
            "--name-pattern {pattern}: {{YYYY}} and {{NNNN}} are for collections whose files have numbers"
        )),
        _ => Ok(collection),
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Failed(error.to_string())
}
