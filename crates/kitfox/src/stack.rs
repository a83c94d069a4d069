//! The canonical stacks: which layers stand around a call, in which order, and what they are set to.
//!
//! A [`Host`](crate::Host) puts the server's around every method; a [`ServiceChannel`](crate::ServiceChannel) is the client's.
//! Users configure layers and do not order them; a layer of theirs stands at a [`Place`]. Every layer is
//! there from the start and does what its settings say: they come from code, the file, the environment
//! and the admin port, by the same keys, and are replaced as a whole while calls run. `/stack` of the
//! admin port shows it all.

mod change;
mod client;
mod control;
mod guard;
mod place;
mod server;
mod settings;

pub use change::{Change, ChangeError};
pub use client::ClientSettings;
pub use place::Place;
pub use server::ServerSettings;

pub(crate) use change::Source;
pub(crate) use client::{ClientStack, MethodEndpoints};
pub(crate) use control::{Control, HostId, Row, RowKey, Tunable};
pub(crate) use guard::tunable as tunable_guard;
pub(crate) use server::{BEFORE_AUTHENTICATION, Protected, Protection};
pub(crate) use settings::StackSettings;
