use std::time::Duration;

use crate::trips::Trips;

/// What is measured of one job: medians of several runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figures {
    /// The program's size in bytes.
    pub(crate) size: u64,
    /// From just before the process starts to its first request for work.
    pub(crate) first_poll: Duration,
    /// From just before the process starts to the end of its first answer.
    pub(crate) first_answer: Duration,
    /// The process's own part in that: its CPU time, from `execve` on.
    pub(crate) first_cpu: Duration,
    /// The other side's part: CPU time of the S3 that answers the first call, with the TLS handshakes.
    pub(crate) s3_cpu: Duration,
    /// From giving an event to the end of the answer, in a process that has answered before.
    pub(crate) warm_time: Duration,
    /// CPU time a call in such a process.
    pub(crate) warm_cpu: Duration,
    /// The most memory, in bytes, after all warm calls.
    pub(crate) peak_memory: u64,
    /// The most requests to S3 that a warm call makes, and in how many round trips.
    pub(crate) trips: Trips,
}

/// The middle value, or the lower one of the two; zero of nothing.
pub(crate) fn median<T: Ord + Copy + Default>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median(vec![3, 1, 2]), 2);
        assert_eq!(median(vec![4, 1, 3, 2]), 2);
        assert_eq!(median(Vec::<u8>::new()), 0);
    }
}
