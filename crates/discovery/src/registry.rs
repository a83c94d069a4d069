//! The registries that there are, a file each.

mod directory;
mod memory;
mod static_list;

pub use directory::Directory;
pub use memory::Memory;
pub use static_list::StaticList;
