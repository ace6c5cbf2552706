//! `--query`: `JMESPath` by the `jmespath` crate, with Python's order of members and kinds of numbers.
//!
//! The crate sorts the members of objects and computes in floats; the AWS CLI keeps the order that was written and whole numbers
//! whole. Order is taken back from the answer, from the expression's own `{name: ...}` parts and from what `merge` made of them.
//! Literal objects (`` `{"b": 1, "a": 2}` ``) stay sorted. A literal that is no JSON is a text, as Python's `jmespath` still has it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jmespath::ast::Ast;
use jmespath::functions::{ArgumentType, Signature};
use jmespath::{Context, ErrorReason, JmespathError, Rcvar, Runtime, Variable};
use serde_json::{Number, Value};

use super::data::Data;

/// Parts that an expression may have: more would nest too deep to be walked.
const PARTS: usize = 1000;

/// Orders of members that are known, the most telling first.
#[derive(Debug, Clone, Default)]
struct Orders(Arc<Mutex<Vec<Vec<String>>>>);

impl Orders {
    fn put(&self, orders: impl IntoIterator<Item = Vec<String>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(orders);
    }

    /// The names of an object in order: that of the object which has just these, else of their first appearance.
    fn of<'a>(&self, names: impl Iterator<Item = &'a String>) -> Vec<String> {
        let mut names: Vec<String> = names.cloned().collect();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |order: &&Vec<String>| order.len() == names.len() && names.iter().all(|name| order.contains(name));
        if let Some(order) = known.iter().find(same) {
            return order.clone();
        }
        names.sort_by_key(|name| known.iter().flatten().position(|seen| seen == name).unwrap_or(usize::MAX));
        names
    }
}

/// A sound expression.
pub struct Query {
    runtime: Runtime,
    text: String,
    orders: Orders,
}

impl Query {
    /// Reads an expression; the problem is for people.
    pub fn new(text: &str) -> Result<Self, String> {
        let refused = |why: String| format!("Bad value for --query {text}: {why}");
        if text.chars().filter(|c| "([{!&|.".contains(*c)).count() > PARTS {
            return Err(refused(format!("it has more than {PARTS} parts")));
        }
        let orders = Orders::default();
        let runtime = runtime(&orders);
        let text = with_json_literals(text);
        let mut parts = Vec::new();
        collect(runtime.compile(&text).map_err(|e| refused(e.to_string()))?.as_ast(), &mut parts);
        orders.put(parts);
        Ok(Self { runtime, text, orders })
    }

    /// What the expression finds in `data`.
    pub fn search(&self, data: &Data) -> Result<Data, String> {
        let mut names = Vec::new();
        members(data, &mut names);
        self.orders.put(names);
        let found = self.runtime.compile(&self.text).and_then(|query| query.search(Value::from(data)));
        found.map(|found| self.data(&found)).map_err(|e| e.to_string())
    }

    fn data(&self, found: &Variable) -> Data {
        match found {
            Variable::Bool(yes) => Data::Bool(*yes),
            Variable::Number(n) => Data::Number(n.clone()),
            Variable::String(text) => Data::Text(text.clone()),
            Variable::Array(items) => Data::List(items.iter().map(|item| self.data(item)).collect()),
            Variable::Object(members) => {
                let order = self.orders.of(members.keys());
                Data::Map(order.into_iter().filter_map(|name| members.get(&name).map(|v| (name.clone(), self.data(v)))).collect())
            }
            Variable::Null | Variable::Expref(_) => Data::Null,
        }
    }
}

/// The names of every object in an answer, outer before inner.
fn members(data: &Data, found: &mut Vec<Vec<String>>) {
    match data {
        Data::Map(map) => {
            found.push(map.iter().map(|(name, _)| name.clone()).collect());
            for (_, inner) in map {
                members(inner, found);
            }
        }
        Data::List(list) => list.iter().for_each(|inner| members(inner, found)),
        Data::Null | Data::Bool(_) | Data::Number(_) | Data::Text(_) => {}
    }
}

/// The expression with every literal in the form of JSON: one that is none is a text (JEP-12 kept that for Python's `jmespath`).
fn with_json_literals(text: &str) -> String {
    let (mut written, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(['`', '\'', '"']) {
        let (before, quoted) = rest.split_at(at);
        written.push_str(before);
        let quote = &quoted[..1];
        let Some(end) = closing(&quoted[1..], quote) else { break };
        let inner = &quoted[1..=end];
        let literal = inner.replace("\\`", "`");
        let as_text = format!("\"{}\"", literal.trim_start());
        let is_json = |text: &str| serde_json::from_str::<Value>(text).is_ok();
        if quote == "`" && !is_json(&literal) && is_json(&as_text) {
            written.extend(["`", &as_text.replace('`', "\\`"), "`"]);
        } else {
            written.push_str(&quoted[..end + 2]);
        }
        rest = &quoted[end + 2..];
    }
    written + rest
}

/// Where a quoted text ends: at the next quote that no backslash stands before.
fn closing(text: &str, quote: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if text[at..].starts_with(quote) => return Some(at),
            _ => {}
        }
    }
    None
}

