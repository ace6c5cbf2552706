//! `--output table`: the AWS CLI's boxes, a port of `awscli/formatter.py` and `awscli/table.py`.

use super::wide::width;
use crate::awscli::data::Data;

/// How a table may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal; a wider table is turned on its side.
    pub width: usize,
    /// With the AWS CLI's colours.
    pub coloured: bool,
}

/// The value as a table with `title`; empty for what Python takes for false. The problem is the AWS CLI's own: rows of unequal length.
pub fn table(title: &str, data: &Data, look: Look) -> Result<String, String> {
    let mut sections = Vec::new();
    build(Some(title), data, 0, &mut sections)?;
    Ok(if sections.is_empty() { String::new() } else { render(sections, look) })
}

/// A box of the table.
#[derive(Debug, Default)]
struct Section {
    title: String,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    level: usize,
    /// Widest cell of each column.
    widths: Vec<usize>,
    columns: Option<usize>,
}

impl Section {
    fn header(&mut self, headers: Vec<String>) -> Result<(), String> {
        self.measure(&headers)?;
        self.columns.get_or_insert(headers.len());
        self.headers = headers;
        Ok(())
    }

    fn row(&mut self, row: Vec<String>) -> Result<(), String> {
        let columns = *self.columns.get_or_insert(row.len());
        if row.len() != columns {
            return Err(format!("Row should have {columns} elements, instead it has {}", row.len()));
        }
        self.measure(&row)?;
        self.rows.push(row);
        Ok(())
    }

    fn measure(&mut self, cells: &[String]) -> Result<(), String> {
        if self.widths.is_empty() {
            self.widths = cells.iter().map(|cell| width(cell)).collect();
        } else if cells.len() > self.widths.len() {
            return Err(format!("Row should have {} elements, instead it has {}", self.widths.len(), cells.len()));
        }
        for (widest, cell) in self.widths.iter_mut().zip(cells) {
            *widest = (*widest).max(width(cell));
        }
        Ok(())
    }

    /// Its width with padding, borders and indentation.
    fn total(&self) -> usize {
        let columns: usize = self.widths.iter().map(|w| w + 4).sum();
        (columns + 2).max(width(&self.title) + 2) + 2 * self.level
    }

    /// Its columns, scaled so that they fill `full`.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // widths of terminals
    fn columns_in(&self, full: usize) -> Vec<usize> {
        let wanted: usize = self.widths.iter().map(|w| w + 4).sum();
        let scale = full as f64 / wanted.max(1) as f64;
        let mut columns: Vec<usize> =
            self.widths.iter().map(|w| (scale * (w + 4) as f64).round_ties_even().max(0.0) as usize).collect();
        if columns.is_empty() {
            return columns;
        }
        let (mut sum, count) = (columns.iter().sum::<usize>(), columns.len());
        for i in 0.. {
            match sum.cmp(&full) {
                std::cmp::Ordering::Equal => break,
                std::cmp::Ordering::Greater => {
                    columns[i % count] = columns[i % count].saturating_sub(1);
                    sum -= 1;
                }
                std::cmp::Ordering::Less => {
                    columns[count - 1 - i % count] += 1;
                    sum += 1;
                }
            }
        }
        columns
    }

    /// One row becomes lines of name and value.
    fn on_its_side(self) -> Result<Self, String> {
        if self.rows.len() != 1 || self.headers.is_empty() {
            return Ok(self);
        }
        let mut turned = Self { title: self.title, level: self.level, ..Self::default() };
        for (name, value) in self.headers.into_iter().zip(self.rows.into_iter().flatten()) {
            turned.row(vec![name, value])?;
        }
        Ok(turned)
    }
}

/// Adds what `data` needs; `None` for a title goes on in the section that is open.
fn build(title: Option<&str>, data: &Data, level: usize, sections: &mut Vec<Section>) -> Result<(), String> {
    if data.is_empty() {
        return Ok(());
    }
    if let Some(title) = title {
        sections.push(Section { title: title.to_owned(), level, ..Section::default() });
    }
    match data {
        Data::List(items) if matches!(items.first(), Some(Data::Map(_))) => build_objects(items, title, level, sections),
        Data::List(items) => items.iter().try_for_each(|item| build_item(item, sections)),
        Data::Map(members) => build_object(members, level, sections),
        _ => Ok(()),
    }
}

