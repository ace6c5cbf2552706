//! One file, parsed into facts. What is `#[cfg(test)]` is left out item by item; what stands after it is read.

use std::ops::RangeInclusive;

use proc_macro2::{LineColumn, Span, TokenStream};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::tokens::{self, Kind, Token, Written};
use super::uses::{self, Import};

/// What the rules know of a file.
pub(super) struct Source {
    /// Below `src/`.
    pub(super) path: String,
    /// `a::b`; the crate's root is the empty text, the binary's `main`.
    pub(super) module: String,
    pub(super) lines: Vec<String>,
    /// The modules that stand in this file, inline ones too: the file's own first.
    pub(super) modules: Vec<Module>,
    pub(super) functions: Vec<Function>,
    pub(super) literals: Vec<Literal>,
    /// Lines that hold code outside tests.
    pub(super) code: Vec<usize>,
}

/// A module in a file.
pub(super) struct Module {
    pub(super) name: String,
    pub(super) imports: Vec<Import>,
    pub(super) paths: Vec<Written>,
    /// Modules that it declares in files of their own, and whether only tests have them.
    pub(super) children: Vec<(String, bool)>,
    pub(super) items: Vec<Item>,
    /// Type aliases, as what they bring in.
    pub(super) aliases: Vec<Import>,
    pub(super) types: Vec<(String, usize)>,
    span: (LineColumn, LineColumn),
}

/// What a module defines, and from which line to which.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) lines: RangeInclusive<usize>,
}

pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) last_line: usize,
    /// Without `self`; a tuple's parts count each.
    pub(super) parameters: usize,
}

pub(super) struct Literal {
    pub(super) line: usize,
    pub(super) text: String,
    /// In plain digits, without underscores and suffix.
    pub(super) digits: String,
    /// Where the statement, constant, field or arm begins that holds it.
    pub(super) held_from: usize,
}

impl Source {
    /// Panics on text that is no Rust: the compiler has seen it before.
    pub(super) fn of(path: &str, text: &str) -> Self {
        let stream: TokenStream = text.parse().unwrap_or_else(|e| panic!("src/{path}: {e}"));
        let file: syn::File = syn::parse2(stream.clone()).unwrap_or_else(|e| panic!("src/{path}: {e}"));
        let module = module_of(path);
        let mut reader = Reader::new(&module);
        reader.visit_file(&file);
        let mut source = Source {
            path: path.to_owned(),
            module,
            lines: text.lines().map(str::to_owned).collect(),
            modules: reader.modules,
            functions: reader.functions,
            literals: Vec::new(),
            code: Vec::new(),
        };
        let kept = |token: &Token| !inside(&reader.skipped, token);
        let row: Vec<Token> = tokens::flat(stream.clone(), true).into_iter().filter(kept).collect();
        for path in tokens::paths(&row) {
            if !reader.uses.iter().any(|span| holds(span, path.line, path.column)) {
                let place = innermost(&source.modules, path.line, path.column);
                source.modules[place].paths.push(path);
            }
        }
        let bare: Vec<Token> = tokens::flat(stream, false).into_iter().filter(kept).collect();
        source.literals = literals(&bare, &reader.held);
        source.code = row.iter().map(|token| token.line).filter(|line| is_code(&source.lines[line - 1])).collect();
        source.code.dedup();
        source
    }
}

fn is_code(line: &str) -> bool {
    !line.trim_start().starts_with("//")
}

/// `a/b/mod.rs` and `a/b.rs` are `a::b`.
fn module_of(path: &str) -> String {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { String::new() } else { path.replace('/', "::") }
}

type Range = (LineColumn, LineColumn);

fn range(span: Span) -> Range {
    (span.start(), span.end())
}

fn holds(range: &Range, line: usize, column: usize) -> bool {
    let at = LineColumn { line, column };
    range.0 <= at && at < range.1
}

fn inside(ranges: &[Range], token: &Token) -> bool {
    ranges.iter().any(|range| holds(range, token.line, token.column))
}

