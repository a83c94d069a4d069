//! kitfox-macros
