//! Small helpers that work anywhere.
//!
//! | for | use |
//! |---|---|
//! | the first of several futures | [`select!`](crate::select!), [`select_all`] |
//! | tasks that are to end now | [`cancel_tasks`] |
//! | functions that may be asynchronous or not | [`awaitable`], [`awaitable_async`] |
//! | what has to come to its end, whoever gives up waiting | [`shield`], `#[aiomisc::shield]` |
//! | a list in pieces | [`chunk_list`] |
//! | names that nobody else has | [`fast_uuid1`], [`fast_uuid4`] |

mod awaitable;
mod cancel;
mod chunk;
mod select;
mod shield;
mod uuid;

pub use self::awaitable::{AwaitableFn, awaitable, awaitable_async};
pub use self::cancel::{CancelTasks, cancel_tasks};
pub use self::chunk::{ChunkList, chunk_list};
pub use self::select::{SelectAll, SelectResult, select_all};
pub use self::shield::{Shield, shield};
pub use self::uuid::{Uuid, fast_uuid1, fast_uuid4};
