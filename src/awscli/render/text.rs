//! `--output text`: values with tabs between, a line each, members in the order of their names.

use crate::awscli::data::Data;

/// The value as lines.
pub fn text(data: &Data) -> String {
    let mut out = String::new();
    any(data, None, None, &mut out);
    out
}

/// `columns` are the scalar members of all objects of the list that `data` stands in.
fn any(data: &Data, name: Option<&str>, columns: Option<&[String]>, out: &mut String) {
    match data {
        Data::Map(members) => object(members, name, columns, out),
        Data::List(items) => list(items, name, out),
        scalar => line(&[scalar.cell()], out),
    }
}

fn line(cells: &[String], out: &mut String) {
    out.push_str(&cells.join("\t"));
    out.push('\n');
}

fn list(items: &[Data], name: Option<&str>, out: &mut String) {
    if items.iter().any(|item| matches!(item, Data::Map(_))) {
        let columns = scalar_names(items);
        for item in items {
            any(item, name, Some(&columns), out);
        }
        return;
    }
    let (scalars, others): (Vec<&Data>, Vec<&Data>) = items.iter().partition(|item| item.is_scalar());
    if !scalars.is_empty() {
        scalar_list(&scalars, name, out);
    }
    for other in others {
        any(other, name, None, out);
    }
}

fn scalar_list(items: &[&Data], name: Option<&str>, out: &mut String) {
    let cells: Vec<String> = items.iter().map(|item| item.cell()).collect();
    match name {
        None => line(&cells, out),
        Some(name) => cells.into_iter().for_each(|cell| line(&[name.to_uppercase(), cell], out)),
    }
}

fn scalar_names(items: &[Data]) -> Vec<String> {
    let mut names: Vec<String> = items
        .iter()
        .filter_map(|item| if let Data::Map(members) = item { Some(members) } else { None })
        .flatten()
        .filter(|(_, value)| value.is_scalar())
        .map(|(name, _)| name.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn object(members: &[(String, Data)], name: Option<&str>, columns: Option<&[String]>, out: &mut String) {
    let mut sorted: Vec<&(String, Data)> = members.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    let (mut cells, others) = match columns {
        None => {
            let (scalars, others): (Vec<_>, Vec<_>) = sorted.into_iter().partition(|(_, value)| value.is_scalar());
            (scalars.iter().map(|(_, value)| value.cell()).collect::<Vec<_>>(), others)
        }
        Some(columns) => {
            let value_of = |column: &String| sorted.iter().find(|(name, _)| name == column);
            let cells = columns.iter().map(|column| value_of(column).map_or_else(String::new, |(_, value)| value.cell()));
            let others = |(name, _): &&(String, Data)| !columns.contains(name);
            (cells.collect(), sorted.iter().copied().filter(others).collect())
        }
    };
    if !cells.is_empty() {
        if let Some(name) = name {
            cells.insert(0, name.to_uppercase());
        }
        line(&cells, out);
    }
    for (name, value) in others {
        any(value, Some(name), None, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(json: &str) -> Data {
        crate::awscli::answer::data(serde_json::from_str(json).unwrap())
    }

    /// What `awscli.text.format_text` prints for the same values.
    #[test]
    fn as_the_aws_cli_prints() {
        let rows = [
            ("\"x\"", "x\n"),
            ("null", "None\n"),
            ("true", "True\n"),
            ("[]", ""),
            ("{}", ""),
            ("[1, \"a\", null]", "1\ta\tNone\n"),
            ("{\"b\": 1, \"a\": 2}", "2\t1\n"),
            ("{\"list\": [1, 2], \"a\": 0}", "0\nLIST\t1\nLIST\t2\n"),
            ("{\"o\": {\"x\": 1}}", "O\t1\n"),
            ("[{\"a\": 1}, {\"b\": 2}]", "1\t\n\t2\n"),
            ("[[1, 2], 3, [4]]", "3\n1\t2\n4\n"),
            ("[{\"a\": 1, \"o\": [5]}, 7]", "1\nO\t5\n7\n"),
        ];
        for (json, expected) in rows {
            assert_eq!(text(&data(json)), expected, "{json}");
        }
    }
}
