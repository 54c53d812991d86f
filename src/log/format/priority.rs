//! What the system's logs call the gravity of a record.

use crate::log::record::Severity;

/// The severity's number in syslog, and in the journal.
pub(super) fn number_of(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 2,
        Severity::Error => 3,
        Severity::Warning => 4,
        Severity::Info => 6,
        Severity::Debug | Severity::Trace => 7,
    }
}
