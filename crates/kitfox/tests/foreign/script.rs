//! Connect's client for JavaScript, with what `protoc-gen-es` makes of `/contract.proto`: in Node
//! and in a browser.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use kitfox::config::Environment;
use kitfox::{Cors, Host, Platform, Running};
use tokio::runtime::Runtime;

use super::talk::{TalkServiceServer, Talker};
use super::{missing, run, text};
use crate::support::http::send;

/// How long a browser may take to start, to load its page, and to call.
const PATIENCE: Duration = Duration::from_secs(180);

/// On free ports, and reading nothing of this process's environment.
pub(super) fn local(host: Host) -> Host {
    let host = host.environment(Environment::default()).announce(false);
    host.listen("127.0.0.1:0").admin("127.0.0.1:0")
}

/// The service of these tests, for pages of any origin.
pub(super) fn talking(runtime: &Runtime) -> Running {
    let host = Host::new("talk").serve(TalkServiceServer::new(Talker)).cors(Cors::any());
    runtime.block_on(local(host).start()).expect("the host starts")
}

/// What `/contract.proto` says, in a file of `directory`.
pub(super) fn contract(runtime: &Runtime, running: &Running, directory: &Path) {
    let answer = runtime.block_on(async {
        let admin = running.admin_address().to_string();
        let mut connection = Platform::system().net().connect(&admin).await.expect("a port");
        send(&mut connection, "GET", "/contract.proto").await
    });
    std::fs::write(directory.join("contract.proto"), answer.body).expect("a directory of our own");
}

/// An empty directory of this test's own.
pub(super) fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign").join(name);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("a directory of our own");
    directory
}

/// The scripts, the packages that they need, and what is generated for them; `None` where something
/// is missing that need not be there.
fn scripts(name: &str, runtime: &Runtime, running: &Running) -> Option<PathBuf> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/node");
    let packages = sources.join("node_modules");
    if !packages.is_dir() {
        let how = format!("run `npm ci` in {}", sources.display());
        return missing("@connectrpc/connect".as_ref(), &how);
    }
    let directory = directory(name);
    for file in ["package.json", "cases.js", "client.js", "imports.js", "page.html"] {
        std::fs::copy(sources.join(file), directory.join(file)).expect("a script");
    }
    std::os::unix::fs::symlink(&packages, directory.join("node_modules")).expect("a link");
    contract(runtime, running, &directory);
    let plugin = packages.join(".bin/protoc-gen-es");
    let generated = run(
        "protoc",
        &[
            &format!("--plugin=protoc-gen-es={}", plugin.display()),
            &format!("--proto_path={}", directory.display()),
            &format!("--es_out={}", directory.display()),
            "--es_opt=target=js,import_extension=js",
            "contract.proto",
        ],
    )?;
    assert!(generated.status.success(), "{}", text(&generated.stderr));
    Some(directory)
}

fn node(directory: &Path, arguments: &[&str]) -> Option<std::process::Output> {
    match Command::new("node").args(arguments).current_dir(directory).output() {
        Ok(output) => Some(output),
        Err(why) => missing("node".as_ref(), &why.to_string()),
    }
}

#[test]
fn connect_node_calls_every_shape_by_every_protocol() {
    let runtime = Runtime::new().expect("a runtime");
    let running = talking(&runtime);
    let Some(directory) = scripts("node", &runtime, &running) else { return };
    let address = format!("http://{}", running.address());
    let Some(output) = node(&directory, &["client.js", &address]) else { return };
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("ok ").count(), 18, "{said}");
}

/// Ends with the test, whatever becomes of it.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_browser_calls_a_host_of_another_origin() {
    let runtime = Runtime::new().expect("a runtime");
    let running = talking(&runtime);
    let Some(directory) = scripts("browser", &runtime, &running) else { return };
    let Some(imports) = node(&directory, &["imports.js"]) else { return };
    assert!(imports.status.success(), "{}", text(&imports.stderr));
    let page = std::fs::read_to_string(directory.join("page.html")).expect("a page");
    let page = page.replace("IMPORTS", &text(&imports.stdout));
    std::fs::write(directory.join("page.html"), page).expect("a page");

    let (report, reports) = mpsc::channel();
    let pages = local(Host::new("pages").mount(pages(&directory, &report)));
    let pages = runtime.block_on(pages.start()).expect("the pages start");
    let url = format!("http://{}/page.html?host=http://{}", pages.address(), running.address());
    let profile = directory.join("profile");
    let started = Command::new("chromium")
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(&url)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    let _browser = match started {
        Ok(browser) => Browser(browser),
        Err(why) => return missing("chromium".as_ref(), &why.to_string()).unwrap_or_default(),
    };
    let said = reports.recv_timeout(PATIENCE).expect("a page that reports in time");
    assert!(said.lines().all(|line| line.starts_with("ok ")), "{said}");
    assert_eq!(said.lines().count(), 6, "{said}");
}

/// The files of `directory`, and where the page reports to.
fn pages(directory: &Path, report: &mpsc::Sender<String>) -> Router {
    let (directory, report) = (directory.to_owned(), report.clone());
    let say = move |said: String| {
        // A test that has failed does not listen any more.
        let _ = report.send(said);
        std::future::ready(StatusCode::NO_CONTENT)
    };
    Router::new()
        .route("/report", post(say))
        .fallback(move |uri: Uri| std::future::ready(file(&directory, uri.path())))
}

fn file(directory: &Path, path: &str) -> Response {
    let Ok(bytes) = std::fs::read(directory.join(path.trim_start_matches('/'))) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = if path.ends_with(".html") { "text/html" } else { "text/javascript" };
    ([(header::CONTENT_TYPE, kind)], bytes).into_response()
}
