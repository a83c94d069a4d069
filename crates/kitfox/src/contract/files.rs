//! What a set of services is made of: every message and enum that they can reach, each in the file
//! of its package.

use std::collections::{HashMap, HashSet};

use kitfox_core::contract::Contract;
use kitfox_core::message::{EnumSchema, Kind, MessageSchema};

use super::error::ContractError;
use super::paths::path_of;
use super::same::same;

/// Every file that the services need, those of Google among them, in the order of their mention.
pub(crate) struct Files {
    pub(crate) files: Vec<File>,
    /// The index of its file, and its place there, for each type by its full name.
    types: HashMap<String, (usize, usize)>,
    /// The full names of everything else: methods, fields, values of enums.
    others: HashSet<String>,
}

/// One `.proto` file to be.
pub(crate) struct File {
    /// Where others import it from: `strings/v1/strings.proto`.
    pub(crate) path: String,
    pub(crate) package: String,
    pub(crate) contracts: Vec<&'static Contract>,
    /// In the order of their mention.
    pub(crate) types: Vec<Type>,
    /// The paths of other files, sorted.
    pub(crate) imports: Vec<String>,
}

/// A message or an enum, and what it is called.
#[derive(Clone)]
pub(crate) struct Type {
    /// The full name, with the package that it was taken into where it has none of its own.
    pub(crate) name: String,
    /// The package at its beginning.
    pub(crate) package: String,
    pub(crate) schema: Schema,
}

