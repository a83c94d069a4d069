//! Types within types: `Order.Item` lies in `Order`.

use super::files::{File, Type};

/// A type and those that lie in it.
pub(crate) struct Node<'a> {
    /// The last part of the name.
    pub(crate) name: &'a str,
    /// `None` where only something within was mentioned.
    pub(crate) of: Option<&'a Type>,
    pub(crate) inner: Vec<Node<'a>>,
}

/// The types of a file, each within the one that its name says.
pub(crate) fn tree(file: &File) -> Vec<Node<'_>> {
    let mut roots = Vec::new();
    for of in &file.types {
        let Some(local) = file.local(&of.name) else { continue };
        let (scopes, name) = local.rsplit_once('.').map_or((None, local), |(a, b)| (Some(a), b));
        let mut level = &mut roots;
        for scope in scopes.into_iter().flat_map(|scopes| scopes.split('.')) {
            level = &mut entry(level, scope).inner;
        }
        entry(level, name).of = Some(of);
    }
    roots
}

fn entry<'a, 'b>(level: &'b mut Vec<Node<'a>>, name: &'a str) -> &'b mut Node<'a> {
    let index = level.iter().position(|node| node.name == name).unwrap_or_else(|| {
        level.push(Node { name, of: None, inner: Vec::new() });
        level.len() - 1
    });
    &mut level[index]
}
