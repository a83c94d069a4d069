//! Doc comments as comments of protobuf.

use super::Text;

/// Writes `docs` as comment lines; nothing where there are none.
pub(super) fn write(docs: &str, out: &mut Text) {
    for line in docs.lines() {
        out.line(format!("// {line}").trim_end());
    }
}
