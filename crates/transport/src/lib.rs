//! kitfox-transport