/// Finds the `{name: ...}` parts, outer before inner.
fn collect(ast: &Ast, found: &mut Vec<Vec<String>>) {
    let children: Vec<&Ast> = match ast {
        Ast::MultiHash { elements, .. } => {
            found.push(elements.iter().map(|element| element.key.clone()).collect());
            elements.iter().map(|element| &element.value).collect()
        }
        Ast::MultiList { elements, .. } => elements.iter().collect(),
        Ast::Function { args, .. } => args.iter().collect(),
        Ast::Comparison { lhs, rhs, .. }
        | Ast::Projection { lhs, rhs, .. }
        | Ast::And { lhs, rhs, .. }
        | Ast::Or { lhs, rhs, .. }
        | Ast::Subexpr { lhs, rhs, .. } => vec![lhs, rhs],
        Ast::Condition { predicate, then, .. } => vec![predicate, then],
        Ast::Expref { ast, .. } => vec![ast],
        Ast::Flatten { node, .. } | Ast::Not { node, .. } | Ast::ObjectValues { node, .. } => vec![node],
        Ast::Identity { .. } | Ast::Field { .. } | Ast::Index { .. } | Ast::Literal { .. } | Ast::Slice { .. } => vec![],
    };
    for child in children {
        collect(child, found);
    }
}

/// The built-in functions, with those replaced that would make floats of whole numbers or lose an order.
fn runtime(orders: &Orders) -> Runtime {
    let mut runtime = Runtime::new();
    runtime.register_builtin_functions();
    let one = |name: &str, whole: fn(i64) -> Option<i64>, float: fn(f64) -> Option<Number>, runtime: &mut Runtime| {
        let signature = Signature::new(vec![ArgumentType::Number], None);
        let function = move |args: &[Rcvar], ctx: &mut Context<'_>| {
            signature.validate(args, ctx)?;
            let Variable::Number(n) = args[0].as_ref() else { return Ok(args[0].clone()) };
            answer(n.as_i64().and_then(whole).map(Number::from).or_else(|| n.as_f64().and_then(float)), ctx)
        };
        runtime.register_function(name, Box::new(function));
    };
    one("abs", i64::checked_abs, |n| Number::from_f64(n.abs()), &mut runtime);
    one("ceil", Some, |n| rounded(n.ceil()), &mut runtime);
    one("floor", Some, |n| rounded(n.floor()), &mut runtime);
    let signature = Signature::new(vec![ArgumentType::TypedArray(Box::new(ArgumentType::Number))], None);
    let sum = move |args: &[Rcvar], ctx: &mut Context<'_>| {
        signature.validate(args, ctx)?;
        let numbers: Vec<&Number> = args[0].as_array().into_iter().flatten().filter_map(|v| as_number(v)).collect();
        let whole = numbers.iter().try_fold(0_i64, |sum, n| n.as_i64().and_then(|n| sum.checked_add(n)));
        let float = || Number::from_f64(numbers.iter().filter_map(|n| n.as_f64()).sum());
        answer(whole.map(Number::from).or_else(float), ctx)
    };
    runtime.register_function("sum", Box::new(sum));
    let signature = Signature::new(vec![ArgumentType::TypedArray(Box::new(ArgumentType::Number))], None);
    let average = move |args: &[Rcvar], ctx: &mut Context<'_>| {
        signature.validate(args, ctx)?;
        let numbers: Vec<f64> = args[0].as_array().into_iter().flatten().filter_map(|v| v.as_number()).collect();
        if numbers.is_empty() {
            return Ok(Rcvar::new(Variable::Null));
        }
        answer(Number::from_f64(numbers.iter().sum::<f64>() / crate::num::count(numbers.len())), ctx)
    };
    runtime.register_function("avg", Box::new(average));
    in_order(&mut runtime, orders);
    runtime
}

