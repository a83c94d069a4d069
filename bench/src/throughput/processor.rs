//! The processor time that a process has used, user and system, over all its threads.

use crate::failure::{Failure, While};

/// Linux counts for programs in hundredths of a second, whatever the kernel's own clock does.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn seconds(process: u32) -> Result<f64, Failure> {
    let file = format!("/proc/{process}/stat");
    let line = std::fs::read_to_string(&file).failed_while(format!("reading {file}"))?;
    let ticks = ticks(&line).ok_or_else(|| Failure::new(format!("reading {file}"), &line))?;
    Ok(f64::from(ticks) / TICKS_PER_SECOND)
}

/// Fields 14 and 15; the second field, the name in parentheses, may hold spaces of its own.
fn ticks(line: &str) -> Option<u32> {
    let (_name, fields) = line.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_added() {
        let line = "77 (a ) b) S 1 77 77 0 -1 4194304 190 0 0 0 250 31 0 0 20 0 3 0";
        assert_eq!(ticks(line), Some(281));
        assert_eq!(ticks("77"), None);
    }
}
