//! What the concurrency limit and the shedding count.

use kitfox_core::Criticality;
use kitfox_core::meter::{Level, Measure, Measures, Reading, Tally};

use crate::shedding::CLASSES;

#[derive(Debug)]
pub(super) struct Counts {
    /// Calls that waited.
    pub(super) queued: Tally,
    /// Calls that found the queue full.
    pub(super) full: Tally,
    /// Calls that waited for too long.
    pub(super) late: Tally,
    /// Calls that were let in and would not have been, were the layer not dark.
    pub(super) dark: Tally,
    /// Calls that wait.
    pub(super) waiting: Level,
    /// The adaptive limit.
    pub(super) limit: Level,
    /// Calls that were shed, of each class.
    pub(super) shed: [Tally; CLASSES],
    /// Calls that would have been shed.
    pub(super) shed_dark: Tally,
    /// How many classes are shed.
    pub(super) level: Level,
    pub(super) measures: Measures,
}

impl Default for Counts {
    fn default() -> Self {
        let mut counts = Counts {
            queued: Tally::default(),
            full: Tally::default(),
            late: Tally::default(),
            dark: Tally::default(),
            waiting: Level::default(),
            limit: Level::default(),
            shed: Default::default(),
            shed_dark: Tally::default(),
            level: Level::default(),
            measures: Measures::default(),
        };
        counts.measures = Measures::new(counts.all());
        counts
    }
}

impl Counts {
    fn all(&self) -> Vec<Measure> {
        let decision = |decision: &str, tally: &Tally| Measure {
            name: "kitfox.concurrency.decisions",
            help: "Calls that a concurrency limit made wait, refused for a full queue or a long wait, or would have were it not dark.",
            labels: vec![("decision", decision.to_owned())],
            reading: Reading::Tally(tally.clone()),
        };
        let shed = |class: &str, decision: &str, tally: &Tally| Measure {
            name: "kitfox.shedding.decisions",
            help: "Calls that were shed, or would have been were shedding not dark.",
            labels: vec![("criticality", class.to_owned()), ("decision", decision.to_owned())],
            reading: Reading::Tally(tally.clone()),
        };
        let level = |name, help, level: &Level| Measure {
            name,
            help,
            labels: Vec::new(),
            reading: Reading::Level(level.clone()),
        };
        let mut all = vec![
            decision("queued", &self.queued),
            decision("full", &self.full),
            decision("late", &self.late),
            decision("dark", &self.dark),
            level("kitfox.concurrency.waiting", "Calls that wait for a place.", &self.waiting),
            level("kitfox.concurrency.limit", "The adaptive limit, once it moved.", &self.limit),
            level("kitfox.shedding.level", "How many criticalities are shed.", &self.level),
            shed("any", "dark", &self.shed_dark),
        ];
        let classes = Criticality::ALL.iter().zip(&self.shed);
        all.extend(classes.map(|(class, tally)| shed(class.name(), "shed", tally)));
        all
    }
}
