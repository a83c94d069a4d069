//! Why there is no description of some services.

/// Why services cannot be described together, to others or at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContractError {
    /// Two things would have one name.
    #[error("the contract has two meanings of the name `{name}`: {why}")]
    SameName {
        /// The full name.
        name: String,
        /// What the two are, and how to mend it.
        why: String,
    },
    /// Two packages use each other's messages, which protobuf cannot say.
    #[error(
        "the packages `{one}` and `{other}` use messages of each other, and no `.proto` file can import \
         one that imports it: put what both use into a third package"
    )]
    Circle {
        /// One of them.
        one: String,
        /// The other.
        other: String,
    },
}

impl ContractError {
    pub(super) fn different_types(name: String) -> Self {
        let why = "two different types have it. Rename one, #[kitfox::message(name = \"...\")], or put it into another package, #[kitfox::message(package = \"...\")]";
        ContractError::SameName { name, why: why.to_owned() }
    }
}
