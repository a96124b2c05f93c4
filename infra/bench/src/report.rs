use std::fmt;
use std::time::Duration;

use crate::figures::Figures;
use crate::parallel::Parallel;

const SIZE_LIMIT: u64 = 10_000_000;
const FIRST_POLL_LIMIT: u32 = 4;
const FIRST_ANSWER_LIMIT: Duration = Duration::from_millis(30);
const PEAK_MEMORY_LIMIT: u64 = 32_000_000;
const PARALLEL_LIMIT: f64 = 1.3;

/// What was measured, beside what is allowed.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) hello_world: Figures,
    pub(crate) session_export: Figures,
    pub(crate) parallel: Parallel,
}

/// A line of the table.
struct Line {
    what: &'static str,
    hello_world: String,
    session_export: String,
    limit: String,
    kept: bool,
}

impl Report {
    pub(crate) fn keeps_all_limits(&self) -> bool {
        self.lines().iter().all(|line| line.kept)
    }

    fn lines(&self) -> [Line; 8] {
        let (hello, export) = (&self.hello_world, &self.session_export);
        let poll_limit = hello.first_poll * FIRST_POLL_LIMIT;
        let line = |what, hello_world, session_export| Line {
            what,
            hello_world,
            session_export,
            limit: String::new(),
            kept: true,
        };
        let limit = |line: Line, limit: String, kept| Line { limit, kept, ..line };
        [
            limit(
                line("size", megabytes(hello.size), megabytes(export.size)),
                megabytes(SIZE_LIMIT),
                export.size <= SIZE_LIMIT,
            ),
            limit(
                line(
                    "start to first poll",
                    milliseconds(hello.first_poll),
                    milliseconds(export.first_poll),
                ),
                format!(
                    "{} ({FIRST_POLL_LIMIT} times hello-world)",
                    milliseconds(poll_limit)
                ),
                export.first_poll <= poll_limit,
            ),
            limit(
                line(
                    "start to first answer",
                    milliseconds(hello.first_answer),
                    milliseconds(export.first_answer),
                ),
                milliseconds(FIRST_ANSWER_LIMIT),
                export.first_answer < FIRST_ANSWER_LIMIT,
            ),
            line(
                "warm time a call",
                milliseconds(hello.warm_time),
                milliseconds(export.warm_time),
            ),
            line(
                "warm CPU a call",
                milliseconds(hello.warm_cpu),
                milliseconds(export.warm_cpu),
            ),
            limit(
                line(
                    "peak memory",
                    megabytes(hello.peak_memory),
                    megabytes(export.peak_memory),
                ),
                megabytes(PEAK_MEMORY_LIMIT),
                export.peak_memory <= PEAK_MEMORY_LIMIT,
            ),
            self.parallel_line(),
            line(
                "… since reservation",
                String::new(),
                milliseconds(self.parallel.since_reservation),
            ),
        ]
    }

    fn parallel_line(&self) -> Line {
        let Parallel {
            objects,
            all,
            longest,
            ..
        } = self.parallel;
        let ratio = self.parallel.ratio();
        Line {
            what: "all PUTs, 20 ms each",
            hello_world: String::new(),
            session_export: format!("{} ({ratio:.2} times)", milliseconds(all)),
            limit: format!(
                "{PARALLEL_LIMIT} times the longest of {objects}, {}",
                milliseconds(longest)
            ),
            kept: objects > 1 && ratio <= PARALLEL_LIMIT,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<22} {:>12} {:>22}  limit",
            "", "hello-world", "session-export"
        )?;
        for line in self.lines() {
            let Line {
                what,
                hello_world,
                session_export,
                limit,
                kept,
            } = line;
            let verdict = if kept { "" } else { "  EXCEEDED" };
            writeln!(
                f,
                "{what:<22} {hello_world:>12} {session_export:>22}  {limit}{verdict}"
            )?;
        }
        Ok(())
    }
}

/// Millions of bytes.
fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(change: impl FnOnce(&mut Report)) -> Report {
        let ms = Duration::from_millis;
        let hello_world = Figures {
            size: 1_000_000,
            first_poll: ms(1),
            first_answer: ms(2),
            warm_time: ms(1),
            warm_cpu: ms(1),
            peak_memory: 2_800_000,
        };
        let session_export = Figures {
            size: 10_000_000,
            first_poll: ms(4),
            first_answer: ms(29),
            warm_time: ms(4),
            warm_cpu: ms(2),
            peak_memory: 32_000_000,
        };
        let parallel = Parallel {
            objects: 11,
            all: ms(26),
            longest: ms(20),
            since_reservation: ms(30),
        };
        let mut report = Report {
            hello_world,
            session_export,
            parallel,
        };
        change(&mut report);
        report
    }

    #[test]
    fn figures_at_their_limits_are_kept() {
        assert!(report(|_| {}).keeps_all_limits());
        assert!(!report(|_| {}).to_string().contains("EXCEEDED"));
    }

    #[test]
    fn each_limit_is_checked() {
        let changes: [fn(&mut Report); 6] = [
            |report| report.session_export.size += 1,
            |report| report.session_export.first_poll += Duration::from_nanos(1),
            |report| report.session_export.first_answer = FIRST_ANSWER_LIMIT,
            |report| report.session_export.peak_memory += 1,
            |report| report.parallel.all = Duration::from_millis(27),
            |report| report.parallel = Parallel::default(),
        ];
        for change in changes {
            let report = report(change);
            assert!(!report.keeps_all_limits());
            assert_eq!(report.to_string().matches("EXCEEDED").count(), 1, "{report}");
        }
    }
}
