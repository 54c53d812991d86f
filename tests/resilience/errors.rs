//! What errors say.

use std::error::Error;

use aiomisc::resilience::{CallError, Refusal};

use super::ms;

#[test]
fn errors_say_what_happened() {
    let failed = CallError::Failed(std::io::Error::other("the disk is full"));
    assert_eq!(failed.to_string(), "the operation has failed");
    assert_eq!(failed.source().unwrap().to_string(), "the disk is full");
    assert_eq!(failed.into_inner().to_string(), "the disk is full");
    let refused = CallError::<std::io::Error>::from(Refusal::Broken { retry_after: ms(7) });
    assert_eq!(refused.to_string(), "the operation was not let through");
    assert_eq!(
        refused.source().unwrap().to_string(),
        "the circuit is broken"
    );
    assert!(refused.into_inner().is::<Refusal>());
}
