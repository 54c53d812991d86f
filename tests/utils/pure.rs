//! `awaitable`, `chunk_list` and UUIDs.

use std::collections::HashSet;
use std::time::SystemTime;

use aiomisc::utils::{AwaitableFn, awaitable, awaitable_async, chunk_list, fast_uuid1, fast_uuid4};

use super::*;

#[aiomisc::test(runtimes(all))]
async fn plain_and_asynchronous_functions_are_awaited_alike() {
    let functions: Vec<AwaitableFn<u64, u64>> = vec![
        awaitable(|number| number + 1),
        awaitable_async(|number| async move {
            time::sleep(ms(1)).await;
            number * 2
        }),
        awaitable_async(|number| ready(number * number)),
    ];
    let mut number = 2;
    for function in functions {
        number = function(number).await;
    }
    assert_eq!(number, 36);
    let fails = awaitable(|text: &str| text.parse::<u8>());
    assert!(fails("x").await.is_err() && fails("7").await == Ok(7));
}

#[test]
fn lists_are_as_long_as_they_should_be() {
    let chunks = |items: usize, size| -> Vec<usize> {
        chunk_list(0..items, size).map(|list| list.len()).collect()
    };
    assert_eq!(chunks(0, 3), [0; 0]);
    assert_eq!(chunks(3, 3), [3]);
    assert_eq!(chunks(7, 3), [3, 3, 1]);
    assert_eq!(chunks(2, usize::MAX), [2]);
    for (items, size) in [(0, 1), (1, 1), (10, 3), (9, 3)] {
        let lists = chunk_list(0..items, size);
        assert_eq!(lists.size_hint().1, Some(lists.clone().count()));
        assert_eq!(
            lists.flatten().collect::<Vec<_>>(),
            (0..items).collect::<Vec<_>>()
        );
    }
    // No more is taken than is asked for.
    let mut endless = chunk_list(0.., 2);
    assert_eq!(
        (endless.next(), endless.next()),
        (Some(vec![0, 1]), Some(vec![2, 3]))
    );
}

#[test]
#[should_panic = "expected a size above zero"]
fn lists_of_nothing_have_no_end() {
    let _ = chunk_list(0..3, 0);
}

#[aiomisc::test(runtimes(all))]
async fn uuids_differ_and_have_the_form_of_their_version() {
    for (version, make) in [(1, fast_uuid1 as fn() -> _), (4, fast_uuid4 as fn() -> _)] {
        let made: Vec<aiomisc::utils::Uuid> = (0..10_000).map(|_| make()).collect();
        assert_eq!(made.iter().collect::<HashSet<_>>().len(), made.len());
        for uuid in &made {
            let text = uuid.to_string();
            let lengths: Vec<_> = text.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12]);
            assert_eq!(&text[14..15], version.to_string());
            assert!("89ab".contains(&text[19..20]), "{text}");
            assert_eq!(
                u128::from_str_radix(&text.replace('-', ""), 16),
                Ok(uuid.as_u128())
            );
            assert_eq!(uuid.as_bytes(), &uuid.as_u128().to_be_bytes());
            assert_eq!(
                (uuid.version(), uuid.time().is_some()),
                (version, version == 1)
            );
        }
    }
}

/// Each bit of chance is on in some and off in others.
#[test]
fn all_bits_of_chance_are_used() {
    let (mut or, mut and) = (0, u128::MAX);
    for _ in 0..200 {
        let uuid = fast_uuid4().as_u128();
        (or, and) = (or | uuid, and & uuid);
    }
    assert_eq!((or ^ and).count_ones(), 122);
}

#[aiomisc::test(runtimes(all))]
async fn the_time_of_version_1_is_the_runtimes() {
    let (runtime, clock) = shared::manual();
    for seconds in [1_704_067_200, 0, 4_102_444_800] {
        let moment = SystemTime::UNIX_EPOCH + Duration::new(seconds, 123_456_700);
        clock.set_wall(moment);
        let uuid = runtime.scope(async { fast_uuid1() }).await;
        assert_eq!(uuid.time(), Some(moment));
    }
}

#[cfg(feature = "simulation")]
#[test]
fn in_a_simulation_the_seed_decides() {
    let run = |seed| {
        let simulation = aiomisc::adapters::Simulation::new(seed);
        simulation.block_on(async { [fast_uuid1(), fast_uuid4(), fast_uuid4()] })
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

/// It needs no runtime, and makes none.
#[test]
fn uuids_need_no_runtime() {
    assert_ne!(fast_uuid1(), fast_uuid1());
    assert_ne!(fast_uuid4(), fast_uuid4());
    assert!(Runtime::current().is_err() || cfg!(feature = "smol"));
}
