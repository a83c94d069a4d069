//! One suite for every registry: what each of them must do.

mod suite;