fn innermost(modules: &[Module], line: usize, column: usize) -> usize {
    // Inner modules stand behind their outer ones.
    modules.iter().rposition(|module| holds(&module.span, line, column)).unwrap_or(0)
}

/// The numbers of a row: a tuple's index after a dot is none.
fn literals(row: &[Token], held: &[Range]) -> Vec<Literal> {
    let mut found = Vec::new();
    for (i, token) in row.iter().enumerate() {
        let Kind::Literal(literal) = &token.kind else { continue };
        let is_index = i > 0 && row[i - 1].is('.') && !(i > 1 && row[i - 2].is('.'));
        let digits = match syn::Lit::new(literal.clone()) {
            syn::Lit::Int(number) => number.base10_digits().to_owned(),
            syn::Lit::Float(number) => number.base10_digits().to_owned(),
            _ => continue,
        };
        if is_index {
            continue;
        }
        let holder = held.iter().filter(|range| holds(range, token.line, token.column)).map(|range| range.0);
        let held_from = holder.max().map_or(token.line, |start| start.line);
        found.push(Literal { line: token.line, text: literal.to_string(), digits, held_from });
    }
    found
}

/// Whether an item is there for tests only.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let cfg = attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Meta>().is_ok_and(|meta| needs_test(&meta));
        cfg || attribute.path().is_ident("test")
    })
}

fn needs_test(meta: &syn::Meta) -> bool {
    let parts = |list: &syn::MetaList| {
        let parse = syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
        list.parse_args_with(parse).map(|parts| parts.into_iter().collect::<Vec<_>>()).unwrap_or_default()
    };
    match meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("all") => parts(list).iter().any(needs_test),
        syn::Meta::List(list) if list.path.is_ident("any") => {
            let parts = parts(list);
            !parts.is_empty() && parts.iter().all(needs_test)
        }
        _ => false,
    }
}

/// Walks a file once and collects what the tokens alone do not tell.
struct Reader {
    modules: Vec<Module>,
    /// The modules round the place that is visited, by their place in `modules`.
    within: Vec<usize>,
    functions: Vec<Function>,
    skipped: Vec<Range>,
    uses: Vec<Range>,
    held: Vec<Range>,
}

impl Reader {
    fn new(module: &str) -> Self {
        let end = LineColumn { line: usize::MAX, column: 0 };
        let own = Module::new(module.to_owned(), (LineColumn { line: 0, column: 0 }, end));
        Reader {
            modules: vec![own],
            within: vec![0],
            functions: Vec::new(),
            skipped: Vec::new(),
            uses: Vec::new(),
            held: Vec::new(),
        }
    }

    fn module(&mut self) -> &mut Module {
        let at = *self.within.last().unwrap();
        &mut self.modules[at]
    }

    fn function(&mut self, signature: &syn::Signature, span: Span) {
        let parameters = signature.inputs.iter().map(|input| match input {
            syn::FnArg::Receiver(_) => 0,
            syn::FnArg::Typed(typed) => match &*typed.pat {
                syn::Pat::Tuple(tuple) => tuple.elems.len(),
                _ => 1,
            },
        });
        self.functions.push(Function {
            name: signature.ident.to_string(),
            line: signature.span().start().line,
            last_line: span.end().line,
            parameters: parameters.sum(),
        });
    }

    /// An item at the level of its module; one inside a function is nobody else's.
    fn define(&mut self, item: &syn::Item) {
        let (name, is_type) = match item {
            syn::Item::Struct(item) => (&item.ident, true),
            syn::Item::Enum(item) => (&item.ident, true),
            syn::Item::Union(item) => (&item.ident, true),
            syn::Item::Trait(item) => (&item.ident, true),
            syn::Item::Type(item) => (&item.ident, true),
            syn::Item::Fn(item) => (&item.sig.ident, false),
            syn::Item::Const(item) => (&item.ident, false),
            syn::Item::Static(item) => (&item.ident, false),
            _ => return,
        };
        let (name, line) = (name.to_string(), name.span().start().line);
        if let syn::Item::Type(item) = item
            && let syn::Type::Path(target) = &*item.ty
        {
            let path = target.path.segments.iter().map(|s| s.ident.to_string()).collect();
            let rooted = target.path.leading_colon.is_some();
            self.module().aliases.push(Import { line, path, name: Some(name.clone()), is_glob: false, is_public: false, rooted });
        }
        if is_type {
            self.module().types.push((name.clone(), line));
        }
        let lines = item.span().start().line..=item.span().end().line;
        self.module().items.push(Item { name, lines });
    }

