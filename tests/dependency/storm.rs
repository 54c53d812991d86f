//! Many who ask for values that need each other at random, in circles as well, and give up, fail and are
//! stopped at random: nobody hangs, and what was made is torn down.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use aiomisc::dependency::DependencyError;

use super::*;

/// How many values there may be.
const VALUES: u64 = 12;

/// A value that needs others.
struct Numbered {
    needs: Vec<Arc<Self>>,
    /// Whether it was torn down.
    over: AtomicBool,
}

/// Numbers that look like chance, the same for one seed.
struct Chance(AtomicU64);

impl Chance {
    fn below(&self, limit: u64) -> u64 {
        let state = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mixed = (state ^ (state >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// What happened.
struct Storm {
    chance: Chance,
    /// How many values are there.
    there: AtomicUsize,
    /// The numbers of those that are being made.
    making: Mutex<Vec<u64>>,
}

/// That a factory is at it.
struct Making<'a>(&'a Storm, u64);

impl<'a> Making<'a> {
    fn new(storm: &'a Storm, number: u64) -> Self {
        let mut making = storm.making.lock().expect("nobody panics meanwhile");
        assert!(!making.contains(&number), "{number} is made twice at once");
        making.push(number);
        Self(storm, number)
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let mut making = self.0.making.lock().expect("nobody panics meanwhile");
        making.retain(|number| *number != self.1);
    }
}

impl Storm {
    fn new(seed: u64) -> Arc<Self> {
        let mixed = seed.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        Arc::new(Self {
            chance: Chance(AtomicU64::new(mixed)),
            there: AtomicUsize::new(0),
            making: Mutex::default(),
        })
    }

    fn name(number: u64) -> String {
        number.to_string()
    }

    fn dependency(self: &Arc<Self>, number: u64) -> Dependency {
        let storm = Arc::clone(self);
        let makes = Dependency::new(move |deps: Dependencies| {
            let storm = Arc::clone(&storm);
            async move {
                let _making = Making::new(&storm, number);
                let mut needs = Vec::new();
                for _ in 0..storm.chance.below(3) {
                    storm.pause().await;
                    let other = Self::name(storm.chance.below(VALUES));
                    needs.push(deps.get_named::<Numbered>(other).await?);
                }
                match storm.chance.below(10) {
                    0 => return Err("no luck".into()),
                    1 => panic!("no luck at all"),
                    _ => {}
                }
                storm.there.fetch_add(1, Ordering::SeqCst);
                let over = AtomicBool::new(false);
                let value = Provided::new(Numbered { needs, over });
                let storm = Arc::clone(&storm);
                Ok(value.on_teardown(move |value| async move {
                    storm.pause().await;
                    assert!(!value.over.swap(true, Ordering::SeqCst), "once");
                    let over = |need: &Arc<Numbered>| need.over.load(Ordering::SeqCst);
                    assert!(!value.needs.iter().any(over), "before what it needs");
                    storm.there.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                }))
            }
        });
        // Those with a higher number only, or the configuration has the circle.
        let needs = (number + 1..VALUES).filter(|_| self.chance.below(8) == 0);
        // Who hangs is not helped by a limit.
        let makes = makes.named(Self::name(number)).make_limit(Duration::MAX);
        needs.fold(makes, |makes, other| {
            makes.needs_named::<Numbered>(Self::name(other))
        })
    }

    async fn pause(&self) {
        match self.chance.below(3) {
            0 => {}
            1 => smol::future::yield_now().await,
            _ => time::sleep(Duration::from_micros(self.chance.below(50))).await,
        }
    }

    /// Asks for some values, one after the other, and gives up now and then.
    async fn asks(&self, ep: &Entrypoint) {
        for _ in 0..5 {
            self.pause().await;
            let number = self.chance.below(VALUES);
            let patience = Duration::from_micros(self.chance.below(200));
            let asked = ep.dependency_named::<Numbered>(Self::name(number));
            match self.chance.below(2) {
                0 => self.check(number, asked.await),
                _ => {
                    if let Ok(answer) = time::timeout(patience, asked).await {
                        self.check(number, answer);
                    }
                }
            }
        }
    }

    fn check(&self, number: u64, answer: Result<Arc<Numbered>, DependencyError>) {
        if let Err(error) = answer {
            let first = format!("`Numbered` named `{number}`");
            assert_eq!(error.chain()[0], first, "{error:?}");
        }
    }

    async fn blow(seed: u64) {
        let storm = Self::new(seed);
        let dependencies = (0..VALUES).map(|number| storm.dependency(number));
        let ep = dependencies.fold(builder(), EntrypointBuilder::dependency);
        let ep = ep.start().await.expect("nothing is needed");
        let asks = (0..8).map(|_| {
            let (storm, ep) = (Arc::clone(&storm), ep.handle().clone());
            aiomisc::spawn(async move { storm.asks(&ep).await })
        });
        let asks: Vec<_> = asks.collect();
        if seed.is_multiple_of(2) {
            // In the middle of it.
            time::sleep(Duration::from_micros(storm.chance.below(300))).await;
            ep.request_stop("enough");
        }
        for task in asks {
            task.await.expect("nobody panics");
        }
        ep.graceful_shutdown("done").await.expect("all is well");
        assert_eq!(storm.there.load(Ordering::SeqCst), 0);
        assert!(storm.making.lock().expect("all is over").is_empty());
    }
}

/// V1, V3, V4, V5, V6: on one thread and on several.
#[cfg(any(feature = "smol", feature = "tokio"))]
#[aiomisc::test(runtimes(real))]
async fn nobody_hangs_and_nothing_is_left() {
    for seed in 0..100 {
        Storm::blow(seed).await;
    }
}

/// The same, where a failure can be seen again.
#[cfg(feature = "simulation")]
#[test]
fn nobody_hangs_and_nothing_is_left_in_a_simulation() {
    for seed in 0..300 {
        aiomisc::adapters::Simulation::new(seed).block_on(Storm::blow(seed));
    }
}
