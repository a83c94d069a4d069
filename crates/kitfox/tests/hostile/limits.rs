//! The table of limits names every limit there is.

use kitfox::ChannelLimits;
use kitfox::transport::Limits;

const TABLE: &str = include_str!("../../../../docs/LIMITS.md");

/// The names of the fields of what prints as `debug`.
fn fields(debug: &str) -> Vec<&str> {
    let (_, fields) = debug.split_once('{').expect("a struct");
    let names = fields.split(", ").filter_map(|field| field.trim().split_once(':'));
    names.map(|(name, _)| name).collect()
}

#[test]
fn the_table_names_every_limit_of_a_port_and_of_a_channel() {
    let (port, channel) = TABLE.split_once("## A channel").expect("a part for channels");
    for (part, debug) in [
        (port, format!("{:?}", Limits::default())),
        (channel, format!("{:?}", ChannelLimits::default())),
    ] {
        let names = fields(&debug);
        assert!(names.len() > 8, "{debug}");
        for name in names {
            assert!(part.contains(&format!("| `{name}` |")), "`{name}` is not in docs/LIMITS.md");
        }
    }
}
