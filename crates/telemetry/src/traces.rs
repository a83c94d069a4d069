//! Traces: the spans of calls, and those of user code within them.
