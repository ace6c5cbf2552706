//! A file's tokens in one row, and the paths that stand among them: in expressions, types, attributes and the arguments of macros alike.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One token, and the line it begins on.
pub(super) struct Token {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Word(String),
    Punct(char),
    Literal(proc_macro2::Literal),
    Open(Delimiter),
    Close,
}

impl Token {
    fn word(&self) -> Option<&str> {
        if let Kind::Word(word) = &self.kind { Some(word) } else { None }
    }

    pub(super) fn is(&self, punct: char) -> bool {
        matches!(self.kind, Kind::Punct(p) if p == punct)
    }
}

/// The tokens in the order of the text. An attribute is left out where `attributes` is false.
pub(super) fn flat(stream: TokenStream, attributes: bool) -> Vec<Token> {
    let mut row = Vec::new();
    flatten(stream, attributes, &mut row);
    row
}

fn flatten(stream: TokenStream, attributes: bool, row: &mut Vec<Token>) {
    for tree in stream {
        let start = tree.span().start();
        let mut push = |kind| row.push(Token { line: start.line, column: start.column, kind });
        match tree {
            TokenTree::Ident(word) => push(Kind::Word(word.to_string().trim_start_matches("r#").to_owned())),
            TokenTree::Punct(punct) => push(Kind::Punct(punct.as_char())),
            TokenTree::Literal(literal) => push(Kind::Literal(literal)),
            TokenTree::Group(group) => {
                let is_attribute = group.delimiter() == Delimiter::Bracket && after_hash(row);
                if is_attribute && !attributes {
                    continue;
                }
                row.push(Token { line: start.line, column: start.column, kind: Kind::Open(group.delimiter()) });
                flatten(group.stream(), attributes, row);
                let end = group.span_close().start();
                row.push(Token { line: end.line, column: end.column, kind: Kind::Close });
            }
        }
    }
}

fn after_hash(row: &[Token]) -> bool {
    match row {
        [.., hash, not] if not.is('!') => hash.is('#'),
        [.., hash] => hash.is('#'),
        [] => false,
    }
}

/// A path as written: its words, and whether `::` stands before them.
pub(super) struct Written {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) words: Vec<String>,
    pub(super) rooted: bool,
    /// Whether it is called: `f(...)` or `f!...`.
    pub(super) is_called: bool,
    /// The token behind it.
    end: usize,
}

/// Every path in a row of tokens. Fields and methods after a dot, lifetimes and a macro's variables are none.
pub(super) fn paths(row: &[Token]) -> Vec<Written> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < row.len() {
        let before = |n: usize| at.checked_sub(n).map(|i| &row[i]);
        let Some(first) = row[at].word() else {
            at += 1;
            continue;
        };
        let field = before(1).is_some_and(|t| t.is('.')) && !before(2).is_some_and(|t| t.is('.'));
        let variable = before(1).is_some_and(|t| t.is('$')) && first != "crate";
        let lifetime = before(1).is_some_and(|t| t.is('\''));
        let colons = before(1).is_some_and(|t| t.is(':')) && before(2).is_some_and(|t| t.is(':'));
        let continued = colons && before(3).is_some_and(|t| t.is('>') || t.word().is_some());
        let (mut words, next) = words_from(row, at);
        let is_called = row.get(next).is_some_and(|t| t.is('!') || matches!(t.kind, Kind::Open(Delimiter::Parenthesis)));
        let Token { line, column, .. } = row[at];
        if continued {
            // `<Type>::name` goes on from the type; where it is a generic's last argument, no rule minds.
            let last = found.last().filter(|last: &&Written| last.end + 3 == at);
            if let Some((before, rooted)) = last.map(|last| (last.words.clone(), last.rooted)) {
                words.splice(0..0, before);
                found.push(Written { line, column, words, rooted, is_called, end: next });
            }
        } else if !(field || variable || lifetime) {
            found.push(Written { line, column, words, rooted: colons, is_called, end: next });
        }
        at = next;
    }
    found
}

/// The words of the path that begins at a token, and where the row goes on.
fn words_from(row: &[Token], mut at: usize) -> (Vec<String>, usize) {
    let mut words = Vec::new();
    while let Some(word) = row.get(at).and_then(Token::word) {
        words.push(word.to_owned());
        at += 1;
        if !(row.get(at).is_some_and(|t| t.is(':')) && row.get(at + 1).is_some_and(|t| t.is(':'))) {
            break;
        }
        if row.get(at + 2).and_then(Token::word).is_none() {
            break;
        }
        at += 2;
    }
    (words, at)
}
