//! Logs: lines that are encoded by the call and written by one background task.