fn open(sections: &mut [Section]) -> Result<&mut Section, String> {
    sections.last_mut().ok_or_else(|| "a table without a section".to_owned())
}

fn build_item(item: &Data, sections: &mut Vec<Section>) -> Result<(), String> {
    match item {
        Data::List(cells) if cells.iter().all(Data::is_scalar) => open(sections)?.row(cells.iter().map(Data::cell).collect()),
        Data::List(_) => build(None, item, 0, sections),
        // Python goes through an object by its keys.
        Data::Map(members) => open(sections)?.row(members.iter().map(|(key, _)| key.clone()).collect()),
        scalar => open(sections)?.row(vec![scalar.cell()]),
    }
}

fn build_object(members: &[(String, Data)], level: usize, sections: &mut Vec<Section>) -> Result<(), String> {
    let mut sorted: Vec<&(String, Data)> = members.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    let (scalars, others): (Vec<_>, Vec<_>) = sorted.into_iter().partition(|(_, value)| value.is_scalar());
    if let [(name, value)] = scalars[..] {
        open(sections)?.row(vec![name.clone(), value.cell()])?;
    } else if !scalars.is_empty() {
        open(sections)?.header(scalars.iter().map(|(name, _)| name.clone()).collect())?;
        open(sections)?.row(scalars.iter().map(|(_, value)| value.cell()).collect())?;
    }
    others.into_iter().try_for_each(|(name, value)| build(Some(name), value, level + 1, sections))
}

fn build_objects(items: &[Data], title: Option<&str>, level: usize, sections: &mut Vec<Section>) -> Result<(), String> {
    let objects = items.iter().map(|item| match item {
        Data::Map(members) => Ok(members),
        _ => Err("a table has no room for a list of objects and other values".to_owned()),
    });
    let objects = objects.collect::<Result<Vec<_>, _>>()?;
    let names = |scalar: bool| {
        let mut names: Vec<&String> =
            objects.iter().flat_map(|o| o.iter()).filter(|(_, v)| v.is_scalar() == scalar).map(|(k, _)| k).collect();
        names.sort();
        names.dedup();
        names
    };
    let (headers, others) = (names(true), names(false));
    let header = || headers.iter().map(|name| (*name).clone()).collect::<Vec<_>>();
    open(sections)?.header(header())?;
    for (i, object) in objects.iter().enumerate() {
        if i > 0 && !others.is_empty() {
            if let Some(title) = title {
                sections.push(Section { title: title.to_owned(), level, ..Section::default() });
            }
            open(sections)?.header(header())?;
        }
        let value_of = |name: &String| object.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        open(sections)?.row(headers.iter().map(|name| value_of(name).map_or_else(String::new, Data::cell)).collect())?;
        for name in &others {
            if let Some(value) = value_of(name) {
                build(Some(name), value, level + 1, sections)?;
            }
        }
    }
    Ok(())
}

fn render(mut sections: Vec<Section>, look: Look) -> String {
    let widest = |sections: &[Section]| sections.iter().map(Section::total).max().unwrap_or_default();
    let mut full = widest(&sections);
    if full > look.width {
        sections = sections.into_iter().filter_map(|section| section.on_its_side().ok()).collect();
        full = widest(&sections);
    }
    let mut pen = Pen { out: String::new(), coloured: look.coloured };
    pen.write(&format!("{}\n", "-".repeat(full)));
    for section in &sections {
        draw(section, full - 2 * section.level, &mut pen);
    }
    pen.out
}

fn draw(section: &Section, full: usize, pen: &mut Pen) {
    let columns = section.columns_in(full);
    if !section.title.is_empty() {
        pen.line(section.level, &centred(&section.title, full, "|"));
        if section.headers.is_empty() && section.rows.is_empty() {
            pen.line(section.level, &format!("+{}+", "-".repeat(full.saturating_sub(2))));
        }
    }
    if !section.headers.is_empty() {
        pen.line(section.level, &rule(&columns));
        let cells = columns.iter().zip(&section.headers).enumerate();
        let cells = cells.map(|(i, (width, header))| centred(header, *width, if i == 0 { "|" } else { "" }));
        pen.line(section.level, &cells.collect::<String>());
    }
    if section.rows.is_empty() || columns.is_empty() {
        return;
    }
    pen.line(section.level, &rule(&columns));
    for row in &section.rows {
        let cells = columns.iter().zip(row).enumerate();
        let cells = cells.map(|(i, (width, cell))| left(cell, *width, if i == 0 { "|" } else { "" }, pen.coloured));
        let line: String = cells.collect();
        pen.line(section.level, &line);
    }
    pen.line(section.level, &rule(&columns));
}

