//! `use` trees, flattened: one entry a name.

use syn::UseTree;
use syn::spanned::Spanned as _;

/// One name that a `use` brings in.
#[derive(Clone, Debug)]
pub(super) struct Import {
    pub(super) line: usize,
    /// As written, without a leading `::`.
    pub(super) path: Vec<String>,
    /// The name it has here; `None` for `_` and for `*`.
    pub(super) name: Option<String>,
    pub(super) is_glob: bool,
    /// Whether it hands the name on: `pub use` in any of its forms.
    pub(super) is_public: bool,
    /// Whether `::` stands before it: another crate's.
    pub(super) rooted: bool,
}

pub(super) fn imports(item: &syn::ItemUse) -> Vec<Import> {
    let mut found = Vec::new();
    flatten(&item.tree, &mut Vec::new(), &mut found);
    for import in &mut found {
        import.is_public = !matches!(item.vis, syn::Visibility::Inherited);
        import.rooted = item.leading_colon.is_some();
    }
    found
}

fn flatten(tree: &UseTree, path: &mut Vec<String>, found: &mut Vec<Import>) {
    let text = |word: &syn::Ident| word.to_string().trim_start_matches("r#").to_owned();
    let mut push = |path: Vec<String>, name: Option<String>, is_glob| {
        let line = tree.span().start().line;
        found.push(Import { line, path, name, is_glob, is_public: false, rooted: false });
    };
    match tree {
        UseTree::Path(step) => {
            path.push(text(&step.ident));
            flatten(&step.tree, path, found);
            path.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, path, found)),
        UseTree::Glob(_) => push(path.clone(), None, true),
        // `use a::b::{self}` is `use a::b`.
        UseTree::Name(name) if name.ident == "self" => push(path.clone(), path.last().cloned(), false),
        UseTree::Name(name) => push(with(path, text(&name.ident)), Some(text(&name.ident)), false),
        UseTree::Rename(rename) => {
            let full = if rename.ident == "self" { path.clone() } else { with(path, text(&rename.ident)) };
            push(full, Some(text(&rename.rename)).filter(|name| name != "_"), false);
        }
    }
}

fn with(path: &[String], last: String) -> Vec<String> {
    path.iter().cloned().chain([last]).collect()
}