    fn submodule(&mut self, item: &syn::ItemMod, test_only: bool) {
        let name = item.ident.to_string();
        let outer = self.module().name.clone();
        let Some((_, items)) = &item.content else {
            self.module().children.push((name, test_only));
            return;
        };
        if test_only {
            return;
        }
        let full = if outer.is_empty() { name } else { format!("{outer}::{name}") };
        self.within.push(self.modules.len());
        self.modules.push(Module::new(full, range(item.span())));
        self.items(items);
        self.within.pop();
    }

    fn items(&mut self, items: &[syn::Item]) {
        for item in items {
            if !is_test(attributes(item)) {
                self.define(item);
            }
            self.visit_item(item);
        }
    }
}

impl Module {
    pub(super) fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.name == name)
    }

    fn new(name: String, span: Range) -> Self {
        Module {
            name,
            imports: Vec::new(),
            paths: Vec::new(),
            children: Vec::new(),
            items: Vec::new(),
            aliases: Vec::new(),
            types: Vec::new(),
            span,
        }
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Union(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn attributes_of_member(member: &syn::ImplItem) -> &[syn::Attribute] {
    match member {
        syn::ImplItem::Const(member) => &member.attrs,
        syn::ImplItem::Fn(member) => &member.attrs,
        syn::ImplItem::Type(member) => &member.attrs,
        syn::ImplItem::Macro(member) => &member.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_file(&mut self, file: &'ast syn::File) {
        self.items(&file.items);
    }

    fn visit_item(&mut self, item: &'ast syn::Item) {
        let test_only = is_test(attributes(item));
        if test_only {
            self.skipped.push(range(item.span()));
        }
        match item {
            syn::Item::Mod(item) => self.submodule(item, test_only),
            _ if test_only => {}
            syn::Item::Use(item) => {
                self.uses.push(range(item.span()));
                self.module().imports.extend(uses::imports(item));
            }
            syn::Item::ExternCrate(item) => {
                let name = item.rename.as_ref().map_or(&item.ident, |(_, name)| name).to_string();
                let (line, path) = (item.span().start().line, vec![item.ident.to_string()]);
                let import = Import { line, path, name: Some(name), is_glob: false, is_public: false, rooted: true };
                self.module().imports.push(import);
            }
            _ => {
                self.held.push(range(item.span()));
                visit::visit_item(self, item);
            }
        }
    }

    fn visit_impl_item(&mut self, member: &'ast syn::ImplItem) {
        if is_test(attributes_of_member(member)) {
            self.skipped.push(range(member.span()));
        } else {
            self.held.push(range(member.span()));
            visit::visit_impl_item(self, member);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.held.push(range(field.span()));
        if is_test(&field.attrs) {
            self.skipped.push(range(field.span()));
        }
        visit::visit_field(self, field);
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if is_test(&field.attrs) {
            self.skipped.push(range(field.span()));
        }
        visit::visit_field_value(self, field);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.held.push(range(variant.span()));
        visit::visit_variant(self, variant);
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        self.held.push(range(statement.span()));
        if let syn::Stmt::Local(local) = statement
            && is_test(&local.attrs)
        {
            self.skipped.push(range(local.span()));
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.held.push(range(arm.span()));
        visit::visit_arm(self, arm);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, item.span());
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, item.span());
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.function(&item.sig, item.span());
        visit::visit_trait_item_fn(self, item);
    }
}
