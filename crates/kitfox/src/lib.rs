//! kitfox
