//! What a service does, and when, under each policy.

use std::fmt;

use aiomisc::service::{Policy, Restart, ServiceState, ServiceStatus};
use aiomisc::service_fn;

use super::*;

/// How a program ends in which one service lives this life.
struct Case {
    life: Life,
    /// What is wrong, if it is wrong.
    cause: Option<&'static str>,
}

const BEFORE: [Case; 3] = [
    Case {
        life: Life::NoStart,
        cause: Some("service `it` failed to start: no start"),
    },
    Case {
        life: Life::PanicAtStart,
        cause: Some("service `it` failed to start: panicked: at the start"),
    },
    Case {
        life: Life::Up,
        cause: None,
    },
];

const AFTER: [Case; 4] = [
    Case {
        life: Life::Fails(10),
        cause: Some("service `it` failed: broken"),
    },
    Case {
        life: Life::Panics(10),
        cause: Some("service `it` failed: panicked: oh no"),
    },
    Case {
        life: Life::TaskFails(10),
        cause: Some("service `it` failed: a task broke"),
    },
    Case {
        life: Life::Ends(10),
        cause: None,
    },
];

fn policies() -> [Policy; 3] {
    [
        Policy::StopAll,
        Restart::new().jitter(false).into(),
        Policy::Ignore,
    ]
}

/// P1: a failure before the first `ready` fails the start, under each policy.
#[test]
fn failing_before_the_first_start_fails_the_start() {
    for policy in policies() {
        for case in BEFORE {
            simulate(async || {
                let diary = Diary::new();
                let script = Script::new("it", &diary, &[case.life]);
                let started = builder()
                    .service(script.options(|options| options.policy(policy.clone())))
                    .start()
                    .await;
                match (case.cause, started) {
                    (Some(cause), Err(error)) => {
                        assert_eq!(error.to_string(), cause);
                        diary.assert(&["0 it: start"]);
                    }
                    (None, Ok(ep)) => {
                        ep.graceful_shutdown("done").await.expect("all is well");
                        diary.assert(&["0 it: start", "0 it: stop (done)"]);
                    }
                    (_, started) => panic!("{:?} gives {started:?}", case.life),
                }
            });
        }
    }
}

/// P2 to P4: a failure after it acts by the policy, is visible, and `stop` is called once.
#[test]
fn failing_after_the_start_acts_by_the_policy() {
    for policy in policies() {
        for case in AFTER {
            simulate(async || {
                let diary = Diary::new();
                let script = Script::new("it", &diary, &[case.life]);
                let ep = builder()
                    .service(script.options(|options| options.policy(policy.clone())))
                    .start()
                    .await
                    .expect("it starts");
                let service = ep.service("it").expect("it is there");
                after(500).await;
                let status = service.status();
                assert_eq!(status.cause.as_deref(), case.cause);
                let restarted = case.cause.is_some() && matches!(policy, Policy::Restart(_));
                let stopped = case.cause.is_some() && policy == Policy::StopAll;
                assert_eq!(status.restarts, u64::from(restarted));
                assert_eq!(ep.is_closing(), stopped);
                let expected = match (&policy, case.cause) {
                    (Policy::Restart(_), Some(_)) => ServiceState::Running,
                    (_, Some(_)) => ServiceState::Failed,
                    (_, None) => ServiceState::Stopped,
                };
                assert_eq!(status.state, expected);
                let result = ep.graceful_shutdown("done").await;
                match stopped {
                    true => assert_eq!(
                        result.expect_err("it failed").to_string(),
                        case.cause.expect("")
                    ),
                    false => assert!(result.is_ok(), "{result:?}"),
                }
                let because = "it: stop (service `it` failed)";
                let expected: &[String] = &match (&policy, case.cause) {
                    (Policy::Restart(_), Some(_)) => vec![
                        "0 it: start".to_owned(),
                        format!("10 {because}"),
                        "110 it: start".to_owned(),
                        "500 it: stop (done)".to_owned(),
                    ],
                    (Policy::StopAll, Some(_)) => {
                        vec!["0 it: start".to_owned(), format!("10 {because}")]
                    }
                    _ => vec!["0 it: start".to_owned(), "500 it: stop (done)".to_owned()],
                };
                assert_eq!(diary.all(), expected);
            });
        }
    }
}

/// P7: what fails while the stop is under way is collected, and no policy acts.
#[test]
fn failures_during_the_stop_are_collected() {
    for policy in policies() {
        simulate(async || {
            let diary = Diary::new();
            let script = Script::new("it", &diary, &[Life::Fails(100)]).stop_takes(200);
            let ep = builder()
                .service(script.options(|options| options.policy(policy.clone())))
                .start()
                .await
                .expect("it starts");
            after(50).await;
            let error = ep
                .graceful_shutdown("done")
                .await
                .expect_err("it broke meanwhile");
            assert_eq!(error.to_string(), "service `it` failed: broken");
            diary.assert(&["0 it: start", "50 it: stop (done)", "250 it: stopped"]);
        });
    }
}

/// An error that looks at its service whenever it is written out.
#[derive(Debug)]
struct Witness {
    service: ServiceContext,
    seen: Arc<Mutex<Vec<ServiceStatus>>>,
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut seen = self.seen.lock().expect("nobody panics meanwhile");
        seen.push(self.service.status());
        f.write_str("broken")
    }
}

impl std::error::Error for Witness {}

/// Nobody sees a failed service without the cause, nor one that is about to come back as failed; and no
/// lock is held while an error of the user is written out.
#[test]
fn a_failure_is_not_seen_without_its_cause() {
    // Writes errors out before anything else is done about them.
    shared::log::keep();
    for policy in policies() {
        simulate(async || {
            let seen = Arc::default();
            let witness = Arc::clone(&seen);
            let service = service_fn("it", move |service: ServiceContext| {
                let seen = Arc::clone(&witness);
                async move {
                    service.ready();
                    Err(Witness { service, seen }.into())
                }
            });
            let ep = builder()
                .service(service.configure(|options| options.policy(policy.clone())))
                .start()
                .await
                .expect("it starts");
            after(500).await;
            // Whether it has failed for good is not what this is about.
            let _ = ep.graceful_shutdown("done").await;

            let seen = seen.lock().expect("nobody panics meanwhile");
            let failed = |status: &ServiceStatus| status.cause.is_some();
            assert!(seen.iter().any(failed), "it was looked at in time");
            for status in seen.iter() {
                match status.state {
                    ServiceState::Failed => {
                        assert!(!matches!(policy, Policy::Restart(_)), "{status:?}");
                        assert!(status.cause.is_some(), "{status:?}");
                    }
                    ServiceState::Restarting => assert!(status.cause.is_some(), "{status:?}"),
                    _ => {}
                }
            }
        });
    }
}
