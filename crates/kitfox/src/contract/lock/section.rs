//! One service in the lock, as text and back.

use std::fmt;

/// What the lock has of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// The full name.
    pub(crate) service: String,
    /// Sorted by kind and name.
    pub(crate) blocks: Vec<Block>,
}

/// One method, message, enum, or set of errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) lines: Vec<Line>,
}

/// What a block is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Method,
    Errors,
    Message,
    Enum,
}

/// One line of a block, as words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line(pub(crate) Vec<String>);

impl Kind {
    const ALL: [Kind; 4] = [Kind::Method, Kind::Errors, Kind::Message, Kind::Enum];

    fn word(self) -> &'static str {
        match self {
            Kind::Method => "method",
            Kind::Errors => "errors",
            Kind::Message => "message",
            Kind::Enum => "enum",
        }
    }
}

impl Section {
    /// The block of this kind and name.
    pub(crate) fn find(&self, kind: Kind, name: &str) -> Option<&Block> {
        self.blocks.iter().find(|block| block.kind == kind && block.name == name)
    }

    /// The sections of a whole file.
    ///
    /// # Errors
    /// Names the line that is none of a lock.
    pub(crate) fn parse(text: &str) -> Result<Vec<Section>, String> {
        let mut sections: Vec<Section> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = || format!("line {} is none of a lock: `{line}`", index + 1);
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            if line.starts_with(' ') {
                let section = sections.last_mut().ok_or_else(wrong)?;
                section.blocks.last_mut().ok_or_else(wrong)?.lines.push(Line(words));
                continue;
            }
            let [word, name] = &words[..] else { return Err(wrong()) };
            if word == "service" {
                sections.push(Section { service: name.clone(), blocks: Vec::new() });
                continue;
            }
            let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(wrong)?;
            let section = sections.last_mut().ok_or_else(wrong)?;
            section.blocks.push(Block { kind, name: name.clone(), lines: Vec::new() });
        }
        Ok(sections)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "service {}", self.service)?;
        for block in &self.blocks {
            writeln!(f, "\n{block}")?;
            for line in &block.lines {
                writeln!(f, "  {line}")?;
            }
        }
        Ok(())
    }
}

/// What it is of, and its name.
impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.word(), self.name)
    }
}

impl Line {
    pub(crate) fn new(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Line(words.into_iter().map(Into::into).collect())
    }

    /// The word at a place; empty where there is none.
    pub(crate) fn word(&self, index: usize) -> &str {
        self.0.get(index).map_or("", String::as_str)
    }

    /// Everything from a place on.
    pub(crate) fn rest(&self, index: usize) -> String {
        self.0.get(index..).unwrap_or_default().join(" ")
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "service a.v1.A\n\nmethod B\n  takes a.v1.C\n\nmessage a.v1.C\n  1 x string\n";
        let sections = Section::parse(text).unwrap();
        assert_eq!(sections.len(), 1);
        assert_eq!(sections[0].to_string(), text);
    }

    #[test]
    fn what_is_no_lock_is_named() {
        for (text, line) in [
            ("<<<<<<< HEAD\n", 1),
            ("service a.v1.A\nmethods B\n", 2),
            ("method B\n", 1),
            ("# head\n  takes a.v1.C\n", 2),
            ("service a.v1.A\n  takes a.v1.C\n", 2),
            ("service a.v1.A\nmethod\n", 2),
        ] {
            let error = Section::parse(text).unwrap_err();
            assert!(error.starts_with(&format!("line {line} is none of a lock: `")), "{error}");
        }
    }
}
