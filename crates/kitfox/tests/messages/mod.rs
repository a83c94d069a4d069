//! Messages: what the macro writes, against other implementations and at its edges.

mod differential;
mod edges;
mod generate;
mod json_cases;
mod model;
mod oracle;
