use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

/// Makes ids that differ from all others of this machine: from the time, this process and a counter.
///
/// They look like AWS's, and they can be guessed: they name requests and guard nothing.
#[derive(Debug)]
pub struct Ids {
    clock: fn() -> Timestamp,
    counter: AtomicU32,
}

impl Ids {
    /// Ids from this clock on.
    pub fn new(clock: fn() -> Timestamp) -> Self {
        Self {
            clock,
            counter: AtomicU32::new(0),
        }
    }

    /// A Lambda request id: a UUID of version 8 (RFC 9562), in order of time.
    pub fn request_id(&self) -> String {
        uuid(self.next())
    }

    /// A request id of API Gateway's form, such as `JKJaXmPLvHcESHA=`.
    pub fn gateway_request_id(&self) -> String {
        let [_, _, _, _, _, tail @ ..] = self.next().to_be_bytes();
        STANDARD.encode(tail)
    }

    /// A trace header's value that says that nobody traces. Source: AWS X-Ray, "Tracing header".
    pub fn trace_header(&self) -> String {
        let seconds = (self.clock)().as_second();
        let id = self.next();
        format!(
            "Root=1-{seconds:08x}-{:024x};Parent={:016x};Sampled=0",
            id & (u128::MAX >> 32),
            id & u128::from(u64::MAX)
        )
    }

    /// The name of a new process's log stream, such as `2025/11/22/[$LATEST]0f…`.
    pub fn log_stream(&self) -> String {
        let day = (self.clock)().strftime("%Y/%m/%d").to_string();
        format!("{day}/[$LATEST]{:032x}", self.next())
    }

    /// 48 bits of milliseconds, version 8, 12 bits within the millisecond, variant, process id, counter.
    fn next(&self) -> u128 {
        let nanoseconds = (self.clock)().as_nanosecond().unsigned_abs();
        let milliseconds = (nanoseconds / 1_000_000) & 0xffff_ffff_ffff;
        let fraction = (nanoseconds % 1_000_000) / 256;
        let process = u128::from(std::process::id()) & 0x3fff_ffff;
        let count = u128::from(self.counter.fetch_add(1, Ordering::Relaxed));
        (milliseconds << 80) | (0x8 << 76) | (fraction << 64) | (0b10 << 62) | (process << 32) | count
    }
}

fn uuid(value: u128) -> String {
    let part = |shift: u32, digits: u32| (value >> shift) & ((1 << (4 * digits)) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 8),
        part(80, 4),
        part(64, 4),
        part(48, 4),
        part(0, 12)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed() -> Timestamp {
        Timestamp::from_second(1_763_130_310).unwrap()
    }

    #[test]
    fn ids_of_the_same_instant_differ() {
        let ids = Ids::new(fixed);
        assert_ne!(ids.request_id(), ids.request_id());
        assert_ne!(ids.gateway_request_id(), ids.gateway_request_id());
    }

    #[test]
    fn a_request_id_is_a_uuid_of_version_8() {
        let id = Ids::new(fixed).request_id();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(id.as_bytes()[14], b'8');
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }

    #[test]
    fn a_gateway_request_id_has_sixteen_characters() {
        assert_eq!(Ids::new(fixed).gateway_request_id().len(), 16);
    }

    #[test]
    fn a_trace_header_has_the_documented_form() {
        let header = Ids::new(fixed).trace_header();
        assert!(header.starts_with("Root=1-69173bc6-"), "{header}");
        assert!(header.ends_with(";Sampled=0"), "{header}");
        assert_eq!(
            header.len(),
            "Root=1-".len() + 8 + 1 + 24 + ";Parent=".len() + 16 + ";Sampled=0".len()
        );
    }

    #[test]
    fn a_log_stream_starts_with_the_day() {
        assert!(Ids::new(fixed).log_stream().starts_with("2025/11/14/[$LATEST]"));
    }
}
