//! The start of a host: everything is judged, then bound, then told.

use std::fmt::Display;
use std::io::Write;
use std::sync::Arc;

use kitfox_core::Platform;
use kitfox_core::platform::Tasks;
use kitfox_telemetry::logs::Stdout;
use kitfox_telemetry::metrics::Metrics;
use kitfox_telemetry::{Sink, Telemetry, TelemetrySettings};
use kitfox_transport::Limits;
use kitfox_transport::serve::Acceptor;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use super::admin::{Admin, Dial, Guard, Pages, Switch};
use super::life::Life;
use super::port::Port;
use super::readiness::Readiness;
use super::registration::{self, Registrations};
use super::reload::Reloader;
use super::standings::Standings;
use super::{Host, HostError, Mount, Observed, Phase, Running, own, running, signals};
use crate::config::{Change, Environment, Settings, Sources, Stacks, named_file};
use crate::stack::{Place, tunable_guard};

impl Host {
    /// Starts the host, and comes back when it serves. No signal ends it: that is for
    /// [`Host::run`], or for whoever calls [`Running::shutdown`].
    ///
    /// # Errors
    /// When the configuration cannot be used, two methods want the same route, an address cannot be
    /// listened on, or it is to be registered and others could not call it, or a registry can never
    /// take it.
    pub async fn start(self) -> Result<Running, HostError> {
        let environment = self.environment.unwrap_or_else(Environment::of_process);
        let mut code = self.code;
        if !self.registrars.is_empty() && !environment.is_kubernetes() {
            // Whoever watches the registry notices within a second; whatever else is said counts.
            let (key, text) = ("drain.propagation".to_owned(), "1s".to_owned());
            code.insert(0, Change::Text { key, text });
        }
        let sources = Sources { code, file: self.file, environment };
        let protection = self.services.protection()?;
        let mut stacks = Stacks::default();
        let mut add = |name: String, tunable| {
            if stacks.add(&*name, tunable) { Ok(()) } else { Err(HostError::Name { name }) }
        };
        add("server".to_owned(), Arc::clone(&protection.control) as _)?;
        for client in &self.clients {
            add(format!("clients.{}", client.name()), client.tunable())?;
        }
        for guard in &self.guards {
            let name = guard.name();
            let tunable = tunable_guard(guard).ok_or(HostError::Guard { name })?;
            add(format!("guards.{name}"), tunable)?;
        }
        let configuration = sources.read(&stacks)?;
        let settings = configuration.settings().clone();
        let Settings { listen, admin, announce, reflection, drain, cors, limits, .. } = settings;
        let platform = self.platform.unwrap_or_else(Platform::system);
        let telemetry = match self.record {
            Observed::ByItsOwn(metrics) => {
                let series_limit = settings.series_limit;
                let metrics = metrics.unwrap_or_else(|| Metrics::with_series_limit(series_limit));
                let (logs, access) = (settings.log.lines(), settings.log.access());
                let sample = settings.sample;
                let export = settings.otlp.export(&self.name, self.version.as_deref(), &platform);
                let export = export.map_err(HostError::Export)?;
                let plain = matches!(self.acceptor, Acceptor::Plain);
                let scheme = if plain { "http" } else { "https" };
                let settings = TelemetrySettings { metrics, logs, access, sample, export, scheme };
                Some(Telemetry::new(settings))
            }
            Observed::By(telemetry) => Some(telemetry),
            Observed::ByNobody => None,
        };
        let output = (announce && self.sink.is_none()).then(Stdout::open);
        let may_block = output.as_ref().is_some_and(Stdout::may_block);
        let background = telemetry.as_ref().map(|telemetry| {
            // Where nobody reads it, user code need not be listened to.
            if announce || self.sink.is_some() || telemetry.exporter().is_some() {
                telemetry.install();
            }
            let output = output.map(|output| Box::new(output) as Sink);
            let sink = self.sink.or(output).unwrap_or_else(|| Box::new(tokio::io::sink()));
            telemetry.start(&platform, sink)
        });

        let handle = self.handle;
        let progress = handle.progress.clone();
        progress.enter(Phase::Starting);
        let contracts = self.services.contracts();
        let readiness = Readiness { progress: progress.clone(), checks: self.checks };
        let readiness = Arc::new(readiness);
        let services = own::add(self.services, &readiness, reflection);
        let builder = services.builder(&platform, &limits, &protection).cors(cors);
        let builder = self.mount.into_iter().fold(builder, |builder, Mount(add)| add(builder));
        let wires = builder.build()?;

        let guard = Guard { token: settings.admin_token, is_local: admin.ip().is_loopback() };
        if guard.token.is_none() && !guard.is_local {
            tracing::info!(%admin, "most of the admin port is closed, since others reach it: see `admin_token`");
        }
        let standings = Standings::of(&self.registrars);
        let switch = telemetry.as_ref().map(|it| Switch::new(it.logs().clone(), &platform));
        let logs = telemetry.as_ref().map(|it| it.logs().clone());
        let reloader = Reloader::new(sources, stacks.clone(), configuration.clone(), logs);
        let server = Arc::clone(&protection.control) as _;
        handle.started(running::Settings { server, reloader: reloader.clone() });
        let dial = Dial::new(stacks, telemetry.as_ref(), &platform);
        let pages = Admin::new(Pages {
            name: self.name.clone(),
            version: self.version.clone(),
            started: Instant::now(),
            contracts,
            authenticating: services.layer_names(Place::Authentication),
            layers: services.layer_names(Place::Method),
            dial,
            readiness: Arc::clone(&readiness),
            standings: standings.clone(),
            configuration: configuration.clone(),
            reloader,
            telemetry: telemetry.clone(),
            switch,
            guard,
        });
        let few = few(&limits);
        let admin =
            Port::open("admin", admin, Acceptor::Plain, pages, few, platform.clone()).await?;
        let services =
            Port::open("listen", listen, self.acceptor, wires, limits, platform.clone()).await?;
        let (listen_address, admin_address) = (services.address(), admin.address());

        let (registrars, version) = (self.registrars, self.version.as_deref());
        let instance = (!registrars.is_empty())
            .then(|| registration::instance(&settings.register, listen_address, version))
            .transpose()?;
        if let Some(instance) = &instance {
            registration::check(&registrars, &self.name, instance)?;
        }
        if let Some(who) = registration::identity(instance.as_ref(), listen_address) {
            self.clients.iter().for_each(|client| client.identify(&who));
        }

        let stop = CancellationToken::new();
        for worker in self.workers {
            let supervised = worker.supervise(platform.clone(), stop.clone());
            drop(platform.tasks().spawn(supervised));
        }
        progress.enter(Phase::Serving);
        if announce {
            tell_addresses(&self.name, &listen_address, &admin_address, telemetry.as_ref());
        }
        let registrations = instance.map(|instance| {
            let known = (&standings, &readiness);
            Registrations::begin(registrars, &self.name, &instance, known, &platform)
        });

        let life = Life {
            handle: handle.clone(),
            progress,
            announce,
            drain,
            platform,
            services,
            admin,
            registrations,
            workers: stop,
            background,
            may_block,
        };
        // Not a task of the platform: it waits for those.
        let life = Tasks::default().spawn(life.live());
        let (listen, admin) = (listen_address, admin_address);
        Ok(Running { handle, listen, admin, configuration, life })
    }

