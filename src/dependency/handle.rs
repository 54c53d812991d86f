use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::{DependencyError, Node, Wanted};
use crate::entrypoint::Entrypoint;

/// Where a factory finds the values of others. Cloning it is cheap.
#[derive(Clone)]
pub struct Dependencies {
    entrypoint: Entrypoint,
    /// Who asks.
    node: Arc<Node>,
}

impl Dependencies {
    pub(super) fn new(entrypoint: Entrypoint, node: Arc<Node>) -> Self {
        Self { entrypoint, node }
    }

    /// The value of this type. If it is not there, it is made.
    ///
    /// Until the handle's value is made, who makes it counts as the one who waits, also when a task of it
    /// asks. Afterwards whoever has the handle asks for himself.
    ///
    /// # Errors
    ///
    /// [`DependencyError`] if nobody provides it, or more than one does; if it could not be made; if it
    /// waits for the one who asks; or if the program stops.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: what is being made will be there for the next one.
    pub async fn get<T>(&self) -> Result<Arc<T>, DependencyError>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.obtain(Wanted::of::<T>(None)).await
    }

    /// The value of this type and name, as [`get`](Self::get).
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn get_named<T>(
        &self,
        name: impl Into<Cow<'static, str>>,
    ) -> Result<Arc<T>, DependencyError>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.obtain(Wanted::of::<T>(Some(name.into()))).await
    }

    pub(super) async fn obtain<T>(&self, wanted: Wanted) -> Result<Arc<T>, DependencyError>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        let store = self.entrypoint.dependencies();
        let by = Some(&self.node);
        store.obtain(&self.entrypoint, wanted, by).await
    }

    /// The entrypoint that the values belong to: its runtime, its settings, its context.
    #[must_use]
    pub fn entrypoint(&self) -> &Entrypoint {
        &self.entrypoint
    }
}

impl fmt::Debug for Dependencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependencies")
            .field("of", self.node.wanted())
            .finish_non_exhaustive()
    }
}
