//! What types and operations are called in the document, and so in generated clients.

use std::collections::{HashMap, HashSet};

use kitfox_core::contract::{Contract, Method};

use super::failure::{CONNECT, PROBLEM};
use crate::contract::files::Files;

/// The names of one document: short where they are clear, with the package where they are not.
pub(super) struct Names {
    /// The component of each type that has one, by its full name.
    components: HashMap<String, String>,
    /// The names of services that several packages have.
    ambiguous: HashSet<&'static str>,
}

impl Names {
    pub(super) fn of(contracts: &[&'static Contract], files: &Files) -> Self {
        let types = || files.own().flat_map(|file| file.types.iter().map(move |of| (file, of)));
        let mut uses = HashMap::from([(PROBLEM, 1), (CONNECT, 1)]);
        for (file, of) in types() {
            *uses.entry(file.local(&of.name).unwrap_or(&of.name)).or_insert(0) += 1;
        }
        let components = types().map(|(file, of)| {
            let short = file.local(&of.name).unwrap_or(&of.name);
            let name = if uses[short] == 1 { short } else { &of.name };
            (of.name.clone(), name.to_owned())
        });
        let mut seen = HashSet::new();
        let ambiguous = contracts.iter().map(|contract| contract.name);
        let ambiguous = ambiguous.filter(|name| !seen.insert(*name)).collect();
        Names { components: components.collect(), ambiguous }
    }

    /// What a type is called; `None` for Google's, which have forms of their own in JSON.
    pub(super) fn component(&self, full: &str) -> Option<&str> {
        self.components.get(full).map(String::as_str)
    }

    /// The group of operations that a service is.
    pub(super) fn tag(&self, contract: &Contract) -> String {
        match self.ambiguous.contains(contract.name) {
            true => format!("{}.{}", contract.package, contract.name),
            false => contract.name.to_owned(),
        }
    }

    /// What the operation of a method is called: `Strings_Uppercase`, and `Strings_Uppercase_2` at
    /// its second route.
    pub(super) fn operation(&self, contract: &Contract, method: &Method, index: usize) -> String {
        let mut name = format!("{}_{}", contract.name, method.name);
        if self.ambiguous.contains(contract.name) {
            name = format!("{}_{name}", contract.package.replace('.', "_"));
        }
        if index > 0 {
            name.push_str(&format!("_{}", index + 1));
        }
        name
    }
}
