//! The one error of this program.

pub(crate) use bench_common::{Failure, While};