/// Writes as the AWS CLI does through colorama, which resets the colours after each of its writes.
struct Pen {
    out: String,
    coloured: bool,
}

impl Pen {
    fn write(&mut self, text: &str) {
        self.out.push_str(text);
        if self.coloured {
            self.out.push_str(RESET);
        }
    }

    fn line(&mut self, level: usize, text: &str) {
        let edge = if self.coloured { format!("{DIM_YELLOW}|{RESET}") } else { "|".to_owned() }.repeat(level);
        self.write(&edge);
        self.write(text);
        self.write(&edge);
        self.write("\n");
    }
}

const RESET: &str = "\u{1b}[0m";
const DIM_YELLOW: &str = "\u{1b}[2m\u{1b}[33m";
const BRIGHT_BLUE: &str = "\u{1b}[1m\u{1b}[34m";

fn rule(columns: &[usize]) -> String {
    let parts = columns.iter().enumerate();
    parts.map(|(i, w)| if i == 0 { format!("+{}+", dashes(*w, 2)) } else { format!("{}+", dashes(*w, 1)) }).collect()
}

fn dashes(width: usize, borders: usize) -> String {
    "-".repeat(width.saturating_sub(borders))
}

fn spaces(count: i64) -> String {
    " ".repeat(usize::try_from(count).unwrap_or_default())
}

/// `text` in the middle of `length` columns, borders included.
fn centred(text: &str, length: usize, left_edge: &str) -> String {
    let (length, own, edge) = (signed(length), signed(width(text)), signed(left_edge.len()));
    let before = length / 2 - own / 2 - 1;
    let after = length - 1 - (edge + before + own);
    format!("{left_edge}{}{text}{}|", spaces(before), spaces(after))
}

