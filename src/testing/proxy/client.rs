//! The life of one client of the proxy.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::connection::{Connection, Ends};
use super::error::ProxyError;
use super::shared::Shared;
use crate::net::{self, Stream};

/// Connects the client to the target, and carries what they say.
pub(super) async fn serve(place: Place, client: Stream, reset: Arc<AtomicBool>) {
    let shared = &*place.shared;
    let mut ends = Ends {
        client,
        server: None,
        reset,
    };
    match net::connect(shared.target.clone()).await {
        Ok(server) => ends.server = Some(server),
        Err(error) => return shared.note(ProxyError::Unreachable(Arc::new(error))),
    }
    shared.is_connected(place.key);
    Connection::new(shared, &mut ends).await;
}

/// A client's place in the list; given back when its task ends in whatever way.
pub(super) struct Place {
    pub(super) shared: Arc<Shared>,
    pub(super) key: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.leaves(self.key);
    }
}
