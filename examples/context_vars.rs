//! Who did it: ids of users, written to an audit log by threads that nobody tells them, and read back by an
//! iterator on a thread.
//!
//! ```sh
//! cargo run --example context_vars
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use aiomisc::{BoxError, context_var, spawn, threaded};
use futures::future::try_join_all;

context_var! {
    /// On whose behalf something is done.
    static USER_ID: u32;
}

/// One record: the id, in four bytes.
#[threaded]
fn write_user(log: PathBuf) -> io::Result<()> {
    let user = USER_ID
        .get()
        .ok_or_else(|| io::Error::other("nobody has done it"))?;
    let mut file = OpenOptions::new().create(true).append(true).open(log)?;
    file.write_all(&user.to_be_bytes())
}

/// The ids, as they come from the file: a function that returns an iterator gives a stream.
#[threaded]
fn read_log(log: PathBuf) -> impl Iterator<Item = io::Result<u32>> {
    let mut file = File::open(log);
    std::iter::from_fn(move || {
        let mut record = [0; 4];
        let read = match &mut file {
            Ok(file) => file.read_exact(&mut record),
            Err(error) => Err(std::mem::replace(
                error,
                io::ErrorKind::UnexpectedEof.into(),
            )),
        };
        match read {
            Ok(()) => Some(Ok(u32::from_be_bytes(record))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => Some(Err(error)),
        }
    })
}

async fn audit(log: &Path) -> Result<(), BoxError> {
    let mut writing = Vec::new();
    for turn in 0..5 {
        let user = 1 + RandomState::new().hash_one(turn) as u32 % 65_535;
        println!("set {user}");
        USER_ID.set(user)?;
        // It has the value of this moment, whenever a thread comes to it.
        writing.push(write_user(log.to_owned()));
    }
    for written in try_join_all(writing).await? {
        written?;
    }
    let mut users = read_log(log.to_owned());
    while let Some(user) = users.try_next().await? {
        println!("read {}", user?);
    }

    USER_ID.set(0)?;
    let child = spawn(async {
        USER_ID.set(1)?;
        Ok::<_, BoxError>(USER_ID.get())
    });
    let child = child.await??.unwrap_or_default();
    let parent = USER_ID.get().unwrap_or_default();
    println!("a child has set {child}, its parent still has {parent}");
    Ok(())
}

#[aiomisc::main(log_level = "warning")]
async fn main() -> Result<(), BoxError> {
    let folder = tempfile::tempdir()?;
    audit(&folder.path().join("audit.bin")).await
}
