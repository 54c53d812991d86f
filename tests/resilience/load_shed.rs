//! A limit that moves with the load.

use aiomisc::resilience::{CallError, LoadShed, Refusal};
use shared::dice::Dice;
use shared::given_up::give_up;

use super::*;

async fn call(load: &LoadShed, takes: u64) -> Result<(), CallError<()>> {
    let call = load.call(async {
        time::sleep(ms(takes)).await;
        Ok(())
    });
    call.await
}

fn near(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-9
}

#[aiomisc::test(simulation)]
async fn calls_beyond_the_limit_are_refused_at_once() {
    let load = LoadShed::builder(ms(100))
        .initial(2)
        .name("beyond")
        .build()
        .unwrap();
    let (one, two) = (load.try_enter().unwrap(), load.try_enter().unwrap());
    let watch = Watch::begin();
    let refused = call(&load, 10).await;
    assert_eq!(refused, Err(CallError::Refused(Refusal::Overloaded)));
    assert_eq!((watch.millis(), load.running()), (0, 2));
    drop((one, two));
    assert_eq!(load.running(), 0);
    call(&load, 10).await.unwrap();
    let figures = load.statistics();
    assert_eq!((figures.passed.total(), figures.shed.total()), (3, 1));
}

#[aiomisc::test(simulation)]
async fn the_limit_grows_while_it_is_used_and_shrinks_when_calls_are_slow() {
    let load = LoadShed::builder(ms(100))
        .initial(2)
        .limits(1, 3)
        .decrease(0.5);
    let load = load.build().unwrap();
    // One of two is half.
    call(&load, 100).await.unwrap();
    assert!(near(load.limit(), 2.5));
    for _ in 0..10 {
        call(&load, 100).await.unwrap();
    }
    // One of 2.5 is less than half of it.
    assert!(near(load.limit(), 2.5), "{}", load.limit());
    call(&load, 101).await.unwrap();
    assert!(near(load.limit(), 1.25));
    call(&load, 101).await.unwrap();
    assert!(near(load.limit(), 1.0), "there is a least one");
    assert_eq!(load.statistics().slow.total(), 2);
    for _ in 0..2 {
        let both = futures::join!(call(&load, 1), call(&load, 1));
        assert!(both.0.is_ok());
    }
    assert!(near(load.limit(), 2.5), "{}", load.limit());
    let all = || futures::future::join_all((0..3).map(|_| call(&load, 1)));
    for _ in 0..10 {
        all().await;
    }
    assert!(near(load.limit(), 3.0), "there is a greatest one");
}

#[aiomisc::test(simulation)]
async fn calls_that_were_slow_together_are_one_reason() {
    let load = LoadShed::builder(ms(10))
        .initial(8)
        .decrease(0.5)
        .build()
        .unwrap();
    let calls = futures::future::join_all((0..8).map(|_| call(&load, 50)));
    assert!(calls.await.iter().all(Result::is_ok));
    assert!(near(load.limit(), 4.0), "{}", load.limit());
}

/// One that was given up early tells nothing, and one that was given up late tells that it was slow.
#[aiomisc::test(simulation)]
async fn a_call_that_is_dropped_counts_if_it_was_slow() {
    let load = LoadShed::builder(ms(100))
        .initial(1)
        .limits(1, 10)
        .build()
        .unwrap();
    time::timeout(ms(50), call(&load, 1000)).await.unwrap_err();
    assert!(near(load.limit(), 1.0));
    assert_eq!((load.running(), load.statistics().slow.total()), (0, 0));
    time::timeout(ms(150), call(&load, 1000)).await.unwrap_err();
    assert_eq!((load.running(), load.statistics().slow.total()), (0, 1));
}

#[aiomisc::test(runtimes(all))]
async fn no_place_is_lost_when_calls_are_dropped_everywhere() {
    let load = LoadShed::builder(ms(1))
        .limits(2, 5)
        .initial(3)
        .build()
        .unwrap();
    let alive = Alive::default();
    let tasks: Vec<_> = (0..8)
        .map(|seed| {
            let (load, alive) = (load.clone(), alive.clone());
            aiomisc::spawn(async move {
                let mut dice = Dice::new(seed);
                for _ in 0..200 {
                    let takes = dice.below(4);
                    let call = load.call(async {
                        let _alive = alive.one();
                        for _ in 0..takes {
                            ::smol::future::yield_now().await;
                        }
                        Ok::<_, ()>(())
                    });
                    // Whether it made it does not matter.
                    let _ = give_up(dice.below(6), call).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((alive.count(), load.running()), (0, 0));
    assert!(alive.most() <= 5 && (2.0..=5.0).contains(&load.limit()));
}

#[test]
fn what_cannot_be_is_told() {
    let setting = |builder: aiomisc::resilience::LoadShedBuilder| {
        builder.build().unwrap_err().setting().to_owned()
    };
    let load = || LoadShed::builder(ms(1));
    assert_eq!(setting(LoadShed::builder(ms(0))), "target of the load");
    assert_eq!(setting(load().limits(0, 1)), "limits of the load");
    assert_eq!(setting(load().limits(2, 1)), "limits of the load");
    assert_eq!(
        setting(load().limits(2, 5).initial(6)),
        "initial limit of the load"
    );
    for factor in [0.0, 1.0, -0.5, f64::NAN] {
        assert_eq!(setting(load().decrease(factor)), "decrease of the load");
    }
}
