//! Values that services share: made when they are needed, each once, and torn down after the services.
//!
//! A [`Dependency`] says how a value is made. A service names what it needs in its
//! [`options`](crate::Service::options) by [`needs`](crate::service::ServiceOptions::needs), and finds it in
//! its `start` by [`ServiceContext::dependency`](crate::ServiceContext::dependency); factories ask for
//! values of others by [`Dependencies::get`].
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::dependency::{Dependencies, Dependency, Provided};
//! use aiomisc::{Entrypoint, Service, ServiceContext, service_fn};
//! use std::sync::Arc;
//!
//! struct Pool { size: usize }
//! struct Users { pool: Arc<Pool> }
//!
//! let pool = Dependency::new(|_: Dependencies| async {
//!     let pool = Pool { size: 10 };
//!     Ok(Provided::new(pool).on_teardown(|pool| async move {
//!         println!("closing {} connections", pool.size);
//!         Ok(())
//!     }))
//! });
//! let users = Dependency::new(|deps: Dependencies| async move {
//!     Ok(Users { pool: deps.get().await? })
//! });
//! let api = service_fn("api", |ctx: ServiceContext| async move {
//!     let users = ctx.dependency::<Users>()?;
//!     assert_eq!(users.pool.size, 10);
//!     Ok(())
//! });
//! Entrypoint::builder()
//!     .dependency(pool)
//!     .dependency(users.needs::<Pool>())
//!     .service(api.configure(|options| options.needs::<Users>()))
//!     .run(async {})?;
//! # }
//! # Ok::<(), aiomisc::RunError>(())
//! ```
//!
//! With the feature `macros`, `#[aiomisc::dependency]` on a function says the same for the whole program.
//!
//! # What holds
//!
//! - Only what somebody needs is made, and once: whoever asks for it meanwhile waits for the same value.
//! - What does not depend on each other is made at the same time. A service is started as soon as all
//!   that it needs is there; one that needs nothing does not wait.
//! - A value is known by its type, or by its type and a name. Two factories for one that is needed are a
//!   mistake; [`replace_dependency`](crate::entrypoint::EntrypointBuilder::replace_dependency) puts another
//!   value in the place of all of them.
//! - What is missing, and what needs itself in a circle, is told with the whole chain: before anything is
//!   started as far as it is declared (by services, by [`Dependency::needs`], by the parameters under
//!   `#[dependency]`), else when it is asked for. Nothing waits for itself.
//! - A factory has a limit, and is dropped as soon as the program stops.
//! - A value lives as long as the program. It is torn down after the services have stopped and before
//!   POST_STOP, the one that was made last first.

mod catalog;
mod error;
mod factory;
mod handle;
mod node;
mod provided;
#[cfg(feature = "macros")]
pub(crate) mod registry;
mod store;
mod teardown;
mod wanted;

pub(crate) use self::catalog::Catalog;
pub use self::error::DependencyError;
pub(crate) use self::error::Unmet;
pub use self::factory::Dependency;
pub use self::handle::Dependencies;
pub(crate) use self::node::{Node, all};
pub use self::provided::{IntoProvided, Plain, Provided, WithTeardown};
pub(crate) use self::store::Store;
pub(crate) use self::wanted::Wanted;
