//! The memory for what is kept of files that are looked at: one room for the whole process, however many files are read
//! at the same time.

use tokio::sync::{Semaphore, SemaphorePermit};

/// What is kept at the same time, of all files together: three of the largest.
const ROOM_MIB: usize = 96;
const MIB: u64 = 1024 * 1024;

static ROOM: Room = Room::new(ROOM_MIB);

/// A part of the room, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Kept {
    _permit: Option<SemaphorePermit<'static>>,
}

/// Waits until there is room for that many bytes, all at once. Whoever has some must not ask for more: two of them could
/// wait for each other.
pub(super) async fn room(bytes: u64) -> Kept {
    Kept {
        _permit: ROOM.take(bytes).await,
    }
}

/// So many MiB, given to those who wait in the order in which they came, so that a large file isn't passed for ever.
#[derive(Debug)]
struct Room {
    free: Semaphore,
    mib: usize,
}

impl Room {
    const fn new(mib: usize) -> Self {
        Self {
            free: Semaphore::const_new(mib),
            mib,
        }
    }

    async fn take(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        let mib = usize::try_from(bytes.div_ceil(MIB)).unwrap_or(self.mib);
        let mib = u32::try_from(mib.clamp(1, self.mib)).unwrap_or(u32::MAX);
        // It is never closed.
        self.free.acquire_many(mib).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn what_does_not_fit_waits_for_its_whole_room() {
        let room = Room::new(96);
        let take = |bytes| room.take(bytes).now_or_never().flatten();
        let first = take(32 * MIB).unwrap();
        let (second, small) = (take(63 * MIB).unwrap(), take(1).unwrap());
        assert!(take(1).is_none(), "a small file counts as one MiB");
        drop(small);
        assert!(take(MIB + 1).is_none());
        drop(first);
        let third = take(32 * MIB + 1).unwrap();
        drop((second, third));
        assert!(take(u64::MAX).is_some(), "what is larger gets all of it");
    }

    #[test]
    fn a_large_file_is_not_passed_for_ever() {
        let room = Room::new(2);
        let first = room.take(1).now_or_never().flatten().unwrap();
        let mut large = Box::pin(room.take(2 * MIB));
        assert!(large.as_mut().now_or_never().is_none());
        assert!(room.take(1).now_or_never().is_none(), "it came later");
        drop(first);
        assert!(large.now_or_never().flatten().is_some());
    }
}
