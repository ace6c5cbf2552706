//! The tree of modules, and what a path in one of them means: `self`, `super`, what `use` brought in under which name, and what another
//! module hands on by `pub use`.

use std::collections::{BTreeMap, BTreeSet};

use super::parse::{Module, Source};
use super::tokens::Written;
use super::uses::Import;

/// A path that names something.
pub(super) struct Use {
    /// Which of the sources.
    pub(super) source: usize,
    pub(super) line: usize,
    /// The module it stands in.
    pub(super) from: String,
    /// In full. What is the crate's own begins with `crate`, anything else with the name of its crate.
    pub(super) path: Vec<String>,
    pub(super) kind: UseKind,
    /// Where it is defined, if in this crate.
    pub(super) place: Option<Place>,
    /// What it is in another crate, if a module of this one handed it on.
    pub(super) foreign: Option<Vec<String>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum UseKind {
    /// `use`.
    Import,
    /// `pub use`: it hands a name on and need not use it.
    Reexport,
    /// In the code itself.
    Code,
}

/// The module that defines something, and its name there; without a name the module itself is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) module: String,
    pub(super) item: Option<String>,
}

/// Paths hand on paths; what takes more steps than this is a circle of `use`s, which does not compile.
const STEPS: usize = 12;

/// The sources without tests, and every path in them.
pub(super) struct House {
    pub(super) sources: Vec<Source>,
    pub(super) uses: Vec<Use>,
    /// Files that no `mod` declares.
    pub(super) orphans: Vec<String>,
    /// Where the module of a name stands: source, and module in it.
    modules: BTreeMap<String, (usize, usize)>,
}

impl House {
    /// Of texts by their path below `src/`.
    pub(super) fn of(texts: &BTreeMap<String, String>) -> Self {
        let sources: Vec<Source> = texts.iter().map(|(path, text)| Source::of(path, text)).collect();
        let (library, left_out) = declared(&sources);
        let (sources, rest): (Vec<_>, Vec<_>) = sources.into_iter().partition(|source| library.contains(&source.module));
        let is_test = |module: &str| left_out.iter().any(|test| within(module, test));
        let orphans = rest.into_iter().filter(|source| !is_test(&source.module)).map(|source| source.path).collect();
        let mut modules = BTreeMap::new();
        for (i, source) in sources.iter().enumerate() {
            modules.extend(source.modules.iter().enumerate().map(|(k, module)| (module.name.clone(), (i, k))));
        }
        let mut house = House { sources, uses: Vec::new(), orphans, modules };
        house.uses = house.all_uses();
        house
    }

    pub(super) fn module(&self, name: &str) -> Option<&Module> {
        self.modules.get(name).map(|&(source, module)| &self.sources[source].modules[module])
    }

    pub(super) fn source_of(&self, module: &str) -> Option<usize> {
        self.modules.get(module).map(|&(source, _)| source)
    }

    pub(super) fn module_names(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().map(String::as_str)
    }

    /// The longest part of one of the crate's own paths that is a module; `None` for a path of another crate.
    pub(super) fn written_module(&self, path: &[String]) -> Option<String> {
        let (first, rest) = path.split_first()?;
        let longest = (0..=rest.len()).rev().map(|n| rest[..n].join("::")).find(|name| self.modules.contains_key(name));
        longest.filter(|_| first == "crate")
    }

    fn all_uses(&self) -> Vec<Use> {
        let mut found = Vec::new();
        for (source, file) in self.sources.iter().enumerate() {
            for module in &file.modules {
                for import in &module.imports {
                    let kind = if import.is_public { UseKind::Reexport } else { UseKind::Import };
                    let paths = self.absolute_import(&module.name, import, STEPS);
                    found.extend(paths.into_iter().map(|path| self.one(source, import.line, &module.name, path, kind)));
                }
                for written in &module.paths {
                    let paths = self.absolute_written(&module.name, written);
                    found.extend(paths.into_iter().map(|p| self.one(source, written.line, &module.name, p, UseKind::Code)));
                }
            }
        }
        found
    }

    fn one(&self, source: usize, line: usize, from: &str, path: Vec<String>, kind: UseKind) -> Use {
        let (place, foreign) = match (path[0] == "crate").then(|| self.place(&path[1..], STEPS)) {
            Some(Ok(place)) => (Some(place), None),
            Some(Err(foreign)) => (None, Some(foreign)),
            None => (None, None),
        };
        Use { source, line, from: from.to_owned(), path, kind, place, foreign }
    }

    /// What a path in code may mean. A word alone means something only if a `use` brought it in; a small one must be called, lest a field or
    /// a variable of that name be taken for it.
    fn absolute_written(&self, module: &str, written: &Written) -> Vec<Vec<String>> {
        let words = &written.words;
        if written.rooted {
            return vec![words.clone()];
        }
        match words.as_slice() {
            [word] if matches!(word.as_str(), "crate" | "self" | "super" | "Self") => Vec::new(),
            [first, ..] if first == "Self" => Vec::new(),
            [word] if word.starts_with(char::is_lowercase) && !written.is_called => Vec::new(),
            [word] => self.brought_in(module, word, &[], None, STEPS),
            _ => self.absolute(module, words, None, STEPS),
        }
    }

