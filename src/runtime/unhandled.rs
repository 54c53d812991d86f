//! What tasks failed with that nobody waited for.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::flag::Flag;

/// So many are kept; of more, only the number is.
const KEPT: usize = 10;

/// Collects the failures of the tasks of one scope: for a test, which fails by them. Others go to the
/// log alone.
#[derive(Debug, Default)]
pub(crate) struct Unhandled {
    failures: Mutex<Failures>,
    one: Flag,
}

#[derive(Debug, Default)]
struct Failures {
    texts: Vec<String>,
    more: usize,
}

impl Unhandled {
    pub(crate) fn add(&self, text: String) {
        let mut failures = self.failures();
        if failures.texts.len() < KEPT {
            failures.texts.push(text);
        } else {
            failures.more += 1;
        }
        drop(failures);
        self.one.set();
    }

    /// Waits until there is one.
    #[cfg(feature = "testing")]
    pub(crate) async fn one(&self) {
        self.one.wait().await;
    }

    /// All of them in one text.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn text(&self) -> Option<String> {
        let failures = self.failures();
        if failures.texts.is_empty() {
            return None;
        }
        let mut text = failures.texts.join("; ");
        if failures.more > 0 {
            text += &format!("; and {} more", failures.more);
        }
        Some(text)
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_short() {
        let unhandled = Unhandled::default();
        assert_eq!(unhandled.text(), None);
        for number in 0..KEPT + 2 {
            unhandled.add(number.to_string());
        }
        let text = unhandled.text().expect("there are some");
        assert!(
            text.starts_with("0; 1; ") && text.ends_with("; 9; and 2 more"),
            "{text}"
        );
    }
}
