//! Numbers that many threads add to: each thread has a lane of its own, so that nobody waits for the
//! memory of another.

use std::array;
use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// How many threads count without meeting others.
const SEATS: usize = 64;
/// How many numbers one line of the cache (or two that are fetched together) has.
const CELLS: usize = 16;
/// How many numbers the first chunk of a lane has; each further one has twice as many as the one
/// before, so that these are enough for every `u32`.
const FIRST_CHUNK: u64 = 512;
const CHUNKS: usize = 24;

/// A place for one number in every lane. Given back when it is dropped.
///
/// The thread's own part is changed without a locked instruction, since nobody else writes there.
/// Places are close together, eight bytes for each thread that counts; lanes grow when a thread first
/// counts in that part, and stay.
pub(super) struct Slot {
    line: u32,
    chunk: u8,
    cell: u8,
}

impl Slot {
    /// # Panics
    ///
    /// When four billion numbers are alive, for which a process has no memory.
    pub(super) fn take() -> Self {
        let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        let number = places.given_back.pop().unwrap_or_else(|| {
            let number = places.next;
            let next = number.checked_add(1);
            places.next = next.expect("there is no memory for so many numbers");
            number
        });
        Self::of(number)
    }

    /// Adds, wrapping around, in about a nanosecond. Gives the number in the lane that was added to.
    #[inline]
    pub(super) fn add(&self, amount: u64) -> u64 {
        match LANE.try_with(Cell::get) {
            Ok(Some(lane)) => lane.add_alone(self, amount),
            _ => self.add_seated(amount),
        }
    }

    /// Adds one to each of several; the lane is looked up once.
    #[inline]
    pub(super) fn add_one_to_each<const N: usize>(slots: [&Self; N]) {
        if let Ok(Some(lane)) = LANE.try_with(Cell::get) {
            for slot in slots {
                lane.add_alone(slot, 1);
            }
        } else {
            for slot in slots {
                slot.add_seated(1);
            }
        }
    }

    /// What was added, as far as this thread knows of it.
    pub(super) fn total(&self) -> u64 {
        let cells = LANES.iter().chain([&SHARED]).filter_map(|l| l.look(self));
        cells.fold(0, |total, cell| {
            total.wrapping_add(cell.load(Ordering::Relaxed))
        })
    }

    /// The number in the lane that all threads share, for what has to be one number.
    pub(super) fn shared(&self) -> &'static AtomicU64 {
        SHARED.cell(self)
    }

    /// Takes a seat if this thread has none, or counts beside the threads that have none.
    #[cold]
    fn add_seated(&self, amount: u64) -> u64 {
        let lane = SEAT.try_with(|seat| LANES.get(seat.0)).ok().flatten();
        if let Some(lane) = lane {
            // The next time this is not needed. It cannot fail: nothing is to be dropped there.
            let _ = LANE.try_with(|own| own.set(Some(lane)));
            lane.add_alone(self, amount)
        } else {
            let count = self.shared().fetch_add(amount, Ordering::Relaxed);
            count.wrapping_add(amount)
        }
    }

    fn of(number: u32) -> Self {
        let number = u64::from(number) + FIRST_CHUNK;
        let chunk = number.ilog2() - FIRST_CHUNK.ilog2();
        let place = number - (FIRST_CHUNK << chunk);
        let narrow = "a chunk has no more numbers than there are";
        Self {
            line: u32::try_from(place / CELLS as u64).expect(narrow),
            chunk: u8::try_from(chunk).expect(narrow),
            cell: u8::try_from(place % CELLS as u64).expect(narrow),
        }
    }

    fn number(&self) -> u32 {
        let place = u64::from(self.line) * CELLS as u64 + u64::from(self.cell);
        let number = place + (FIRST_CHUNK << self.chunk) - FIRST_CHUNK;
        u32::try_from(number).expect("it was made of one")
    }
}

impl Drop for Slot {
    /// Nobody writes any more, so the place is clean for the next.
    fn drop(&mut self) {
        for lane in LANES.iter().chain([&SHARED]) {
            if let Some(cell) = lane.look(self) {
                cell.store(0, Ordering::Relaxed);
            }
        }
        let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        places.given_back.push(self.number());
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.total().fmt(f)
    }
}

/// Which places are free.
struct Places {
    /// The first that was never given out.
    next: u32,
    given_back: Vec<u32>,
}

static PLACES: Mutex<Places> = Mutex::new(Places {
    next: 0,
    given_back: Vec::new(),
});

/// The numbers of one thread.
struct Lane {
    chunks: [OnceLock<Box<[Line]>>; CHUNKS],
}

/// Apart from the others, so that writers do not take the line from each other.
#[repr(align(128))]
struct Line([AtomicU64; CELLS]);

static LANES: [Lane; SEATS] = [const { Lane::new() }; SEATS];
/// Of the threads that have no seat, and of the numbers that are one for all.
static SHARED: Lane = Lane::new();

