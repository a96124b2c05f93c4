use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::binaries::Binaries;
use crate::error::BenchError;
use crate::figures::{Figures, median};
use crate::function::{Function, Program};
use crate::parallel::{self, Parallel};
use crate::report::Report;
use crate::s3::S3;
use crate::sample::Sample;
use crate::tls::Identity;

/// The delay of each request when the writing at once is measured.
const DELAY: Duration = Duration::from_millis(20);

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

    /// Measures everything. The starts of both programs take turns, so that what else the machine does hits both.
    pub(crate) fn run(&self) -> Result<Report, BenchError> {
        let s3 = S3::start(self.identity.server.clone(), Duration::ZERO)?;
        let hello = Program {
            name: "hello-world",
            path: &self.binaries.hello_world,
            variables: Vec::new(),
        };
        let export = self.session_export(&s3);
        let (mut hello_starts, mut export_starts) = (Starts::default(), Starts::default());
        for _ in 0..=self.runs {
            self.start(&hello, &mut hello_starts)?;
            self.start(&export, &mut export_starts)?;
            s3.take_puts();
        }
        let (hello_warm, export_warm) = (self.warm(&hello, &s3)?, self.warm(&export, &s3)?);
        Ok(Report {
            hello_world: figures(hello.path, hello_starts, &hello_warm)?,
            session_export: figures(export.path, export_starts, &export_warm)?,
            parallel: self.parallel()?,
        })
    }

    fn session_export(&self, s3: &S3) -> Program<'_> {
        let variables = vec![
            ("S3_BUCKET_NAME", "artifacts".to_owned()),
            ("AWS_ENDPOINT_URL_S3", s3.endpoint.clone()),
            ("AWS_CA_BUNDLE", self.identity.bundle.display().to_string()),
        ];
        Program {
            name: "session-export",
            path: &self.binaries.session_export,
            variables,
        }
    }

    /// One start, from the process to its first answer.
    fn start(&self, program: &Program<'_>, starts: &mut Starts) -> Result<(), BenchError> {
        let mut function = Function::start(program)?;
        function.give(self.sample.event(0));
        function.finish()?;
        let log = function.api.wait_for(0, Duration::ZERO);
        starts
            .polls
            .extend(log.polled.first().map(|polled| *polled - function.started));
        starts.answers.extend(
            log.answered
                .first()
                .map(|(answered, _)| *answered - function.started),
        );
        Ok(())
    }

    /// Many calls in one process.
    fn warm(&self, program: &Program<'_>, s3: &S3) -> Result<Warm, BenchError> {
        let mut function = Function::start(program)?;
        function.give(self.sample.event(0));
        function.finish()?;
        let before = function.cpu()?;
        for number in 1..=self.calls {
            function.give(self.sample.event(number));
            function.finish()?;
            s3.take_puts();
        }
        let cpu = function.cpu()?.saturating_sub(before);
        let calls = u32::try_from(self.calls).unwrap_or(u32::MAX);
        Ok(Warm {
            time: median(call_times(&function)),
            cpu: cpu / calls,
            peak_memory: function.peak_memory()?,
        })
    }

    /// How an export of many objects compares with its longest PUT when S3 takes its time.
    fn parallel(&self) -> Result<Parallel, BenchError> {
        let s3 = S3::start(self.identity.server.clone(), DELAY)?;
        let program = self.session_export(&s3);
        let mut exports = Vec::new();
        for _ in 0..self.runs.min(11) {
            let mut function = Function::start(&program)?;
            for number in 0..4 {
                function.give(self.sample.event(number));
                function.finish()?;
                let puts = s3.take_puts();
                // The first export also opens the connections.
                exports.extend(parallel::compare(&puts).filter(|_| number > 0));
            }
        }
        Ok(Parallel::median_of(exports))
    }
}

/// The times of the calls after the first.
fn call_times(function: &Function) -> Vec<Duration> {
    let log = function.api.wait_for(0, Duration::ZERO);
    let calls = log.given.iter().zip(&log.answered).skip(1);
    calls.map(|(given, (answered, _))| *answered - *given).collect()
}

/// The first start warms the page cache and does not count.
fn figures(path: &Path, mut starts: Starts, warm: &Warm) -> Result<Figures, BenchError> {
    starts.polls.remove(0);
    starts.answers.remove(0);
    Ok(Figures {
        size: std::fs::metadata(path)?.len(),
        first_poll: median(starts.polls),
        first_answer: median(starts.answers),
        warm_time: warm.time,
        warm_cpu: warm.cpu,
        peak_memory: warm.peak_memory,
    })
}
