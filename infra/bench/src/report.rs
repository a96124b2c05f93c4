use std::fmt;
use std::time::Duration;

use crate::figures::Figures;
use crate::parallel::Parallel;
use crate::table::{Bytes, Cell, Figure, Line, Times};

/// Of the start, in hello-worlds.
const EXPORT_FIRST_POLL: u32 = 4;
const EXPORT_SIZE: Bytes = Bytes(10_000_000);
const EXPORT_FIRST_ANSWER: Duration = Duration::from_millis(30);
const EXPORT_PEAK_MEMORY: Bytes = Bytes(32_000_000);
const EXPORT_PARALLEL: Times = Times(1.3);

const LINK_FIRST_CPU: Duration = Duration::from_millis(10);
const LINK_WARM_CPU: Duration = Duration::from_micros(600);
const LINK_PEAK_MEMORY: Bytes = Bytes(16_000_000);
const LINK_REQUESTS: usize = 2;
const LINK_ROUND_TRIPS: usize = 2;

const COLUMNS: [&str; 4] = [
    "hello-world",
    "session-export",
    "signed-download",
    "… of a session",
];

/// What was measured, beside what is allowed.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) hello_world: Figures,
    pub(crate) export: Figures,
    pub(crate) link: Figures,
    pub(crate) session_link: Figures,
    pub(crate) parallel: Parallel,
}

impl Report {
    pub(crate) fn keeps_all_limits(&self) -> bool {
        !self.lines().iter().any(Line::is_exceeded)
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::from(self.start());
        lines.extend(self.calls());
        lines.extend(self.parallel_lines());
        lines
    }

    fn start(&self) -> [Line; 5] {
        let (export, link) = (&self.export, &self.link);
        let poll_limit = self.hello_world.first_poll * EXPORT_FIRST_POLL;
        let size = Line {
            what: "size",
            cells: [
                Cell::of(Bytes(self.hello_world.size)),
                Cell::at_most(Bytes(export.size), EXPORT_SIZE),
                Cell::of(Bytes(link.size)),
                Cell::none(),
            ],
        };
        [
            size,
            self.line("start to first poll", |figures| figures.first_poll)
                .with(1, Cell::at_most(export.first_poll, poll_limit)),
            self.line("start to first answer", |figures| figures.first_answer)
                .with(1, Cell::below(export.first_answer, EXPORT_FIRST_ANSWER)),
            self.line("… of it its own CPU", |figures| figures.first_cpu)
                .with(2, Cell::below(link.first_cpu, LINK_FIRST_CPU)),
            self.line("… and the bench's S3's", |figures| figures.s3_cpu)
                .with(0, Cell::none()),
        ]
    }

    fn calls(&self) -> [Line; 5] {
        let (export, link, session_link) = (&self.export, &self.link, &self.session_link);
        [
            self.line("warm time a call", |figures| figures.warm_time),
            self.line("warm CPU a call", |figures| figures.warm_cpu)
                .with(2, Cell::at_most(link.warm_cpu, LINK_WARM_CPU)),
            self.line("peak memory", |figures| Bytes(figures.peak_memory))
                .with(1, Cell::at_most(Bytes(export.peak_memory), EXPORT_PEAK_MEMORY))
                .with(2, Cell::at_most(Bytes(link.peak_memory), LINK_PEAK_MEMORY))
                .with(
                    3,
                    Cell::at_most(Bytes(session_link.peak_memory), LINK_PEAK_MEMORY),
                ),
            self.line("requests to S3 a call", |figures| figures.trips.requests)
                .with(2, Cell::at_most(link.trips.requests, LINK_REQUESTS)),
            self.line("round trips a call", |figures| figures.trips.round_trips)
                .with(2, Cell::at_most(link.trips.round_trips, LINK_ROUND_TRIPS))
                .with(3, Cell::at_most(session_link.trips.round_trips, LINK_ROUND_TRIPS)),
        ]
    }

    /// How the files' PUTs, 20 ms each, compare with the longest of them.
    fn parallel_lines(&self) -> [Line; 4] {
        let line = |what, cell| Line {
            what,
            cells: [Cell::none(), cell, Cell::none(), Cell::none()],
        };
        let parallel = &self.parallel;
        [
            line("PUTs at once, 20 ms each", Cell::of(parallel.objects)),
            line("… first to last", Cell::of(parallel.all)),
            line("… since the reservation", Cell::of(parallel.since_reservation)),
            line(
                "… beside the longest",
                Cell::at_most(Times(parallel.ratio()), EXPORT_PARALLEL),
            ),
        ]
    }

    fn line<T: Figure>(&self, what: &'static str, figure: impl Fn(&Figures) -> T) -> Line {
        let all = [&self.hello_world, &self.export, &self.link, &self.session_link];
        Line {
            what,
            cells: all.map(|figures| Cell::of(figure(figures))),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<26}", "")?;
        for column in COLUMNS {
            write!(f, " {column:>15}       ")?;
        }
        writeln!(f)?;
        for line in self.lines() {
            writeln!(f, "{}", line.to_string().trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::trips::Trips;

    use super::*;

    fn figures() -> Figures {
        let ms = Duration::from_millis;
        Figures {
            size: 10_000_000,
            first_poll: ms(1),
            first_answer: ms(29),
            first_cpu: ms(9),
            s3_cpu: ms(2),
            warm_time: ms(1),
            warm_cpu: Duration::from_micros(600),
            peak_memory: 16_000_000,
            trips: Trips {
                requests: 2,
                round_trips: 2,
            },
        }
    }

    fn report(change: impl FnOnce(&mut Report)) -> Report {
        let mut report = Report {
            hello_world: figures(),
            export: Figures {
                first_poll: Duration::from_millis(4),
                peak_memory: 32_000_000,
                ..figures()
            },
            link: figures(),
            session_link: figures(),
            parallel: Parallel {
                objects: 12,
                all: Duration::from_millis(26),
                longest: Duration::from_millis(20),
                since_reservation: Duration::from_millis(30),
            },
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
        let changes: [fn(&mut Report); 13] = [
            |report| report.export.size += 1,
            |report| report.export.first_poll += Duration::from_nanos(1),
            |report| report.export.first_answer = EXPORT_FIRST_ANSWER,
            |report| report.export.peak_memory += 1,
            |report| report.parallel.all = Duration::from_millis(27),
            |report| report.parallel = Parallel::default(),
            |report| report.link.first_cpu = LINK_FIRST_CPU,
            |report| report.link.warm_cpu += Duration::from_nanos(1),
            |report| report.link.peak_memory += 1,
            |report| report.link.trips.requests = 3,
            |report| report.link.trips.round_trips = 3,
            |report| report.session_link.peak_memory += 1,
            |report| report.session_link.trips.round_trips = 3,
        ];
        for change in changes {
            let report = report(change);
            assert!(!report.keeps_all_limits());
            assert_eq!(report.to_string().matches("EXCEEDED").count(), 1, "{report}");
        }
    }
}
