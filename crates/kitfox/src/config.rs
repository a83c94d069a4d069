//! What a host runs with, and where each value came from.
//!
//! Four sources, each stronger than the one before: defaults, code (the builder of
//! [`Host`](crate::Host)), a TOML file (`KITFOX_CONFIG` names it, or
//! [`Host::config_file`](crate::Host::config_file)), the environment. All of them are read and
//! judged as a whole before a host does anything, and everything that is wrong is told at once,
//! with its origin and how to mend it: see [`ConfigError`].
//!
//! Of OpenTelemetry's variables `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_PROTOCOL`,
//! `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_RESOURCE_ATTRIBUTES` count as the environment, too; those of
//! Kitfox are stronger.
//!
//! # While a host runs
//!
//! What the layers around calls are set to (`server.*`, `clients.*`, `guards.*`) can be changed without a new
//! process. Who says it last of those that are equally strong counts; the stronger ones come last:
//!
//! 1. defaults, code, the file and the environment, as above;
//! 2. code while calls run: [`Handle::change`](crate::Handle::change),
//!    [`ServiceChannel::change`](crate::ServiceChannel::change),
//!    [`Guard::change`](crate::resilience::Guard::change);
//! 3. the admin port: `PUT /stack/server?rate_limit.rate=50&for=10m`. `DELETE /stack/server` takes back what
//!    was set so, and nothing else.
//!
//! The file is read again by `POST /reload` of the admin port, by `SIGHUP` where there is a file (elsewhere that
//! signal is left as it was), and by [`Handle::reload`](crate::Handle::reload). The whole is judged as at the
//! start. Where something is wrong nothing is changed: it is in the log, in the answer, and on `/config`.
//! Keys outside of layers whose values are now others (`listen`, `limits.*`) are named as needing a
//! restart. The filter of the log is changed on `/log`.
//!
//! # Keys
//!
#![doc = include_str!("config/keys.md")]

mod environment;
mod file;
mod form;
mod keys;
mod nearest;
mod otlp;
mod problem;
mod rules;
mod settings;
mod stacks;
mod telemetry;

pub use environment::Environment;
pub use keys::{KEYS, Key, reference};
pub use otlp::{Endpoint, InvalidEndpoint, Otlp, OtlpProtocol};
pub use problem::{ConfigError, Origin, Problem};
pub use settings::{Drain, Register, Settings};
pub use telemetry::Log;

use std::path::PathBuf;

use kitfox_telemetry::logs::Redaction;
use kitfox_transport::Limits;
use kitfox_transport::wires::Cors;

pub(crate) use file::named as named_file;
pub(crate) use form::{parse_duration, show_duration};
use keys::position;
use stacks::Said;
pub(crate) use stacks::{Stack, Stacks};

/// OpenTelemetry's own variables that count as well, where Kitfox's do not say otherwise.
const OPEN_TELEMETRY: [(&str, &str); 4] = [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp.endpoint"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "otlp.protocol"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "otlp.headers"),
    ("OTEL_RESOURCE_ATTRIBUTES", "otlp.attributes"),
];

/// The variable that names the file.
pub const FILE_VARIABLE: &str = "KITFOX_CONFIG";

/// The values that a host runs with, and the origin of each.
#[derive(Clone, Debug)]
pub struct Configuration {
    settings: Settings,
    /// One for each of [`KEYS`], in their order.
    origins: Vec<Origin>,
}

/// A key with the value that is in force, and where that came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What it is and means.
    pub key: &'static Key,
    /// The value as one would write it.
    pub value: String,
    /// Who set it.
    pub origin: &'a Origin,
}

impl Configuration {
    /// The values.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Every key with its value and origin, in the order of [`KEYS`].
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        KEYS.iter().zip(&self.origins).map(|(key, origin)| Entry {
            key,
            value: key.show(&self.settings),
            origin,
        })
    }

    /// Where the value of the key `name` came from; `None` if there is no such key.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        position(name).map(|index| &self.origins[index])
    }
}

/// What the builder of a host was told. Not to be debugged: a text may be a secret.
#[derive(Clone)]
pub(crate) enum Change {
    Text { key: String, text: String },
    Drain(Drain),
    Register(Register),
    Cors(Cors),
    Limits(Limits),
}

/// Everything that a configuration is read from.
#[derive(Clone, Default)]
pub(crate) struct Sources {
    pub(crate) code: Vec<Change>,
    pub(crate) file: Option<PathBuf>,
    pub(crate) environment: Environment,
}