impl Lane {
    const fn new() -> Self {
        Self {
            chunks: [const { OnceLock::new() }; CHUNKS],
        }
    }

    /// Adds to what no other thread writes to, so that nothing comes in between.
    #[inline]
    fn add_alone(&self, slot: &Slot, amount: u64) -> u64 {
        let cell = self.cell(slot);
        let count = cell.load(Ordering::Relaxed).wrapping_add(amount);
        cell.store(count, Ordering::Relaxed);
        count
    }

    #[inline]
    fn cell(&self, slot: &Slot) -> &AtomicU64 {
        match self.look(slot) {
            Some(cell) => cell,
            None => self.grow(slot),
        }
    }

    #[inline]
    fn look(&self, slot: &Slot) -> Option<&AtomicU64> {
        let lines = self.chunks[usize::from(slot.chunk)].get()?;
        Some(&lines[slot.line as usize].0[usize::from(slot.cell) % CELLS])
    }

    #[cold]
    fn grow(&self, slot: &Slot) -> &AtomicU64 {
        let line = || Line(array::from_fn(|_| AtomicU64::new(0)));
        let lines = self.chunks[usize::from(slot.chunk)].get_or_init(|| {
            let count = (FIRST_CHUNK << slot.chunk) / CELLS as u64;
            (0..count).map(|_| line()).collect()
        });
        &lines[slot.line as usize].0[usize::from(slot.cell)]
    }
}

/// The number of a thread among those that live; the lock hands the lane of one that ended, and what
/// it wrote there, on to the next.
struct Seat(usize);

static TAKEN: Mutex<[bool; SEATS]> = Mutex::new([false; SEATS]);

thread_local! {
    /// The lane of this thread, as long as it has its seat.
    static LANE: Cell<Option<&'static Lane>> = const { Cell::new(None) };
    static SEAT: Seat = Seat::take();
}

impl Seat {
    fn take() -> Self {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.iter().position(|taken| !taken) {
            Some(free) => {
                taken[free] = true;
                Self(free)
            }
            None => Self(usize::MAX),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // What is counted from here on, by other destructors of this thread, goes to the shared lane.
        let _ = LANE.try_with(|own| own.set(None));
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = taken.get_mut(self.0) {
            *taken = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    /// More threads than seats, and more after those, which get their seats.
    #[test]
    fn nothing_is_lost() {
        const THREADS: usize = SEATS + SEATS / 2;
        const TIMES: u64 = if cfg!(miri) { 20 } else { 10_000 };
        let slot = Slot::take();
        for round in 1..=3 {
            let together = Barrier::new(THREADS);
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        // Here the thread gets its seat, if there is one left.
                        slot.add(1);
                        together.wait();
                        for _ in 1..TIMES {
                            slot.add(1);
                        }
                    });
                }
            });
            assert_eq!(slot.total(), round * TIMES * THREADS as u64);
        }
    }

    #[test]
    fn every_number_has_a_place_of_its_own() {
        let first = u32::try_from(FIRST_CHUNK).unwrap();
        let edges = [0, 1, 15, 16, first - 1, first, first + 1, 3 * first - 1];
        for number in edges.into_iter().chain([3 * first, u32::MAX - 1, u32::MAX]) {
            let slot = std::mem::ManuallyDrop::new(Slot::of(number));
            assert_eq!(slot.number(), number);
            assert!(usize::from(slot.chunk) < CHUNKS);
            let lines = (FIRST_CHUNK << slot.chunk) / CELLS as u64;
            assert!(u64::from(slot.line) < lines && usize::from(slot.cell) < CELLS);
        }
    }

    /// Also what was counted by threads that are gone, and beside their seats.
    #[test]
    fn a_place_is_clean_for_the_next() {
        for _ in 0..100 {
            let slots: Vec<_> = (0..20).map(|_| Slot::take()).collect();
            for slot in &slots {
                assert_eq!(slot.total(), 0);
                slot.add(5);
                thread::scope(|scope| {
                    scope.spawn(|| slot.add(u64::MAX));
                });
                slot.shared().fetch_add(3, Ordering::Relaxed);
                assert_eq!(slot.total(), 7, "it wraps around");
            }
        }
    }

    /// A destructor of a thread-local that runs after the seat was given back.
    #[test]
    fn a_thread_counts_without_its_seat() {
        struct Late(&'static Slot);
        impl Drop for Late {
            fn drop(&mut self) {
                assert!(SEAT.try_with(|_| ()).is_err(), "the seat is gone");
                assert!(LANE.get().is_none(), "its lane may be another's by now");
                self.0.add(1);
                self.0.add(1);
            }
        }
        thread_local! {
            static LATE: Cell<Option<Late>> = const { Cell::new(None) };
        }
        let slot: &'static Slot = Box::leak(Box::new(Slot::take()));
        let counts = thread::spawn(move || {
            // What was used first is dropped last.
            LATE.set(Some(Late(slot)));
            slot.add(1);
        });
        counts.join().unwrap();
        assert_eq!(slot.total(), 3);
    }
}
