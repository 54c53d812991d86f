//! The clocks.

use std::time::SystemTime;

use aiomisc::time;
use smol::future::yield_now;

use super::*;

#[test]
fn time_jumps_and_is_exact() {
    let sim = Simulation::new(1);
    sim.block_on(async {
        let runtime = Runtime::current().unwrap();
        let before = runtime.now();
        time::sleep(secs(86_400)).await;
        assert_eq!(runtime.now() - before, secs(86_400));
        let mut ticks = time::interval(ms(250));
        for _ in 0..5 {
            ticks.tick().await;
        }
        assert_eq!(ticks.missed(), 0);
        let limit = time::timeout(ms(10), time::sleep(ms(11))).await;
        assert!(limit.is_err());
    });
    assert_eq!(sim.elapsed(), secs(86_401) + ms(10));
}

#[test]
fn time_stands_still_while_anything_is_ready() {
    let sim = Simulation::new(1);
    sim.block_on(async {
        let sleeper = aiomisc::spawn(time::sleep(ms(1)));
        for _ in 0..1_000 {
            yield_now().await;
        }
        assert!(!sleeper.is_finished());
        assert_eq!(sim.elapsed(), Duration::ZERO);
        sleeper.await.unwrap();
    });
}

#[test]
fn the_calendar_starts_at_a_known_moment_and_jumps_apart_from_the_clock() {
    let start = SystemTime::UNIX_EPOCH + Simulation::WALL_START;
    let sim = Simulation::new(1);
    assert_eq!(sim.wall_now(), start);
    sim.block_on(async {
        let runtime = Runtime::current().unwrap();
        let before = runtime.now();
        let sleeper = aiomisc::spawn(time::sleep(secs(60)));
        time::sleep(secs(10)).await;
        assert_eq!(runtime.wall_now(), start + secs(10));
        sim.set_wall_now(SystemTime::UNIX_EPOCH);
        assert_eq!(runtime.wall_now(), SystemTime::UNIX_EPOCH);
        sleeper.await.unwrap();
        assert_eq!(runtime.now() - before, secs(60));
        assert_eq!(runtime.wall_now(), SystemTime::UNIX_EPOCH + secs(50));
    });
    let later = start + secs(1);
    let sim = Simulation::builder().wall_start(later).build();
    assert_eq!(sim.wall_now(), later);
}

#[test]
fn a_dropped_sleep_does_not_move_the_clock() {
    let sim = Simulation::new(1);
    sim.block_on(async {
        for _ in 0..100 {
            let long = time::timeout(secs(3_600), async { 1 }).await;
            assert_eq!(long, Ok(1));
            let won = time::timeout(ms(1), std::future::pending::<()>()).await;
            assert!(won.is_err());
        }
    });
    assert_eq!(sim.elapsed(), ms(100));
}

#[test]
fn a_hundred_thousand_tasks_and_timers() {
    let sim = Simulation::new(1);
    let sum = sim.block_on(async {
        let tasks: Vec<_> = (0..100_000_u64)
            .map(|number| {
                aiomisc::spawn(async move {
                    time::sleep(ms(number % 1_000)).await;
                    number
                })
            })
            .collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, 4_999_950_000);
    assert_eq!(sim.elapsed(), ms(999));
}