/// One of the two.
#[derive(Clone, Copy)]
pub(crate) enum Schema {
    Message(&'static MessageSchema),
    Enum(&'static EnumSchema),
}

impl Files {
    /// Everything that `contracts` need.
    pub(crate) fn of(contracts: &[&'static Contract]) -> Result<Self, ContractError> {
        let mut files = Files { files: Vec::new(), types: HashMap::new(), others: HashSet::new() };
        for contract in contracts {
            files.add(contract)?;
        }
        for file in &mut files.files {
            file.imports.sort();
            file.imports.dedup();
        }
        files.check_scopes()?;
        files.check_circles()?;
        files.others = files.name_others().collect();
        Ok(files)
    }

    /// The files of the services' own packages and of those that they share; not Google's.
    pub(crate) fn own(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| !file.is_googles())
    }

    /// Every file, after those that it imports.
    pub(crate) fn imports_first(&self) -> Vec<&File> {
        let mut sorted = Vec::new();
        for file in &self.files {
            self.add_after_imports(file, &mut sorted);
        }
        sorted
    }

    fn add_after_imports<'a>(&'a self, file: &'a File, sorted: &mut Vec<&'a File>) {
        if sorted.iter().any(|known| known.path == file.path) {
            return;
        }
        for import in self.imported(file) {
            self.add_after_imports(import, sorted);
        }
        sorted.push(file);
    }

    /// Every type, in the order of files and mention.
    pub(crate) fn types(&self) -> impl Iterator<Item = &Type> {
        self.files.iter().flat_map(|file| &file.types)
    }

    /// The type with this full name.
    pub(crate) fn find(&self, name: &str) -> Option<&Type> {
        let (file, place) = self.types.get(name)?;
        Some(&self.files[*file].types[*place])
    }

    /// Whether a method, a field or a value of an enum has this full name.
    pub(crate) fn is_other(&self, name: &str) -> bool {
        self.others.contains(name)
    }

    fn name_others(&self) -> impl Iterator<Item = String> {
        let contracts = self.files.iter().flat_map(|file| &file.contracts);
        let methods = contracts.flat_map(|contract| contract.methods);
        let methods = methods.map(|method| format!("{}.{}", method.service, method.name));
        let inside = self.types().flat_map(|Type { name, schema, .. }| match schema {
            Schema::Message(message) => {
                let fields = message.fields().map(|(field, _)| format!("{name}.{}", field.name));
                fields.collect::<Vec<_>>()
            }
            Schema::Enum(of) => {
                let scope = name.rsplit_once('.').map_or("", |(scope, _)| scope);
                of.values.iter().map(|value| format!("{scope}.{}", value.name)).collect()
            }
        });
        methods.chain(inside)
    }

    fn add(&mut self, contract: &'static Contract) -> Result<(), ContractError> {
        let name = format!("{}.{}", contract.package, contract.name);
        let home = self.file(&path_of(contract.package, &name), contract.package);
        let file = &mut self.files[home];
        if let Some(known) = file.contracts.iter().find(|known| known.name == contract.name) {
            if std::ptr::eq(*known, contract) {
                return Ok(());
            }
            return Err(ContractError::SameName { name, why: "two services have it".to_owned() });
        }
        file.contracts.push(contract);
        for method in contract.methods {
            self.add_type(home, contract.package, Schema::Message((method.input)()))?;
            self.add_type(home, contract.package, Schema::Message((method.output)()))?;
        }
        for method in contract.methods {
            for detail in method.errors.variants.iter().filter_map(|variant| variant.detail) {
                self.add_type(home, contract.package, Schema::Message(detail()))?;
            }
        }
        Ok(())
    }

    /// Adds a type that the file `user` of the package `package` mentions, and what it is made of.
    fn add_type(
        &mut self,
        user: usize,
        package: &str,
        schema: Schema,
    ) -> Result<(), ContractError> {
        let (package, name) = schema.resolve(package);
        let home = self.file(&path_of(&package, &name), &package);
        if home != user {
            let path = self.files[home].path.clone();
            self.files[user].imports.push(path);
        }
        if let Some(known) = self.find(&name) {
            return match same(known.schema, schema) {
                true => Ok(()),
                false => Err(ContractError::different_types(name)),
            };
        }
        let place = self.files[home].types.len();
        self.types.insert(name.clone(), (home, place));
        let of = Type { name, package: package.clone(), schema };
        self.files[home].types.push(of);
        let Schema::Message(message) = schema else { return Ok(()) };
        for (field, _) in message.fields() {
            if let Some(schema) = Schema::of(&field.kind) {
                self.add_type(home, &package, schema)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &str, package: &str) -> usize {
        if let Some(index) = self.files.iter().position(|file| file.path == path) {
            return index;
        }
        self.files.push(File {
            path: path.to_owned(),
            package: package.to_owned(),
            contracts: Vec::new(),
            types: Vec::new(),
            imports: Vec::new(),
        });
        self.files.len() - 1
    }

    /// Protobuf's files cannot import each other, not even by way of a third.
    fn check_circles(&self) -> Result<(), ContractError> {
        for file in &self.files {
            for import in self.imported(file) {
                if self.reaches(import, &file.path, &mut Vec::new()) {
                    let (one, other) = (file.package.clone(), import.package.clone());
                    return Err(ContractError::Circle { one, other });
                }
            }
        }
        Ok(())
    }

    fn reaches<'a>(&'a self, file: &'a File, path: &str, seen: &mut Vec<&'a str>) -> bool {
        if file.path == path {
            return true;
        }
        if seen.contains(&&*file.path) {
            return false;
        }
        seen.push(&file.path);
        self.imported(file).any(|import| self.reaches(import, path, seen))
    }

    /// The files that this one imports.
    pub(crate) fn imported<'a>(&'a self, file: &'a File) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(|other| file.imports.contains(&other.path))
    }

    /// Services and types are names of one scope, and so are an enum and its values.
    fn check_scopes(&self) -> Result<(), ContractError> {
        for file in &self.files {
            for contract in &file.contracts {
                let name = format!("{}.{}", contract.package, contract.name);
                if self.find(&name).is_some() {
                    let why = "a service and a type have it. Rename the type: #[kitfox::message(name = \"...\")]";
                    return Err(ContractError::SameName { name, why: why.to_owned() });
                }
            }
        }
        let mut known: HashMap<String, &str> = HashMap::new();
        for Type { name, schema, .. } in self.types() {
            let Schema::Enum(of) = schema else { continue };
            let scope = name.rsplit_once('.').map_or("", |(scope, _)| scope);
            for value in of.values {
                let full = format!("{scope}.{}", value.name);
                if let Some(first) = known.insert(full.clone(), name) {
                    return Err(ContractError::SameName {
                        name: full,
                        why: format!(
                            "it is a value of the enums `{first}` and `{name}`, which protobuf puts into one scope: rename one with #[value(name = \"...\")]"
                        ),
                    });
                }
            }
        }
        Ok(())
    }
}

impl File {
    /// Whether everybody has it already.
    pub(crate) fn is_googles(&self) -> bool {
        matches!(&*self.package, "google.protobuf" | "google.rpc")
    }

    /// A full name without the package of this file.
    pub(crate) fn local<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(&*self.package)?.strip_prefix('.')
    }
}

impl Schema {
    /// What a field, or an entry of a map, holds; `None` where it is a scalar.
    pub(crate) fn of(kind: &Kind) -> Option<Schema> {
        match kind {
            Kind::Scalar(_) => None,
            Kind::Enum(schema) => Some(Schema::Enum(schema())),
            Kind::Message(schema) => Some(Schema::Message(schema())),
            Kind::Map { value, .. } => Schema::of(value),
        }
    }

    /// Package and full name, seen from within `package`.
    pub(crate) fn resolve(self, package: &str) -> (String, String) {
        let (own, name) = match self {
            Schema::Message(message) => (message.package, message.name),
            Schema::Enum(of) => (of.package, of.name),
        };
        match own {
            "" => (package.to_owned(), format!("{package}.{name}")),
            own => (own.to_owned(), name.to_owned()),
        }
    }
}
