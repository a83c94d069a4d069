//! The registries that there are, a file each.

mod directory;
mod dns;
mod memory;
mod static_list;

pub use directory::Directory;
#[cfg(feature = "dns")]
pub use dns::SystemResolver;
pub use dns::{Dns, Records, Resolver, Srv};
pub use memory::Memory;
pub use static_list::StaticList;
