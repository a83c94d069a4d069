//! A page for a terminal.

use super::page::{Block, Cell, Page};

/// The widest column that others are aligned behind.
const WIDEST: usize = 60;

/// `page` as text.
pub(super) fn render(page: &Page) -> String {
    let blocks: Vec<_> = page.blocks.iter().map(block).collect();
    blocks.join("\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Note(note) => format!("{note}\n"),
        Block::Facts(facts) => {
            let row = |(name, cell): &(&str, Cell)| vec![(*name).to_owned(), cell.text.clone()];
            aligned(&facts.iter().map(row).collect::<Vec<_>>())
        }
        Block::Table { rows, empty, .. } if rows.is_empty() => format!("{empty}\n"),
        Block::Table { heads, rows, .. } => {
            let heads = heads.iter().map(|head| head.to_uppercase()).collect();
            let cells = rows.iter().map(|row| row.iter().map(|cell| cell.text.clone()).collect());
            aligned(&std::iter::once(heads).chain(cells).collect::<Vec<_>>())
        }
        Block::Onion { rings, methods } => {
            let rows: Vec<_> = rings
                .iter()
                .enumerate()
                .map(|(depth, ring)| {
                    vec![format!("{}{}", "  ".repeat(depth), ring.name), ring.what.clone()]
                })
                .collect();
            let depth = "  ".repeat(rings.len());
            let methods: String =
                methods.iter().map(|method| format!("{depth}{method}\n")).collect();
            aligned(&rows) + &methods
        }
        Block::FilterForm { example, .. } => format!("change it:  {example}\n"),
    }
}

/// Rows in columns.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0).min(WIDEST)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let cell: String =
                cell.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
            line += &format!("{cell:<width$}  ");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_that_a_terminal_obeys_gets_through() {
        let rows = vec![
            vec![Cell::plain("a"), Cell::plain("\u{1b}[31mred")],
            vec![Cell::plain("longer"), Cell::plain("b")],
        ];
        let table = Block::Table { heads: &["one", "two"], rows, empty: "" };
        let page = Page::new("test", vec![Block::Note("A note.".to_owned()), table], Value::Null);
        assert_eq!(render(&page), "A note.\n\nONE     TWO\na        [31mred\nlonger  b\n");
    }
}
