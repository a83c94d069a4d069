//! What has changed since the lock was written, and whether peers that know the lock are still
//! understood.

use super::section::{Block, Kind, Line, Section};
use super::sentences as say;

/// What has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// What peers that know the lock do not understand.
    pub(crate) breaking: Vec<String>,
    /// What they need not know.
    pub(crate) compatible: Vec<String>,
}

impl Changes {
    /// What makes `new` of `old`.
    pub(crate) fn between(old: &Section, new: &Section) -> Self {
        let mut changes = Changes::default();
        for block in &old.blocks {
            match new.find(block.kind, &block.name) {
                Some(now) => changes.block(block, now),
                None => changes.gone(block, old, new),
            }
        }
        for block in &new.blocks {
            if old.find(block.kind, &block.name).is_none() {
                changes.compatible.push(say::is_new(block));
            }
        }
        changes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.breaking.is_empty() && self.compatible.is_empty()
    }

    /// A method that is gone is missed by its callers. Anything else is missed where it was mentioned,
    /// if at all.
    fn gone(&mut self, block: &Block, old: &Section, new: &Section) {
        if block.kind != Kind::Method {
            return self.compatible.push(say::is_unused(block));
        }
        let is_new =
            |it: &&Block| it.kind == Kind::Method && old.find(Kind::Method, &it.name).is_none();
        let renamed = new.blocks.iter().filter(is_new).find(|it| it.lines == block.lines);
        self.breaking.push(match renamed {
            Some(renamed) => say::method_renamed(&block.name, &renamed.name),
            None => say::method_gone(&block.name),
        });
    }

    fn block(&mut self, old: &Block, new: &Block) {
        match old.kind {
            Kind::Method => self.method(old, new),
            Kind::Errors => self.errors(old, new),
            Kind::Message | Kind::Enum => self.numbered(old, new),
        }
    }

    fn method(&mut self, old: &Block, new: &Block) {
        let one = |block: &Block, word: &str| {
            let line = block.lines.iter().find(|line| line.word(0) == word);
            line.map(|line| line.rest(1))
        };
        for word in ["takes", "gives", "fails"] {
            let (was, is) = (one(old, word), one(new, word));
            if was != is {
                self.breaking.push(say::method_differs(&old.name, word, was, is));
            }
        }
        // What was promised of repeated calls may grow and not shrink.
        let promise =
            |block: &Block| say::PROMISES.iter().rposition(|(word, _)| one(block, word).is_some());
        let (was, is) = (promise(old), promise(new));
        match (was, is) {
            (Some(was), is) if is.is_none_or(|is| is < was) => {
                self.breaking.push(say::promises_less(&old.name, was));
            }
            (was, Some(is)) if was.is_none_or(|was| was < is) => {
                self.compatible.push(say::promises_more(&old.name, is));
            }
            _ => {}
        }
        let routes = |block: &Block| {
            let lines = block.lines.iter().filter(|line| line.word(0) == "route");
            lines.map(|line| line.rest(1)).collect::<Vec<_>>()
        };
        let (before, now) = (routes(old), routes(new));
        let gone = before.iter().filter(|route| !now.contains(route));
        self.breaking.extend(gone.map(|route| say::route_gone(&old.name, route)));
        let added = now.iter().filter(|route| !before.contains(route));
        self.compatible.extend(added.map(|route| say::route_new(&old.name, route)));
    }

    fn errors(&mut self, old: &Block, new: &Block) {
        for line in &old.lines {
            let reason = line.word(0);
            let Some(now) = new.lines.iter().find(|now| now.word(0) == reason) else {
                self.breaking.push(say::error_gone(&old.name, reason));
                continue;
            };
            if now.word(1) != line.word(1) {
                let codes = (line.word(1), now.word(1));
                self.breaking.push(say::error_code(&old.name, reason, codes));
            }
            if now.word(2) != line.word(2) {
                let details = (line.word(2), now.word(2));
                self.breaking.push(say::error_detail(&old.name, reason, details));
            }
        }
        let is_new = |line: &&Line| old.lines.iter().all(|old| old.word(0) != line.word(0));
        for line in new.lines.iter().filter(is_new) {
            self.compatible.push(say::error_new(&old.name, line.word(0)));
        }
    }

    /// The fields of a message, the values of an enum.
    fn numbered(&mut self, old: &Block, new: &Block) {
        let by_name =
            |block: &Block, name: &str| members(block).find(|it| it.word(1) == name).cloned();
        for line in members(old) {
            let (number, name) = (line.word(0), line.word(1));
            if let Some(now) = by_name(new, name) {
                self.member(old, line, &now);
                continue;
            }
            let in_its_place = members(new).find(|now| now.word(0) == number);
            let renamed = in_its_place.filter(|now| by_name(old, now.word(1)).is_none());
            match renamed {
                Some(now) if now.rest(2) == line.rest(2) => {
                    self.breaking.push(say::renamed(old, line, now));
                }
                _ if is_reserved(new, number) && is_reserved(new, name) => {
                    self.compatible.push(say::removed_and_reserved(old, line));
                }
                _ => self.breaking.push(say::removed(old, line)),
            }
        }
        for line in old.lines.iter().filter(|line| line.word(0) == "reserved") {
            if !new.lines.contains(line) {
                self.breaking.push(say::no_longer_reserved(old, line.word(1)));
            }
        }
        for line in &new.lines {
            let is_known = match line.word(0) {
                "reserved" => old.lines.contains(line),
                _ => by_name(old, line.word(1)).is_some(),
            };
            if !is_known {
                self.compatible.push(say::member_new(new, line));
            }
        }
    }

    /// A field or value that is still there, under its name.
    fn member(&mut self, block: &Block, old: &Line, new: &Line) {
        if old.word(0) != new.word(0) {
            self.breaking.push(say::renumbered(block, old, new));
        }
        if block.kind == Kind::Enum || old.rest(2) == new.rest(2) {
            return;
        }
        // Whether absence can be told from the default is nobody else's business.
        let plain = |line: &Line| line.rest(2).trim_start_matches("optional ").to_owned();
        match plain(old) == plain(new) {
            true => self.compatible.push(say::presence(block, old, new)),
            false => self.breaking.push(say::holds_other(block, old, new)),
        }
    }
}

fn members(block: &Block) -> impl Iterator<Item = &Line> {
    block.lines.iter().filter(|line| line.word(0) != "reserved")
}

/// Whether a number or a name is among what is reserved.
fn is_reserved(block: &Block, what: &str) -> bool {
    let number: Option<i64> = what.parse().ok();
    block.lines.iter().filter(|line| line.word(0) == "reserved").any(|line| {
        let Some((first, last)) = line.word(1).split_once("..=") else {
            return line.word(1) == what;
        };
        let range = first.parse::<i64>().ok().zip(last.parse::<i64>().ok());
        number.zip(range).is_some_and(|(number, (first, last))| (first..=last).contains(&number))
    })
}

#[cfg(test)]
mod tests;
