//! Where values come from, who wins, and what is said of those that cannot be.

use std::time::Duration;

use kitfox::config::{Drain, Environment, Origin, Problem};
use kitfox::transport::Limits;
use kitfox::{Host, HostError, Running};

use super::File;
use crate::support::memory::Memory;

/// A host in an environment of these variables.
fn host<const N: usize>(variables: [(&str, &str); N]) -> Host {
    let platform = Memory::default().platform();
    Host::new("probe").platform(platform).environment(Environment::from_iter(variables))
}

async fn refused(host: Host) -> Vec<Problem> {
    match host.start().await {
        Err(HostError::Config(error)) => error.problems().to_vec(),
        other => panic!("{other:?}"),
    }
}

/// The value and the origin of a key.
fn entry(running: &Running, name: &str) -> (String, String) {
    let mut entries = running.configuration().entries();
    let entry = entries.find(|entry| entry.key.name == name).unwrap();
    (entry.value, entry.origin.to_string())
}

#[tokio::test(start_paused = true)]
async fn defaults_are_weaker_than_code_than_the_file_than_the_environment() {
    let text = "admin = \"127.0.0.1:2\"\n[drain]\ncalls = \"2s\"\ntasks = \"2s\"\n";
    let file = File::new("precedence.toml", text);
    let path = file.path();
    let running = host([("KITFOX_DRAIN_TASKS", "3s"), ("KITFOX_ANNOUNCE", "false")])
        .listen("127.0.0.1:1")
        .admin("127.0.0.1:1")
        .drain(Drain { calls: Duration::from_secs(1), ..Drain::default() })
        .config_file(&file.0)
        .start()
        .await
        .unwrap();
    for (name, value, origin) in [
        ("listen", "127.0.0.1:1", "code".to_owned()),
        ("admin", "127.0.0.1:2", format!("{path}:1")),
        ("drain.propagation", "0s", "code".to_owned()),
        ("drain.calls", "2s", format!("{path}:3")),
        ("drain.tasks", "3s", "variable KITFOX_DRAIN_TASKS".to_owned()),
        ("limits.body_bytes", "4MiB", "default".to_owned()),
    ] {
        assert_eq!(entry(&running, name), (value.to_owned(), origin), "{name}");
    }
    assert_eq!(running.address().port(), 1);
    assert_eq!(running.admin_address().port(), 2);
    assert_eq!(running.configuration().origin("listen"), Some(&Origin::Code));
}

#[tokio::test(start_paused = true)]
async fn the_environment_names_another_file_than_the_code() {
    let file = File::new("named.toml", "listen = \"127.0.0.1:7\"\nannounce = false\n");
    let running = host([("KITFOX_CONFIG", &file.path())])
        .config_file("/nowhere/at/all.toml")
        .start()
        .await
        .unwrap();
    assert_eq!(running.address().port(), 7);
}

