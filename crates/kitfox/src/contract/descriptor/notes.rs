//! Comments, attached to places of a descriptor.

use super::messages::{Location, SourceCodeInfo};

/// The comments so far, and the place that is being described.
#[derive(Default)]
pub(super) struct Notes {
    place: Vec<i32>,
    locations: Vec<Location>,
}

impl Notes {
    /// Describes what is at `place`: the number of a list, and the index in it.
    pub(super) fn at<T>(&mut self, place: [i32; 2], describe: impl FnOnce(&mut Self) -> T) -> T {
        self.enter(place);
        let described = describe(self);
        self.leave();
        described
    }

    pub(super) fn enter(&mut self, place: [i32; 2]) {
        self.place.extend(place);
    }

    pub(super) fn leave(&mut self) {
        self.place.truncate(self.place.len().saturating_sub(2));
    }

    /// Attaches a comment here.
    pub(super) fn say(&mut self, docs: &str) {
        if docs.is_empty() {
            return;
        }
        let lines = docs.lines().map(|line| match line {
            "" => "\n".to_owned(),
            line => format!(" {line}\n"),
        });
        self.locations.push(Location {
            path: self.place.clone(),
            // There is no text that it would have a place in.
            span: vec![0, 0, 0],
            leading_comments: Some(lines.collect()),
        });
    }

    pub(super) fn into_info(self) -> Option<SourceCodeInfo> {
        (!self.locations.is_empty()).then_some(SourceCodeInfo { location: self.locations })
    }
}
