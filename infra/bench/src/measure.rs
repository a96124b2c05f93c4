use std::time::Duration;

use tempfile::TempDir;

use crate::binaries::Binaries;
use crate::document;
use crate::error::BenchError;
use crate::figures::{Figures, median};
use crate::function::Function;
use crate::job::{Job, Jobs};
use crate::parallel::{self, Parallel};
use crate::report::Report;
use crate::s3::{Exchange, S3};
use crate::sample::Sample;
use crate::tls::Identity;
use crate::trips::Trips;
use crate::verify::{self, Verification};

/// The delay of each request where it matters which of them are made at the same time.
const DELAY: Duration = Duration::from_millis(20);
/// Calls of a process with such an S3.
const SLOW_CALLS: usize = 3;

/// Everything that is needed to measure.
pub(crate) struct Bench {
    binaries: Binaries,
    runs: usize,
    calls: usize,
    sample: Sample,
    identity: Identity,
    /// Holds the bundle of authorities.
    _folder: TempDir,
}

/// What single starts of a program took.
#[derive(Debug, Default)]
struct Starts {
    polls: Vec<Duration>,
    answers: Vec<Duration>,
    cpu: Vec<Duration>,
    s3_cpu: Vec<Duration>,
}

/// What one warm process took.
struct Warm {
    time: Duration,
    cpu: Duration,
    peak_memory: u64,
}

impl Bench {
    pub(crate) fn new(binaries: Binaries, runs: usize, calls: usize) -> Result<Self, BenchError> {
        let folder = tempfile::tempdir()?;
        let identity = Identity::new(folder.path())?;
        Ok(Self {
            binaries,
            runs: runs.max(1),
            calls: calls.max(1),
            sample: Sample::read()?,
            identity,
            _folder: folder,
        })
    }

    /// Measures everything. The starts of all programs take turns, so that what else the machine does hits them all.
    pub(crate) fn run(&self) -> Result<Report, BenchError> {
        let (s3, slow_s3) = (self.s3(Duration::ZERO)?, self.s3(DELAY)?);
        let (jobs, slow) = (self.jobs(&s3), self.jobs(&slow_s3));
        let all = [&jobs.hello_world, &jobs.export, &jobs.link, &jobs.session_link];
        let mut starts: [Starts; 4] = Default::default();
        for _ in 0..=self.runs {
            for (job, starts) in all.into_iter().zip(&mut starts) {
                start(job, &s3, starts)?;
            }
        }
        let [hello_world, export, link, session_link] = starts;
        let exports = self.slow_calls(&slow.export, &slow_s3)?;
        let links = self.slow_calls(&slow.link, &slow_s3)?;
        let session_links = self.slow_calls(&slow.session_link, &slow_s3)?;
        Ok(Report {
            hello_world: self.figures(&jobs.hello_world, &s3, hello_world, &[])?,
            export: self.figures(&jobs.export, &s3, export, &exports)?,
            link: self.figures(&jobs.link, &s3, link, &links)?,
            session_link: self.figures(&jobs.session_link, &s3, session_link, &session_links)?,
            parallel: Parallel::median_of(
                exports
                    .iter()
                    .filter_map(|call| parallel::compare(call))
                    .collect(),
            ),
        })
    }

    /// Measures how a large object is verified.
    pub(crate) fn verify(&self, mebibytes: usize) -> Result<Verification, BenchError> {
        verify::measure(&self.binaries.verify, mebibytes, &self.identity)
    }

    fn s3(&self, delay: Duration) -> Result<S3, BenchError> {
        let tls = self.identity.server.clone();
        Ok(S3::start(tls, delay, document::objects())?)
    }

    fn jobs(&self, s3: &S3) -> Jobs<'_> {
        Jobs::new(&self.binaries, &self.sample, s3, &self.identity.bundle)
    }

    /// The first start warms the page cache and does not count.
    fn figures(
        &self,
        job: &Job<'_>,
        s3: &S3,
        mut starts: Starts,
        slow_calls: &[Vec<Exchange>],
    ) -> Result<Figures, BenchError> {
        let warm = self.warm(job, s3)?;
        let Starts {
            polls,
            answers,
            cpu,
            s3_cpu,
        } = &mut starts;
        for times in [polls, answers, cpu, s3_cpu] {
            times.remove(0);
        }
        let trips = slow_calls.iter().map(|call| Trips::of(call));
        Ok(Figures {
            size: std::fs::metadata(job.program.path)?.len(),
            first_poll: median(starts.polls),
            first_answer: median(starts.answers),
            first_cpu: median(starts.cpu),
            s3_cpu: median(starts.s3_cpu),
            warm_time: warm.time,
            warm_cpu: warm.cpu,
            peak_memory: warm.peak_memory,
            trips: trips.reduce(Trips::most).unwrap_or_default(),
        })
    }

    /// Many calls in one process.
    fn warm(&self, job: &Job<'_>, s3: &S3) -> Result<Warm, BenchError> {
        let mut function = Function::start(&job.program)?;
        function.give(job.event(0));
        function.finish()?;
        let before = function.cpu()?;
        for number in 1..=self.calls {
            function.give(job.event(number));
            function.finish()?;
            s3.take_exchanges();
        }
        let cpu = function.cpu()?.saturating_sub(before);
        let calls = u32::try_from(self.calls).unwrap_or(u32::MAX);
        Ok(Warm {
            time: median(call_times(&function)),
            cpu: cpu / calls,
            peak_memory: function.peak_memory()?,
        })
    }

    /// The requests of each warm call when S3 takes its time.
    fn slow_calls(&self, job: &Job<'_>, s3: &S3) -> Result<Vec<Vec<Exchange>>, BenchError> {
        let mut calls = Vec::new();
        for _ in 0..self.runs.min(11) {
            let mut function = Function::start(&job.program)?;
            for number in 0..=SLOW_CALLS {
                function.give(job.event(number));
                function.finish()?;
                let exchanges = s3.take_exchanges();
                // The first call also opens the connections.
                if number > 0 {
                    calls.push(exchanges);
                }
            }
        }
        Ok(calls)
    }
}

/// One start, from the process to its first answer.
fn start(job: &Job<'_>, s3: &S3, starts: &mut Starts) -> Result<(), BenchError> {
    s3.take_cpu();
    let mut function = Function::start(&job.program)?;
    function.give(job.event(0));
    function.finish()?;
    starts.cpu.push(function.cpu()?);
    let log = function.api.wait_for(0, Duration::ZERO);
    let (polled, answered) = (log.polled.first(), log.answered.first());
    starts
        .polls
        .extend(polled.map(|polled| *polled - function.started));
    starts
        .answers
        .extend(answered.map(|(answered, _)| *answered - function.started));
    drop(log);
    drop(function);
    s3.take_exchanges();
    starts.s3_cpu.push(s3.take_cpu());
    Ok(())
}

/// The times of the calls after the first.
fn call_times(function: &Function) -> Vec<Duration> {
    let log = function.api.wait_for(0, Duration::ZERO);
    let calls = log.given.iter().zip(&log.answered).skip(1);
    calls.map(|(given, (answered, _))| *answered - *given).collect()
}