/// `text` on the left of `length` columns, borders included, with two spaces before it where there is room.
fn left(text: &str, length: usize, left_edge: &str, coloured: bool) -> String {
    let (length, own, edge) = (signed(length), signed(width(text)), signed(left_edge.len()));
    let padding = if length > own + 2 + edge { 2 } else { 0 };
    let after = length - (edge + padding + own) - 1;
    let styled = if coloured { format!("{BRIGHT_BLUE}{text}{RESET}") } else { text.to_owned() };
    format!("{left_edge}{}{styled}{}|", spaces(padding), spaces(after))
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::awscli::answer::data;

    const SESSION: &str = "c30cd5c0-ffc1-45b6-8e0d-b183662811ba";

    fn drawn(json: &str, coloured: bool) -> String {
        let json = json.replace("ID", SESSION);
        let data = data(serde_json::from_str(&json).unwrap());
        table("CreateFaceLivenessSession", &data, Look { width: 80, coloured }).unwrap()
    }

    /// The answer itself, and answers that a query may make of it.
    #[test]
    fn boxes() {
        insta::assert_snapshot!(drawn(r#"{"SessionId": "ID"}"#, false), @r"
        -------------------------------------------------------
        |              CreateFaceLivenessSession              |
        +-----------+-----------------------------------------+
        |  SessionId|  c30cd5c0-ffc1-45b6-8e0d-b183662811ba   |
        +-----------+-----------------------------------------+
        ");
        insta::assert_snapshot!(drawn(r#""ID""#, false), @r"
        ---------------------------
        |CreateFaceLivenessSession|
        +-------------------------+
        ");
        insta::assert_snapshot!(drawn(r#"["ID", "x"]"#, false), @r"
        ------------------------------------------
        |        CreateFaceLivenessSession       |
        +----------------------------------------+
        |  c30cd5c0-ffc1-45b6-8e0d-b183662811ba  |
        |  x                                     |
        +----------------------------------------+
        ");
        insta::assert_snapshot!(drawn(r#"[{"id": "ID", "l": [1, 2]}, {"m": 2, "l": ["y"]}]"#, false), @r"
        -----------------------------------------------
        |          CreateFaceLivenessSession          |
        +----------------------------------------+----+
        |                   id                   | m  |
        +----------------------------------------+----+
        |  c30cd5c0-ffc1-45b6-8e0d-b183662811ba  |    |
        +----------------------------------------+----+
        ||                     l                     ||
        |+-------------------------------------------+|
        ||  1                                        ||
        ||  2                                        ||
        |+-------------------------------------------+|
        |          CreateFaceLivenessSession          |
        +------------------------+--------------------+
        |           id           |         m          |
        +------------------------+--------------------+
        |                        |  2                 |
        +------------------------+--------------------+
        ||                     l                     ||
        |+-------------------------------------------+|
        ||  y                                        ||
        |+-------------------------------------------+|
        ");
        insta::assert_snapshot!(drawn(r#"{"id": "ID", "inner": {"deep": {"x": "ID"}, "n": 1}, "list": ["é", "漢"]}"#, false), @r"
        ---------------------------------------------------
        |            CreateFaceLivenessSession            |
        +-----+-------------------------------------------+
        |  id |  c30cd5c0-ffc1-45b6-8e0d-b183662811ba     |
        +-----+-------------------------------------------+
        ||                     inner                     ||
        |+----------------------+------------------------+|
        ||  n                   |  1                     ||
        |+----------------------+------------------------+|
        |||                    deep                     |||
        ||+---+-----------------------------------------+||
        |||  x|  c30cd5c0-ffc1-45b6-8e0d-b183662811ba   |||
        ||+---+-----------------------------------------+||
        ||                     list                      ||
        |+-----------------------------------------------+|
        ||  é                                           ||
        ||  漢                                           ||
        |+-----------------------------------------------+|
        ");
    }

    /// What is wider than the terminal is turned on its side.
    #[test]
    fn turned() {
        insta::assert_snapshot!(drawn(r#"{"a": "ID", "b": "ID", "c": "ID"}"#, false), @r"
        -----------------------------------------------
        |          CreateFaceLivenessSession          |
        +---+-----------------------------------------+
        |  a|  c30cd5c0-ffc1-45b6-8e0d-b183662811ba   |
        |  b|  c30cd5c0-ffc1-45b6-8e0d-b183662811ba   |
        |  c|  c30cd5c0-ffc1-45b6-8e0d-b183662811ba   |
        +---+-----------------------------------------+
        ");
    }

    /// Colours, with the resets that colorama adds.
    #[test]
    fn coloured() {
        insta::assert_snapshot!(drawn(r#"{"a": 1, "b": {"c": "x"}}"#, true).replace('\u{1b}', "^"), @r"
        ---------------------------
        ^[0m^[0m|CreateFaceLivenessSession|^[0m^[0m
        ^[0m^[0m+-----------+-------------+^[0m^[0m
        ^[0m^[0m|  ^[1m^[34ma^[0m        |  ^[1m^[34m1^[0m          |^[0m^[0m
        ^[0m^[0m+-----------+-------------+^[0m^[0m
        ^[0m^[2m^[33m|^[0m^[0m|           b           |^[0m^[2m^[33m|^[0m^[0m
        ^[0m^[2m^[33m|^[0m^[0m+----------+------------+^[0m^[2m^[33m|^[0m^[0m
        ^[0m^[2m^[33m|^[0m^[0m|  ^[1m^[34mc^[0m       |  ^[1m^[34mx^[0m         |^[0m^[2m^[33m|^[0m^[0m
        ^[0m^[2m^[33m|^[0m^[0m+----------+------------+^[0m^[2m^[33m|^[0m^[0m
        ^[0m
        ");
    }

    /// Nothing is no table, and rows of unequal length are none either.
    #[test]
    fn no_table() {
        for empty in ["null", "0", "\"\"", "[]", "{}", "false"] {
            assert_eq!(drawn(empty, false), "", "{empty}");
        }
        let uneven = data(serde_json::json!([["a", "b"], ["c"]]));
        let problem = table("T", &uneven, Look { width: 80, coloured: false }).unwrap_err();
        assert_eq!(problem, "Row should have 2 elements, instead it has 1");
        let mixed = data(serde_json::json!([{"a": 1}, "b"]));
        assert!(table("T", &mixed, Look { width: 80, coloured: false }).unwrap_err().contains("no room"));
    }
}
