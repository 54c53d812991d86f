//! Calls that are gathered: powers by position, and look-ups in a database one by one.
//!
//! ```sh
//! cargo run --example aggregate
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::collections::BTreeMap;
use std::sync::Mutex;

use aiomisc::aggregate::AggregateError;
use aiomisc::{Arg, BoxError};
use futures::future::join_all;

#[path = "common/cli.rs"]
mod cli;

/// Squares of all numbers that are asked for within 100 ms, by position.
#[aiomisc::aggregate(leeway_ms = 100, max_count = 100)]
async fn square(numbers: Vec<i64>) -> Vec<i64> {
    println!("squares of {} numbers", numbers.len());
    numbers.into_iter().map(|number| number.pow(2)).collect()
}

/// The same, where each result is set when it is there.
#[aiomisc::aggregate_async(leeway_ms = 100, max_count = 100)]
async fn cube(numbers: Vec<Arg<i64, i64, String>>) {
    println!("cubes of {} numbers", numbers.len());
    for Arg { value, sender, .. } in numbers {
        let cube = value.checked_pow(3);
        // Its caller may have gone.
        let _ = sender.send(cube.ok_or_else(|| format!("{value} is too large")));
    }
}

/// A database in which a query of many costs as much as one of a single user.
static USERS: Mutex<BTreeMap<u32, &str>> = Mutex::new(BTreeMap::new());

/// One query for all users that are asked for within 100 ms.
#[aiomisc::aggregate(leeway_ms = 100, max_count = 3)]
async fn user(ids: Vec<u32>) -> Result<Vec<Option<&'static str>>, String> {
    let users = USERS.lock().map_err(|error| error.to_string())?;
    if users.is_empty() {
        return Err("the database is empty".to_owned());
    }
    println!("SELECT … WHERE id IN {ids:?}");
    // In the order of the values, whatever that of the database is: a result goes by its position.
    Ok(ids.iter().map(|id| users.get(id).copied()).collect())
}

/// The same with an error for each user that is not there.
#[aiomisc::aggregate_async(leeway_ms = 10, max_count = 3)]
async fn known_user(ids: Vec<Arg<u32, &'static str, String>>) -> Result<(), String> {
    let users = USERS.lock().map_err(|error| error.to_string())?;
    for Arg { value, sender, .. } in ids {
        let name = users.get(&value).copied();
        let _ = sender.send(name.ok_or_else(|| format!("there is no user {value}")));
    }
    Ok(())
}

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--runtime"])?;
    let outcome = args.entrypoint()?.log_config(false).run(async {
        let squares = join_all((0..5).map(square)).await;
        println!("{:?}", squares.into_iter().collect::<Result<Vec<_>, _>>()?);

        for cube in join_all([1, 2, i64::MAX].map(cube)).await {
            match cube {
                Ok(cube) => println!("{cube}"),
                Err(AggregateError::Own(why)) => println!("{why}"),
                Err(error) => return Err(error.to_string().into()),
            }
        }

        // The error of a batch is every caller's.
        for user in join_all([1, 2].map(user)).await {
            if let Err(AggregateError::Batch(error)) = user {
                println!("no user: {error}");
            }
        }
        USERS.lock().map_err(|error| error.to_string())?.extend([
            (1, "Ada"),
            (2, "Grace"),
            (3, "Edsger"),
        ]);
        for user in join_all([4, 2, 1].map(user)).await {
            println!("{:?}", user.map_err(|error| error.to_string())?);
        }
        let (three, four) = futures::join!(known_user(3), known_user(4));
        println!("{}", three.map_err(|error| error.to_string())?);
        if let Err(AggregateError::Own(why)) = four {
            println!("{why}");
        }
        Ok::<(), BoxError>(())
    })?;
    outcome.finished().unwrap_or(Ok(()))
}
