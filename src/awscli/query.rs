//! `--query`: `JMESPath` by the `jmespath` crate, with Python's order of members and kinds of numbers.
//!
//! The crate sorts the members of objects and computes in floats; the AWS CLI keeps the order that was written and whole numbers
//! whole. Order is taken back from the expression's own `{name: ...}` parts. Literal objects (`` `{"b": 1, "a": 2}` ``) stay sorted.

use jmespath::ast::Ast;
use jmespath::functions::{ArgumentType, Signature};
use jmespath::{Context, ErrorReason, JmespathError, Rcvar, Runtime, Variable};
use serde_json::{Number, Value};

use super::data::Data;

/// Parts that an expression may have: more would nest too deep to be walked.
const PARTS: usize = 1000;

/// A sound expression.
pub struct Query {
    runtime: Runtime,
    text: String,
    /// Names of each `{name: ...}`, in the order of the expression.
    orders: Vec<Vec<String>>,
}

impl Query {
    /// Reads an expression; the problem is for people.
    pub fn new(text: &str) -> Result<Self, String> {
        let refused = |why: String| format!("Bad value for --query {text}: {why}");
        if text.chars().filter(|c| "([{!&|.".contains(*c)).count() > PARTS {
            return Err(refused(format!("it has more than {PARTS} parts")));
        }
        let runtime = runtime();
        let mut orders = Vec::new();
        collect(runtime.compile(text).map_err(|e| refused(e.to_string()))?.as_ast(), &mut orders);
        Ok(Self { runtime, text: text.to_owned(), orders })
    }

    /// What the expression finds in `data`.
    pub fn search(&self, data: &Data) -> Result<Data, String> {
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
                let mut members: Vec<(String, Data)> = members.iter().map(|(k, v)| (k.clone(), self.data(v))).collect();
                let order = self.order(&members);
                members.sort_by_key(|(name, _)| order.iter().position(|n| *n == name).unwrap_or(usize::MAX));
                Data::Map(members)
            }
            Variable::Null | Variable::Expref(_) => Data::Null,
        }
    }

    /// The order of an object's names: that of the part which has just these, else of their first appearance.
    fn order(&self, members: &[(String, Data)]) -> Vec<&String> {
        let same = |names: &&Vec<String>| names.len() == members.len() && members.iter().all(|(name, _)| names.contains(name));
        match self.orders.iter().find(same) {
            Some(names) => names.iter().collect(),
            None => self.orders.iter().flatten().collect(),
        }
    }
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

/// The built-in functions, with those replaced that would make floats of whole numbers.
fn runtime() -> Runtime {
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
    runtime
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
