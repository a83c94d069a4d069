//! Metrics: instruments that are bound before they are used, and one snapshot for every reader.