    fn absolute_import(&self, module: &str, import: &Import, steps: usize) -> Vec<Vec<String>> {
        if import.rooted { vec![import.path.clone()] } else { self.absolute(module, &import.path, Some(import), steps) }
    }

    /// What a path means from inside a module: several things at most where two functions bring in one name for two.
    fn absolute(&self, module: &str, words: &[String], of: Option<&Import>, steps: usize) -> Vec<Vec<String>> {
        let Some((first, rest)) = words.split_first() else { return Vec::new() };
        let own = |module: &str, rest: &[String]| {
            let parts = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned);
            ["crate".to_owned()].into_iter().chain(parts).chain(rest.iter().cloned()).collect::<Vec<String>>()
        };
        match first.as_str() {
            "crate" => return vec![words.to_vec()],
            "livebench" => return vec![own("", rest)],
            "self" if rest.first().is_some_and(|next| next == "super") => return self.absolute(module, rest, of, steps),
            "self" => return vec![own(module, rest)],
            "super" => {
                let levels = rest.iter().take_while(|word| *word == "super").count();
                let above = (0..levels).fold(parent(module), |module, _| parent(module));
                return vec![own(above, &rest[levels..])];
            }
            _ => {}
        }
        let found = self.brought_in(module, first, rest, of, steps);
        if !found.is_empty() {
            return found;
        }
        let child = join(module, first);
        if self.modules.contains_key(&child) { vec![own(&child, rest)] } else { vec![words.to_vec()] }
    }

    /// What a name means that a `use`, an alias or a `*` brought into a module.
    fn brought_in(&self, module: &str, name: &str, rest: &[String], of: Option<&Import>, steps: usize) -> Vec<Vec<String>> {
        let Some(here) = self.module(module).filter(|_| steps > 0) else { return Vec::new() };
        let is_itself = |import: &Import| of.is_some_and(|of| std::ptr::eq(of, import));
        let named = here.imports.iter().chain(&here.aliases).filter(|i| i.name.as_deref() == Some(name) && !is_itself(i));
        let mut found: Vec<Vec<String>> = named.flat_map(|import| self.absolute_import(module, import, steps - 1)).collect();
        if found.is_empty() && here.item(name).is_none() {
            let globs = here.imports.iter().filter(|import| import.is_glob && !is_itself(import));
            for mut target in globs.flat_map(|import| self.absolute_import(module, import, steps - 1)) {
                if target[0] != "crate" || self.defines(&target[1..], name) {
                    target.push(name.to_owned());
                    found.push(target);
                }
            }
        }
        for path in &mut found {
            path.extend(rest.iter().cloned());
        }
        found
    }

    fn imported(&self, module: &str, name: &str) -> bool {
        self.module(module).is_some_and(|module| module.imports.iter().any(|import| import.name.as_deref() == Some(name)))
    }

    fn defines(&self, module: &[String], name: &str) -> bool {
        let full = module.join("::");
        self.modules.contains_key(&join(&full, name))
            || self.module(&full).is_some_and(|module| {
                module.item(name).is_some()
                    || module.imports.iter().any(|import| import.is_public && import.name.as_deref() == Some(name))
            })
    }

    /// Where something is defined: a path is followed through what modules hand on, be it to another crate.
    fn place(&self, path: &[String], steps: usize) -> Result<Place, Vec<String>> {
        let mut module = String::new();
        for (i, word) in path.iter().enumerate() {
            let child = join(&module, word);
            // `mod read; use read::read;` makes a name two things; at a path's end the function is meant.
            let is_last = i + 1 == path.len();
            let twofold = is_last && self.imported(&module, word);
            if self.modules.contains_key(&child) && !twofold {
                module = child;
                continue;
            }
            let here = &self.modules[&module];
            let defined = self.sources[here.0].modules[here.1].item(word).is_some();
            if !defined {
                let handed = self.brought_in(&module, word, &path[i + 1..], None, steps.saturating_sub(1));
                match handed.into_iter().next().filter(|_| steps > 0) {
                    Some(full) if full[0] == "crate" => return self.place(&full[1..], steps - 1),
                    Some(full) => return Err(full),
                    None => {}
                }
            }
            return Ok(Place { module, item: Some(word.clone()) });
        }
        Ok(Place { module, item: None })
    }
}

/// The modules that the declarations lead to, from the library's root and the binary; and those that only tests have.
fn declared(sources: &[Source]) -> (BTreeSet<String>, BTreeSet<String>) {
    let by_module: BTreeMap<&str, &Source> = sources.iter().map(|source| (source.module.as_str(), source)).collect();
    let mut reached = BTreeSet::new();
    let mut tests = BTreeSet::new();
    let mut open = vec![String::new(), "main".to_owned()];
    while let Some(name) = open.pop() {
        let Some(source) = by_module.get(name.as_str()) else { continue };
        for module in &source.modules {
            for (child, test_only) in &module.children {
                let full = join(&module.name, child);
                if *test_only {
                    tests.insert(full);
                } else {
                    open.push(full);
                }
            }
        }
        reached.insert(name);
    }
    (reached, tests)
}

/// Whether a module is another or stands below it.
pub(super) fn within(module: &str, outer: &str) -> bool {
    module == outer || outer.is_empty() || module.strip_prefix(outer).is_some_and(|rest| rest.starts_with("::"))
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(parent, _)| parent)
}
