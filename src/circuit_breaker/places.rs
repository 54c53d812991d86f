use std::time::{Duration, Instant};

/// The places of the probes. Each is known by a ticket, so that whoever lost its place cannot give back that of
/// another.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    limit: Duration,
    /// In the order in which they were taken, and so in that of their ends.
    taken: Vec<Place>,
    next: u64,
}

#[derive(Debug)]
struct Place {
    ticket: u64,
    /// `None` for no end.
    until: Option<Instant>,
}

impl Places {
    pub(super) fn new(most: usize, limit: Duration) -> Self {
        Self {
            most,
            limit,
            taken: Vec::new(),
            next: 0,
        }
    }

    /// Takes a place, if need be that of a probe whose time is over. Else tells after how long the first
    /// comes free, at the latest.
    pub(super) fn take(&mut self, now: Instant) -> Result<u64, Duration> {
        self.taken
            .retain(|place| place.until.is_none_or(|until| now < until));
        if self.taken.len() >= self.most {
            return Err(self.left(now));
        }
        let ticket = self.next;
        self.next += 1;
        let until = now.checked_add(self.limit);
        self.taken.push(Place { ticket, until });
        Ok(ticket)
    }

    /// After how long there is a free place, at the latest.
    pub(super) fn left(&self, now: Instant) -> Duration {
        let over = |place: &Place| place.until.is_some_and(|until| until <= now);
        match self.taken.first() {
            Some(first) if self.taken.len() >= self.most && !over(first) => first
                .until
                .map_or(Duration::MAX, |until| until.saturating_duration_since(now)),
            _ => Duration::ZERO,
        }
    }

    /// Gives a place back; false if it was lost.
    pub(super) fn give_back(&mut self, ticket: u64) -> bool {
        let place = self.taken.iter().position(|place| place.ticket == ticket);
        let Some(place) = place else { return false };
        self.taken.remove(place);
        true
    }

    /// Takes the places from all who have one.
    pub(super) fn clear(&mut self) {
        self.taken.clear();
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.len()
    }
}
