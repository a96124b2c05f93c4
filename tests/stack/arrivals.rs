//! What happens when an object arrives: verdicts, filing, quarantine, tags and index, whatever order events come in.

mod deliveries;
mod failures;
mod order;
mod sessions;
mod yard;