/// The functions that show the order of members.
fn in_order(runtime: &mut Runtime, orders: &Orders) {
    let object = || Signature::new(vec![ArgumentType::Object], None);
    let (signature, known) = (Signature::new(vec![ArgumentType::Object], Some(ArgumentType::Object)), orders.clone());
    let merge = move |args: &[Rcvar], ctx: &mut Context<'_>| {
        signature.validate(args, ctx)?;
        let (mut merged, mut order) = (BTreeMap::new(), Vec::new());
        for object in args.iter().filter_map(|arg| arg.as_object()) {
            order.extend(known.of(object.keys()).into_iter().filter(|name| !merged.contains_key(name)));
            merged.extend(object.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        known.put([order]);
        Ok(Rcvar::new(Variable::Object(merged)))
    };
    runtime.register_function("merge", Box::new(merge));
    let (signature, known) = (object(), orders.clone());
    let keys = move |args: &[Rcvar], ctx: &mut Context<'_>| {
        signature.validate(args, ctx)?;
        let names = args[0].as_object().map(|object| known.of(object.keys())).unwrap_or_default();
        Ok(Rcvar::new(Variable::Array(names.into_iter().map(|name| Rcvar::new(Variable::String(name))).collect())))
    };
    runtime.register_function("keys", Box::new(keys));
    let (signature, known) = (object(), orders.clone());
    let values = move |args: &[Rcvar], ctx: &mut Context<'_>| {
        signature.validate(args, ctx)?;
        let Some(object) = args[0].as_object() else { return Ok(args[0].clone()) };
        let values = known.of(object.keys()).into_iter().filter_map(|name| object.get(&name).cloned()).collect();
        Ok(Rcvar::new(Variable::Array(values)))
    };
    runtime.register_function("values", Box::new(values));
}

fn as_number(value: &Variable) -> Option<&Number> {
    if let Variable::Number(n) = value { Some(n) } else { None }
}

/// A float without a fraction as a whole number, while it fits.
#[allow(clippy::cast_possible_truncation)] // within the range in which floats are exact
fn rounded(n: f64) -> Option<Number> {
    if n.abs() < 9e15 { Some(Number::from(n as i64)) } else { Number::from_f64(n) }
}

fn answer(number: Option<Number>, ctx: &Context<'_>) -> Result<Rcvar, JmespathError> {
    let overflow = || JmespathError::from_ctx(ctx, ErrorReason::Parse("the number is too large".to_owned()));
    number.map(|n| Rcvar::new(Variable::Number(n))).ok_or_else(overflow)
}

#[cfg(test)]
mod tests {
    use super::super::render;
    use super::*;

    fn found(query: &str) -> String {
        let answer = Data::Map(vec![("SessionId".to_owned(), Data::Text("c30cd5c0".to_owned()))]);
        let found = Query::new(query).and_then(|query| query.search(&answer)).unwrap_or_else(|e| panic!("{query}: {e}"));
        render::json(&found).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The order that was written stays, also through functions, nesting and projections.
    #[test]
    fn order() {
        assert_eq!(found("{z: SessionId, a: {y: `1`, b: `2`}}"), r#"{ "z": "c30cd5c0", "a": { "y": 1, "b": 2 } }"#);
        assert_eq!(found("[{a: `1`, b: `2`}, {b: `3`, a: `4`}]"), r#"[ { "a": 1, "b": 2 }, { "a": 4, "b": 3 } ]"#);
        assert_eq!(found("merge({z: `1`}, {a: `2`})"), r#"{ "z": 1, "a": 2 }"#);
        assert_eq!(found("[@][].{z: SessionId, a: `1`}"), r#"[ { "z": "c30cd5c0", "a": 1 } ]"#);
    }

    /// Whole numbers stay whole where Python keeps them whole.
    #[test]
    fn numbers() {
        assert_eq!(found("sum([length(SessionId), `2`])"), "10");
        assert_eq!(found("sum(`[1, 2.0]`)"), "3.0");
        assert_eq!(found("[ceil(`1.2`), floor(`-1.2`), abs(`-3`), abs(`-1.5`), ceil(`2`)]"), "[ 2, -2, 3, 1.5, 2 ]");
        assert_eq!(found("avg(`[1, 3]`)"), "2.0");
        assert_eq!(found("sum(`[]`)"), "0");
    }

    /// A wrong expression says where; one that is too deep is refused before anything walks it.
    #[test]
    fn refusals() {
        let refused = |text: &str| Query::new(text).err().unwrap();
        assert!(refused("[[").starts_with("Bad value for --query [[: "));
        assert!(refused("").starts_with("Bad value for --query : "));
        for deep in ["(", "[", "!", "a.", "{a:", "@|", "&"] {
            assert!(refused(&deep.repeat(100_000)).contains("more than 1000 parts"), "{deep}");
        }
        let wrong = Query::new("length(`1`)").unwrap().search(&Data::Null).unwrap_err();
        assert!(wrong.contains("length"), "{wrong}");
    }

    /// An expression at the bound is walked without running out of stack.
    #[test]
    fn at_the_bound() {
        let deep = format!("{}SessionId{}", "(".repeat(1000), ")".repeat(1000));
        assert_eq!(found(&deep), "\"c30cd5c0\"");
        assert_eq!(found(&format!("{}SessionId", "!".repeat(1000))), "true");
    }
}
