//! What the macro declares.

use std::sync::atomic::{AtomicUsize, Ordering};

use aiomisc::{ContextVar, context_var};

mod inner {
    use ::aiomisc as renamed;

    renamed::context_var! {
        /// Documented.
        #[allow(dead_code, reason = "attributes are kept")]
        static PRIVATE: u8;
        pub static PUBLIC: Vec<(u8, &'static str)> = vec![(1, "one")];
        pub(crate) static IN_CRATE: u16;
        #[cfg(any())]
        static NOT_THERE: Nowhere;
        pub(in crate::declared) static LAST: u32 = 7
    }

    pub(super) fn private() -> Option<u8> {
        PRIVATE.sync_scope(1, || PRIVATE.get())
    }
}

#[test]
fn they_have_types_defaults_attributes_and_are_seen_as_far_as_said() {
    assert_eq!(inner::private(), Some(1));
    assert_eq!(inner::PUBLIC.get(), Some(vec![(1, "one")]));
    assert_eq!(inner::IN_CRATE.get(), None);
    assert_eq!(inner::LAST.get(), Some(7));
    let variable: &'static ContextVar<u32> = &inner::LAST;
    assert_eq!(variable.name(), "LAST");
    assert_eq!(format!("{variable:?}"), "ContextVar(\"LAST\")");
    context_var! {}
}

#[test]
fn variables_of_one_type_are_told_apart() {
    context_var! { static ONE: u8; static TWO: u8 }
    ONE.sync_scope(1, || {
        assert_eq!((ONE.get(), TWO.get()), (Some(1), None));
        TWO.sync_scope(2, || assert_eq!((ONE.get(), TWO.get()), (Some(1), Some(2))));
    });
}

#[test]
fn a_default_is_made_once_and_when_it_is_needed() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    context_var! { static VALUE: usize = MADE.fetch_add(1, Ordering::Relaxed) + 1; }
    VALUE.sync_scope(10, || assert_eq!(VALUE.get(), Some(10)));
    assert_eq!(MADE.load(Ordering::Relaxed), 0, "a value was set");
    assert_eq!((VALUE.get(), VALUE.get()), (Some(1), Some(1)));
    VALUE.with(|value| assert_eq!(value, Some(&1)));
    assert_eq!(MADE.load(Ordering::Relaxed), 1);
}

#[test]
fn a_default_that_panics_is_tried_again() {
    static TRIES: AtomicUsize = AtomicUsize::new(0);
    context_var! {
        static VALUE: usize = match TRIES.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("on purpose"),
            number => number,
        };
    }
    VALUE.sync_scope(10, || assert_eq!(VALUE.get(), Some(10)));
    std::panic::catch_unwind(|| VALUE.get()).unwrap_err();
    assert_eq!(VALUE.get(), Some(1));
}

/// Some set again and again, some never.
#[test]
fn there_may_be_many() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let variables: Vec<&'static ContextVar<usize>> = (0..500)
        .map(|number| &*Box::leak(Box::new(ContextVar::new(names[number % names.len()]))))
        .collect();
    variables[0].sync_scope(0, || {
        for step in [7, 3, 1] {
            for (number, variable) in variables.iter().enumerate().step_by(step).rev() {
                variable.set(number * step).unwrap();
                assert_eq!(variable.get(), Some(number * step));
            }
            for (number, variable) in variables.iter().enumerate() {
                let last = [7, 3, 1]
                    .into_iter()
                    .rev()
                    .find(|by| *by >= step && number % by == 0);
                assert_eq!(variable.get(), last.map(|by| number * by), "{number}");
            }
        }
    });
    assert!(variables.iter().all(|variable| variable.get().is_none()));
}