    /// Runs the host until `SIGTERM` or Ctrl-C, and shuts it down in [phases](Phase). `SIGHUP` has it read
    /// its [configuration](crate::config) again, where that has a file.
    ///
    /// A second signal ends the *process* at once, with the exit code that the signal would give
    /// (143, 130). So does the end of the drain deadline, with exit code 1, where code blocks its
    /// thread: no runtime can be dropped under it. Such code may even keep tokio from hearing sockets
    /// and timers, so that only the second signal is heard: it belongs in
    /// `tokio::task::spawn_blocking`.
    ///
    /// # Errors
    /// As [`Host::start`], and when signals cannot be listened for.
    pub async fn run(mut self) -> Result<(), HostError> {
        let environment = self.environment.get_or_insert_with(Environment::of_process);
        let has_file = named_file(environment, self.file.as_deref()).is_some();
        // From here on, so that a signal during the start is not the end of the process.
        let signals = signals::listen(has_file)?;
        self.start().await?.run_or_exit(signals).await
    }
}

/// The limits of the admin port: few connections, since few ask.
fn few(limits: &Limits) -> Limits {
    let mut few = limits.clone();
    few.connections = few.connections.min(100);
    few
}

/// Says where the host listens: in its log, where it has one. That nobody reads it is no failure.
fn tell_addresses(
    name: &str,
    listen: &dyn Display,
    admin: &dyn Display,
    telemetry: Option<&Telemetry>,
) {
    let services = format!("{name} listens on http://{listen} (REST, Connect, gRPC)");
    let admin = format!("admin on http://{admin}");
    if let Some(telemetry) = telemetry {
        let logs = telemetry.logs();
        for message in [services, admin] {
            logs.line(Level::INFO, logs.now(), module_path!(), |line| line.message(&message));
        }
        return;
    }
    let mut output = std::io::stdout().lock();
    let lines = format!("{services}\n{admin}\n");
    let _ = output.write_all(lines.as_bytes()).and_then(|()| output.flush());
}