#[tokio::test(start_paused = true)]
async fn in_kubernetes_the_port_stays_open_for_a_while_unless_somebody_says_otherwise() {
    let kubernetes = ("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    let quiet = ("KITFOX_ANNOUNCE", "false");
    let running = host([kubernetes, quiet]).start().await.unwrap();
    assert_eq!(entry(&running, "drain.propagation"), ("5s".to_owned(), "default".to_owned()));
    let running = host([kubernetes, quiet]).drain(Drain::default()).start().await.unwrap();
    assert_eq!(entry(&running, "drain.propagation").0, "0s");
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_wrong_is_told_at_once_with_its_origin_and_how_to_mend_it() {
    let text = "adnim = \"127.0.0.1:1\"\ndatabase = 1\n[drain]\ncalls = 20\n";
    let file = File::new("wrong.toml", text);
    let path = file.path();
    let host = host([("KITFOX_LISTEN", "8080"), ("KITFOX_LIMITS_BODY_BYTES", "4MB")])
        .admin("localhost")
        .config_file(&file.0);
    let error = host.start().await.unwrap_err();
    let told = error.to_string();
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines[0], "the configuration cannot be used, for 6 reasons:");
    let address = "give an IP address and a port, such as `127.0.0.1:8080` or `0.0.0.0:8080`";
    assert_eq!(lines[1], format!("  admin = \"localhost\" (code): {address}"));
    assert_eq!(
        lines[2],
        format!(
            "  adnim = \"127.0.0.1:1\" ({path}:1): there is no such key; did you mean `admin`?"
        )
    );
    let unknown = format!("  database = \"1\" ({path}:2): there is no such key; the keys are ");
    assert!(lines[3].starts_with(&unknown), "{}", lines[3]);
    assert_eq!(
        lines[4],
        format!(
            "  drain.calls = \"20\" ({path}:4): give a duration of at most 1000h with its unit, \
             such as `500ms`, `20s`, `5m` or `1h`"
        )
    );
    assert_eq!(lines[5], format!("  listen = \"8080\" (variable KITFOX_LISTEN): {address}"));
    assert_eq!(
        lines[6],
        "  limits.body_bytes = \"4MB\" (variable KITFOX_LIMITS_BODY_BYTES): give a number of \
         bytes, such as `4MiB`, `16KiB` or `500`"
    );
    assert_eq!(lines.len(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_read_or_is_no_toml_is_named() {
    let problems = refused(host([("KITFOX_CONFIG", "/nowhere/kitfox.toml")])).await;
    assert_eq!(problems[0].value, "/nowhere/kitfox.toml");
    assert_eq!(problems[0].origin, Origin::Variable("KITFOX_CONFIG".into()));
    assert!(problems[0].mend.starts_with("the file cannot be read: No such file"));

    // Relative to where? The whole path says.
    let problems = refused(host([]).config_file("nowhere.toml")).await;
    let directory = std::env::current_dir().unwrap();
    assert_eq!(problems[0].value, directory.join("nowhere.toml").display().to_string());

    let problems = refused(host([]).config_file("/dev/null")).await;
    assert_eq!(problems[0].origin, Origin::Code);
    assert!(problems[0].mend.contains("it is no file"), "{}", problems[0].mend);

    let file = File::new("broken.toml", "announce = true\nlisten = \n");
    let problems = refused(host([]).config_file(&file.0)).await;
    assert_eq!(problems[0].origin, Origin::File { path: file.0.clone(), line: Some(2) });
    assert!(problems[0].mend.starts_with("the file is no TOML: "), "{}", problems[0].mend);
}

#[tokio::test(start_paused = true)]
async fn the_two_ports_must_not_be_in_each_others_way() {
    for (listen, admin, fine) in [
        ("127.0.0.1:9090", "127.0.0.1:9090", false),
        ("0.0.0.0:9090", "127.0.0.1:9090", false),
        ("127.0.0.1:9090", "[::]:9090", false),
        ("127.0.0.1:9090", "127.0.0.2:9090", true),
        ("127.0.0.1:0", "127.0.0.1:0", true),
    ] {
        let host = host([("KITFOX_LISTEN", listen), ("KITFOX_ADMIN", admin)]).announce(false);
        if fine {
            host.start().await.unwrap();
            continue;
        }
        let problems = refused(host).await;
        assert_eq!((problems.len(), problems[0].key.as_str()), (1, "admin"));
        assert_eq!(problems[0].origin, Origin::Variable("KITFOX_ADMIN".into()));
        let mend = format!(
            "the services listen there too (`listen` = {listen}): give one of the two another \
             port, or 0"
        );
        assert_eq!(problems[0].mend, mend);
    }
}

#[tokio::test(start_paused = true)]
async fn the_parts_of_the_shutdown_must_fit_into_the_grace() {
    let problems = refused(host([("KITFOX_DRAIN_CALLS", "25s")])).await;
    assert_eq!(problems.len(), 1);
    assert_eq!(
        problems[0].to_string(),
        "drain.grace = \"30s\" (default): the parts of the shutdown take 32s together \
         (propagation 0s, calls 25s, tasks 5s, flush 2s) and must stay a second below this, or the last of them is cut off: give less to a part, or more \
         to this if the process may live longer (in Kubernetes, `terminationGracePeriodSeconds`)"
    );
    let variables = [("KITFOX_DRAIN_CALLS", "25s"), ("KITFOX_DRAIN_GRACE", "33s")];
    host(variables).announce(false).start().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn limits_that_let_nothing_through_are_refused() {
    let mut limits = Limits::default();
    limits.streams = 0;
    limits.idle_timeout = Duration::ZERO;
    let variables = [("KITFOX_LIMITS_HEADER_BYTES", "1KiB")];
    let problems = refused(host(variables).limits(limits)).await;
    let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "limits.header_bytes = \"1KiB\" (variable KITFOX_LIMITS_HEADER_BYTES): give 8KiB or \
             more",
            "limits.streams = \"0\" (code): zero would let nothing through: give more",
            "limits.idle_timeout = \"0s\" (code): zero would let nothing through: give more",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_shown_by_nothing() {
    let secret = "0123456789abcdef-secret";
    let variables = [("KITFOX_ADMIN_TOKEN", secret)];
    let running = host(variables).announce(false).start().await.unwrap();
    let (value, origin) = entry(&running, "admin_token");
    assert_eq!((value.as_str(), origin.as_str()), ("[secret]", "variable KITFOX_ADMIN_TOKEN"));
    assert!(!format!("{running:?}").contains(secret));
    assert!(!format!("{:?}", Environment::from_iter(variables)).contains(secret));
    assert_eq!(running.configuration().settings().admin_token.as_ref().unwrap().expose(), secret);

    // Neither where it cannot be used, nor under a name that is none.
    let host = host([("KITFOX_ADMIN_TOKEN", "too short")]).set("admin_tokens", "0123456789abcdef");
    let problems = refused(host).await;
    let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "admin_tokens = \"[secret]\" (code): there is no such key; did you mean `admin_token`?",
            "admin_token = \"[secret]\" (variable KITFOX_ADMIN_TOKEN): give `none`, or at least 16 \
             visible ASCII characters that nobody can guess, such as `openssl rand -hex 32` prints",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_logged_and_traced_is_configured_like_the_rest() {
    let text = "[log]\nfilter = \"info,shop=debug\"\nslow = \"200ms\"\n[traces]\nsample = 0.5\n";
    let file = File::new("telemetry.toml", text);
    let running = host([("KITFOX_LOG_REDACT", "iban, ssn")])
        .announce(false)
        .config_file(&file.0)
        .set("log.format", "logfmt")
        .start()
        .await
        .unwrap();
    for (name, value) in [
        ("log.filter", "info,shop=debug"),
        ("log.format", "logfmt"),
        ("log.slow", "200ms"),
        ("log.redact", "iban,ssn"),
        ("log.baggage", "none"),
        ("traces.sample", "0.5"),
        ("metrics.series_limit", "1000"),
    ] {
        assert_eq!(entry(&running, name).0, value, "{name}");
    }
    let lines = running.configuration().settings().log.lines();
    assert!(lines.redaction.hides("customer.iban") && lines.redaction.hides("password"));

    let host = host([("KITFOX_LOG_FILTER", "loud"), ("KITFOX_TRACES_SAMPLE", "2")]);
    let told: Vec<_> = refused(host).await.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "log.filter = \"loud\" (variable KITFOX_LOG_FILTER): give levels for everything or for \
             parts of the code, such as `info` or `info,my_crate::db=debug`",
            "traces.sample = \"2\" (variable KITFOX_TRACES_SAMPLE): give a share from 0 to 1, such as \
             `0.01`",
        ]
    );
}
