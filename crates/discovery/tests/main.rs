//! One suite for every registry: what each of them must do; and DNS, as a real server speaks it.

#[cfg(feature = "dns")]
mod dnsmasq;
mod suite;
