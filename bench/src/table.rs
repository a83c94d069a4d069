//! Tables that read well in a terminal and in `docs/PRICE.md` alike.

use std::fmt;

/// A Markdown table with aligned columns: the first to the left, the others to the right.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(heads: &[&str]) -> Self {
        Self { rows: vec![heads.iter().map(ToString::to_string).collect()] }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows[0].len();
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for (index, row) in self.rows.iter().enumerate() {
            write!(formatter, "| {:<width$} |", row[0], width = widths[0])?;
            for (cell, width) in row.iter().zip(&widths).skip(1) {
                write!(formatter, " {cell:>width$} |")?;
            }
            writeln!(formatter)?;
            if index == 0 {
                write!(formatter, "|{:-<width$}|", "", width = widths[0] + 2)?;
                for width in &widths[1..] {
                    write!(formatter, "{:->width$}:|", "", width = width + 1)?;
                }
                writeln!(formatter)?;
            }
        }
        Ok(())
    }
}

/// A count with its thousands apart.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let sign = if number < 0.0 && digits != "0" { "-" } else { "" };
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    format!("{sign}{}", groups.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["server", "n"]);
        table.row(["axum".to_owned(), thousands(19_460.4)]);
        let lines =
            ["| server |      n |", "|--------|-------:|", "| axum   | 19,460 |", ""].join("\n");
        assert_eq!(table.to_string(), lines);
    }

    #[test]
    fn thousands_are_set_apart() {
        let numbers = [0.0, 999.0, 1_000.0, 1_234_567.0, -347.0, -0.2].map(thousands);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567", "-347", "0"]);
    }
}
