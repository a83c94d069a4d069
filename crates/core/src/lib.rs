//! kitfox-core
