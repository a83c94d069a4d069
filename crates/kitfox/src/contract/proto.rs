//! The contract as text of the protobuf language.

mod comment;
mod message;
mod reference;
mod service;

use super::files::{File, Files};
use super::tree::tree;

/// A `.proto` file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtoFile {
    /// The package that it describes: `strings.v1`.
    pub package: String,
    /// Where importers look for it, under the root of all `.proto` files:
    /// `strings/v1/strings.proto`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl ProtoFile {
    pub(crate) fn new(files: &Files, file: &File) -> Self {
        let mut out = Text::default();
        out.line(&format!("// The contract of {}, written by Kitfox.", file.package));
        out.line(&format!("// Importers look for it at {}.", file.path));
        out.line("syntax = \"proto3\";");
        out.blank();
        out.line(&format!("package {};", file.package));
        if !file.imports.is_empty() {
            out.blank();
        }
        for import in &file.imports {
            out.line(&format!("import \"{import}\";"));
        }
        for contract in &file.contracts {
            out.blank();
            service::write(files, file, contract, &mut out);
        }
        for node in tree(file) {
            out.blank();
            message::write(files, file, &node, &mut out);
        }
        ProtoFile { package: file.package.clone(), path: file.path.clone(), text: out.text }
    }
}

/// Lines, two spaces further in for each brace that is open.
#[derive(Default)]
struct Text {
    text: String,
    depth: usize,
    /// Whether the next thing in this block needs a blank line before it.
    spaced: bool,
}

impl Text {
    fn line(&mut self, line: &str) {
        if !line.is_empty() {
            self.text.push_str(&"  ".repeat(self.depth));
            self.text.push_str(line);
        }
        self.text.push('\n');
        self.spaced = true;
    }

    fn blank(&mut self) {
        if std::mem::take(&mut self.spaced) {
            self.text.push('\n');
        }
    }

    /// A block in braces: `head { inside }`.
    fn block(&mut self, head: &str, inside: impl FnOnce(&mut Self)) {
        self.line(&format!("{head} {{"));
        let (before, depth) = (self.text.len(), self.depth);
        self.depth += 1;
        self.spaced = false;
        inside(self);
        self.depth = depth;
        if self.text.len() == before {
            // Nothing is inside.
            self.text.truncate(before - " {\n".len());
            self.text.push_str(" {}\n");
            self.spaced = true;
            return;
        }
        self.line("}");
    }
}
