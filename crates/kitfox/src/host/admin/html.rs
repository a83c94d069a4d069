//! A page for a browser: plain HTML, readable without scripts, of which there are none.

use std::fmt;

use super::index::PAGES;
use super::page::{Block, Cell, Page, Ring, Tone};

/// The style of all pages, at `/style.css`.
pub(super) const STYLE: &str = include_str!("style.css");

/// `page` of the host called `name`, as HTML.
pub(super) fn render(name: &str, page: &Page) -> String {
    let title = Escaped(page.title);
    let blocks: String = page.blocks.iter().map(block).collect();
    let link = |(path, _): &(&str, &str)| {
        let word = path.trim_start_matches('/');
        let here = if word == page.title { " aria-current=\"page\"" } else { "" };
        format!("<a href=\"{path}\"{here}>{word}</a>\n")
    };
    let links: String = PAGES.iter().map(link).collect();
    let name = Escaped(name);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{name}: {title}</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n\
         <header><a class=\"home\" href=\"/\">{name}</a>\n<nav>\n{links}</nav></header>\n\
         <main>\n<h1>{title}</h1>\n{blocks}</main>\n</body>\n</html>\n"
    )
}

fn block(block: &Block) -> String {
    match block {
        Block::Note(note) => format!("<p>{}</p>\n", Escaped(note)),
        Block::Facts(facts) => {
            let fact = |(name, it): &(&str, Cell)| {
                format!("<dt>{}</dt>{}\n", Escaped(name), cell("dd", it))
            };
            format!("<dl>\n{}</dl>\n", facts.iter().map(fact).collect::<String>())
        }
        Block::Table { rows, empty, .. } if rows.is_empty() => {
            format!("<p class=\"faint\">{}</p>\n", Escaped(empty))
        }
        Block::Table { heads, rows, .. } => {
            let heads = heads.iter().map(|head| format!("<th>{}</th>", Escaped(head)));
            let row = |row: &Vec<Cell>| {
                let cells: String = row.iter().map(|it| cell("td", it)).collect();
                format!("<tr>{cells}</tr>\n")
            };
            let (heads, rows) =
                (heads.collect::<String>(), rows.iter().map(row).collect::<String>());
            format!(
                "<div class=\"wide\"><table>\n<thead><tr>{heads}</tr></thead>\n\
                 <tbody>\n{rows}</tbody>\n</table></div>\n"
            )
        }
        Block::Onion { rings, methods } => {
            let methods = methods.iter().map(|method| format!("<li>{}</li>\n", Escaped(method)));
            let core = format!("<ul class=\"core\">\n{}</ul>\n", methods.collect::<String>());
            rings.iter().rev().fold(core, |inner, Ring { name, what }| {
                let (name, what) = (Escaped(name), Escaped(what));
                format!(
                    "<div class=\"ring\"><p><b>{name}</b> <span>{what}</span></p>\n{inner}</div>\n"
                )
            })
        }
        Block::FilterForm { filter, example } => {
            let (filter, example) = (Escaped(filter), Escaped(example));
            format!(
                "<form method=\"post\" action=\"/log\">\n\
                 <label>filter <input name=\"filter\" value=\"{filter}\" required \
                 autocomplete=\"off\" spellcheck=\"false\"></label>\n\
                 <label>for <input name=\"for\" value=\"10m\" size=\"5\" autocomplete=\"off\"></label>\n\
                 <button>set</button>\n</form>\n\
                 <p class=\"faint\">Levels are off, error, warn, info, debug and trace; \
                 <code>info,my_crate::db=debug</code> has another for one part of the code. Lines of \
                 calls come from <code>kitfox::call</code>. After the time the filter is what it was; \
                 without one it stays until the process ends. At a terminal:</p>\n\
                 <pre>{example}</pre>\n"
            )
        }
    }
}

fn cell(element: &str, cell: &Cell) -> String {
    let text = Escaped(&cell.text);
    let class = match cell.tone {
        Tone::Plain => "",
        Tone::Good => " class=\"good\"",
        Tone::Bad => " class=\"bad\"",
        Tone::Faint => " class=\"faint\"",
        Tone::Code => " class=\"code\"",
    };
    match cell.link {
        Some(link) => format!("<{element}{class}><a href=\"{link}\">{text}</a></{element}>"),
        None => format!("<{element}{class}>{text}</{element}>"),
    }
}

/// A text that is nothing but text, in an element as in a quoted attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => fmt::Write::write_char(f, other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn whatever_is_shown_stays_text() {
        let evil = "<script>alert(\"1\" & '2')</script>";
        let table = Block::Table {
            heads: &["what"],
            rows: vec![vec![Cell::bad(evil)], vec![Cell::plain(evil).leading_to("/calls")]],
            empty: "",
        };
        let ring = Ring { name: evil.to_owned(), what: evil.to_owned() };
        let blocks = vec![
            Block::Note(evil.to_owned()),
            Block::Facts(vec![("fact", Cell::code(evil))]),
            table,
            Block::Onion { rings: vec![ring], methods: vec![evil.to_owned()] },
            Block::FilterForm { filter: evil.to_owned(), example: evil.to_owned() },
        ];
        let html = render(evil, &Page::new("test", blocks, Value::Null));
        assert!(!html.contains("<script") && !html.contains("\"1\""), "{html}");
        let escaped = "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;";
        assert_eq!(html.matches(escaped).count(), 11);
    }
}
