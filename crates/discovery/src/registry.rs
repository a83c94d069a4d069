//! The registries that there are, a file each.

mod memory;
mod static_list;

pub use memory::Memory;
pub use static_list::StaticList;
