//! A port over connections in memory, under paused time.

mod drain;
mod harness;
mod slow;
mod sockets;
mod wire;