impl Sources {
    /// Reads and judges them all, and sets the stacks to what is said of them.
    pub(crate) fn read(&self, stacks: &Stacks) -> Result<Configuration, ConfigError> {
        let draft = self.draft(stacks);
        let announce = draft.configuration.settings.announce;
        self.environment.warn_of_typing_errors(announce, &stacks.variable_names());
        Environment::warn_of_strangers(announce, stacks.strangers(&self.environment));
        draft.finish()
    }

    /// The same once more, while the host runs: where something is wrong, nothing is changed. Gives
    /// the keys whose values are now other than in `running`, which takes a new host.
    pub(crate) fn read_again(
        &self,
        stacks: &Stacks,
        running: &Configuration,
    ) -> Result<Vec<&'static Key>, ConfigError> {
        let read = self.draft(stacks).finish()?;
        let (old, new) = (&running.settings, &read.settings);
        Ok(KEYS.iter().filter(|key| !key.is_same(old, new)).collect())
    }

    /// The file, where there is one, and who named it.
    pub(crate) fn file(&self) -> Option<(PathBuf, Origin)> {
        named_file(&self.environment, self.file.as_deref())
    }

    fn draft<'a>(&self, stacks: &'a Stacks) -> Draft<'a> {
        let mut draft = Draft::new(&self.environment, stacks);
        for change in self.code.iter().cloned() {
            draft.change(change);
        }
        if let Some((path, named_by)) = self.file() {
            file::read(&path, named_by, &mut draft);
        }
        for (variable, key) in OPEN_TELEMETRY {
            if let Some(text) = self.environment.value(variable) {
                draft.set(key, text, Origin::Variable(variable.into()));
            }
        }
        for key in KEYS {
            if let Some(text) = self.environment.value(key.variable) {
                draft.set(key.name, text, Origin::Variable(key.variable.into()));
            }
        }
        for (key, text, origin) in stacks.variables(&self.environment) {
            draft.set(&key, text, origin);
        }
        draft
    }
}

/// An address without the user, and the password, that may stand in it.
fn without_user(text: &str) -> &str {
    match text.rsplit_once('@') {
        Some((before, host)) if before.contains("://") => host,
        _ => text,
    }
}

/// A configuration in the making.
struct Draft<'a> {
    configuration: Configuration,
    stacks: &'a Stacks,
    /// What is said of stacks.
    said: Vec<Said>,
    problems: Vec<Problem>,
}

impl<'a> Draft<'a> {
    fn new(environment: &Environment, stacks: &'a Stacks) -> Self {
        let settings = Settings::within(environment);
        let origins = vec![Origin::Default; KEYS.len()];
        let configuration = Configuration { settings, origins };
        Draft { configuration, stacks, said: Vec::new(), problems: Vec::new() }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Text { key, text } => self.set(&key, &text, Origin::Code),
            Change::Drain(drain) => {
                self.configuration.settings.drain = drain;
                self.all_from_code("drain.");
            }
            Change::Register(register) => {
                self.configuration.settings.register = register;
                self.all_from_code("register.");
            }
            Change::Cors(cors) => {
                self.configuration.settings.cors = cors;
                self.all_from_code("cors.");
            }
            Change::Limits(limits) => {
                self.configuration.settings.limits = limits;
                self.all_from_code("limits.");
            }
        }
    }

    fn all_from_code(&mut self, prefix: &str) {
        for (key, origin) in KEYS.iter().zip(&mut self.configuration.origins) {
            if key.name.starts_with(prefix) {
                *origin = Origin::Code;
            }
        }
    }

    fn set(&mut self, name: &str, text: &str, origin: Origin) {
        if Stacks::owns(name) {
            match self.stacks.said(name, text, origin) {
                Ok(said) => self.said.push(said),
                Err(problem) => self.problems.push(problem),
            }
            return;
        }
        let Some(index) = position(name) else {
            let mend = nearest::unknown_key(name);
            // It may be a secret that is called by a wrong name.
            let text = if Redaction::default().hides(name) { "[secret]" } else { text };
            return self.problem(name, text, origin, mend);
        };
        let key = &KEYS[index];
        match key.set(&mut self.configuration.settings, text) {
            Ok(()) => self.configuration.origins[index] = origin,
            Err(mend) if key.secret => self.problem(name, "[secret]", origin, mend),
            Err(mend) => self.problem(name, without_user(text), origin, mend),
        }
    }

    fn problem(&mut self, key: &str, value: &str, origin: Origin, mend: String) {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.problems.push(Problem { key, value, origin, mend });
    }

    fn finish(mut self) -> Result<Configuration, ConfigError> {
        self.problems.extend(rules::broken(&self.configuration));
        self.stacks.configure(&self.said, &mut self.problems);
        if self.problems.is_empty() {
            return Ok(self.configuration);
        }
        Err(ConfigError::new(self.problems))
    }
}
