//! Random programs beside a model, which is a plain map.

use std::collections::BTreeMap;

use aiomisc::ContextVar;
use futures::future::BoxFuture;

use super::*;

static VARIABLES: [ContextVar<u64>; 4] = [
    ContextVar::new("a"),
    ContextVar::new("b"),
    ContextVar::new("c"),
    ContextVar::new("d"),
];

type Model = BTreeMap<usize, u64>;

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn another(&mut self) -> Self {
        Self(self.next())
    }
}

fn compare(model: &Model) {
    let seen = VARIABLES.iter().enumerate();
    let seen: Model = seen
        .filter_map(|(at, variable)| Some((at, variable.get()?)))
        .collect();
    assert_eq!(seen, *model);
}

/// Does something again and again; what begins inside has a model of its own.
fn program(mut random: Random, mut model: Model, depth: u32) -> BoxFuture<'static, ()> {
    async move {
        for _ in 0..8 {
            compare(&model);
            let at = random.below(4) as usize;
            let (variable, value) = (&VARIABLES[at], random.next());
            let mut inside = model.clone();
            inside.insert(at, value);
            let deeper = |random: &mut Random, model| program(random.another(), model, depth + 1);
            match random.below(if depth < 3 { 8 } else { 3 }) {
                0 => pause().await,
                1 | 2 => {
                    variable.set(value).unwrap();
                    model = inside;
                }
                3 => variable.scope(value, deeper(&mut random, inside)).await,
                4 => {
                    let child = spawn(deeper(&mut random, model.clone()));
                    match random.below(3) {
                        0 => drop(child),
                        1 => drop(child.cancel().await),
                        _ => child.await.unwrap(),
                    }
                }
                5 => {
                    let (one, other) = (
                        deeper(&mut random, inside),
                        deeper(&mut random, model.clone()),
                    );
                    join(
                        variable.scope(value, one),
                        spawn(other).map(|ended| ended.unwrap()),
                    )
                    .await;
                }
                6 => variable.sync_scope(value, || {
                    compare(&inside);
                    spawn(deeper(&mut random, inside.clone())).detach();
                }),
                _ => {
                    let mut dropped = Box::pin(variable.scope(value, deeper(&mut random, inside)));
                    let _ = poll!(dropped.as_mut());
                }
            }
        }
        compare(&model);
    }
    .boxed()
}

#[aiomisc::test(runtimes(all), seeds = 20)]
async fn random_programs_see_what_their_model_says() {
    for seed in 1..10 {
        let random = Random(0x9e37_79b9_7f4a_7c15 ^ seed);
        spawn(program(random, Model::new(), 0)).await.unwrap();
    }
}
