//! `[[emulator.credentials]]`. No message and no excerpt of the file shows a secret.

use super::super::table::{Found, Table};
use super::super::tree::{Node, Span, Value};
use crate::emulator::config::keys::CREDENTIAL;
use crate::emulator::config::{Credential, DEFAULT_ACCOUNT, Secret};
use crate::scenario::problem::quoted;

pub(super) fn list(table: &Table<'_>, found: &mut Found) -> Vec<Credential> {
    let example = "[[emulator.credentials]], then access_key_id and secret_access_key";
    let nodes = table.list("credentials", example, found).unwrap_or_default();
    let most = table.most("credentials");
    if nodes.len() > most {
        let message = format!("{} credentials are too many", nodes.len());
        found.add(table.key_span("credentials"), message, format!("there can be up to {most}"));
    }
    let mut rows: Vec<Credential> = Vec::new();
    for node in nodes.iter().take(most) {
        let Some(row) = credential(node, found) else { continue };
        if rows.iter().any(|known| known.access_key_id == row.access_key_id) {
            let message = format!("another row has the key {}", quoted(&row.access_key_id));
            found.add(&node.span, message, "every access key has one secret and one account");
        }
        rows.push(row);
    }
    rows
}

fn credential(node: &Node, found: &mut Found) -> Option<Credential> {
    let place = "the row of credentials";
    let table = Table::open(node, place, &CREDENTIAL, found)?;
    let _ = table.required("access_key_id", place, found);
    let _ = table.required("secret_access_key", place, found);
    let account = super::account(&table, found).unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned());
    let secret = secret(&table, "secret_access_key", 128, found);
    let session_token = secret_option(&table, "session_token", 4096, found);
    let id = table.text("access_key_id", found)?;
    if !(1..=128).contains(&id.len()) || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        let help = "it has 1 to 128 letters, digits and _, like AKIDEXAMPLE";
        found.add(table.key_span("access_key_id"), format!("{} is not an `access_key_id`", quoted(id)), help);
        return None;
    }
    Some(Credential { access_key_id: id.to_owned(), secret_access_key: secret?, session_token, account })
}

fn secret_option(table: &Table<'_>, key: &str, most: usize, found: &mut Found) -> Option<Secret> {
    table.get(key).and_then(|_| secret(table, key, most, found))
}

fn secret(table: &Table<'_>, key: &str, most: usize, found: &mut Found) -> Option<Secret> {
    let text = table.text(key, found)?;
    if !(1..=most).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_graphic()) {
        let help = format!("it has 1 to {most} visible ASCII characters");
        found.add(table.key_span(key), format!("`{key}` is not what a client could sign with"), help);
        return None;
    }
    Some(Secret::new(text.to_owned()))
}

/// Blots out every secret of a text, before any of it is shown: all that stands in `credentials` but for keys, ids and accounts,
/// and, where the syntax may be broken, the rest of every line that names a secret.
pub(in crate::scenario) fn mask_secrets(text: &mut String, root: &Node) {
    let mut spans = Vec::new();
    if let Some(credentials) = child(root, "emulator").and_then(|emulator| child(emulator, "credentials")) {
        collect(credentials, &mut spans);
    }
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let named = ["secret", "session_token"].iter().filter_map(|word| line.find(word)).min();
        if let Some(equals) = named.and_then(|start| line[start..].find('=').map(|i| start + i)) {
            spans.push(at + equals + 1..at + line.len());
        }
        at += line.len();
    }
    if spans.is_empty() {
        return;
    }
    let mut bytes = std::mem::take(text).into_bytes();
    for span in spans {
        let end = span.end.min(bytes.len());
        for byte in bytes.get_mut(span.start.min(end)..end).unwrap_or_default() {
            if !matches!(*byte, b'\n' | b'\r') {
                *byte = b'*';
            }
        }
    }
    // Spans end at the edges of characters, so nothing is half blotted out.
    *text = String::from_utf8(bytes).unwrap_or_default();
}

fn child<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Value::Table(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
}

fn collect(node: &Node, spans: &mut Vec<Span>) {
    match &node.value {
        Value::Table(entries) => {
            let secret = entries.iter().filter(|entry| !matches!(entry.key.as_str(), "access_key_id" | "account"));
            secret.for_each(|entry| collect(&entry.node, spans));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, spans)),
        _ => spans.push(node.span.clone()),
    }
}
