//! Who may see and change what on the admin port.

use kitfox::{Host, Running};

use super::{ask, bare};
use crate::support::memory::Memory;

const TOKEN: &str = "correct horse battery staple";
const FIT: &str = "correct-horse-battery-staple";

const OPEN: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
const CLOSED: [&str; 8] =
    ["/", "/info", "/stack", "/calls", "/config", "/log", "/openapi.json", "/no/such/page"];

async fn get(net: &Memory, running: &Running, path: &str, head: &str) -> u16 {
    ask(net, running, &format!("GET {path}"), head, "").await.status
}

fn local(net: &Memory) -> Host {
    bare(net)
}

#[tokio::test(start_paused = true)]
async fn others_reach_probes_and_metrics_alone_unless_there_is_a_token() {
    let net = Memory::default();
    let running = local(&net).admin("0.0.0.0:9090").start().await.unwrap();
    let here = "host: orders.shop.svc:9090\r\n";
    for path in OPEN {
        assert_eq!(get(&net, &running, path, here).await, 200, "{path}");
    }
    for path in CLOSED {
        assert_eq!(get(&net, &running, path, here).await, 403, "{path}");
    }
    // A header says nothing of where somebody is.
    assert_eq!(get(&net, &running, "/", "host: localhost\r\n").await, 403);
    let answer = ask(&net, &running, "PUT /log?filter=off", here, "").await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("set `admin_token` (KITFOX_ADMIN_TOKEN)"), "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn a_token_opens_every_page_and_nothing_else_does() {
    let net = Memory::default();
    for address in ["0.0.0.0:9090", "127.0.0.1:9090"] {
        let host = local(&net).admin(address).set("admin_token", FIT);
        let running = host.start().await.unwrap();
        let basic = base64("ada:correct-horse-battery-staple");
        for (header, status) in [
            (String::new(), 401),
            (format!("authorization: Bearer {FIT}\r\n"), 200),
            (format!("authorization: bearer {FIT}\r\n"), 200),
            (format!("authorization: Basic {basic}\r\n"), 200),
            (format!("authorization: Bearer {FIT}x\r\n"), 401),
            (format!("authorization: Bearer {}\r\n", &FIT[1..]), 401),
            ("authorization: Bearer \r\n".to_owned(), 401),
            ("authorization: Basic !!!\r\n".to_owned(), 401),
            (format!("authorization: Basic {}\r\n", base64("ada:wrong")), 401),
            (format!("authorization: {FIT}\r\n"), 401),
        ] {
            let head = format!("host: orders.shop.svc\r\n{header}");
            for path in OPEN {
                assert_eq!(get(&net, &running, path, &head).await, 200, "{path} {header}");
            }
            for path in &CLOSED[..7] {
                assert_eq!(get(&net, &running, path, &head).await, status, "{path} {header}");
            }
        }
        let answer = ask(&net, &running, "GET /", "host: orders\r\n", "").await;
        assert!(answer.head.contains("www-authenticate: basic realm=\"admin\""), "{}", answer.head);
        running.shutdown();
        let _ended = running.wait().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_a_header_cannot_carry_is_refused_at_start() {
    let error = local(&Memory::default()).set("admin_token", TOKEN).start().await.unwrap_err();
    assert!(error.to_string().contains("give `none`, or at least 16 visible ASCII"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_points_here_from_elsewhere_reads_nothing() {
    let net = Memory::default();
    let running = local(&net).start().await.unwrap();
    for (host, status) in [
        ("localhost", 200),
        ("localhost:9090", 200),
        ("LOCALHOST.", 200),
        ("shop.localhost:9090", 200),
        ("127.0.0.1:9090", 200),
        ("[::1]:9090", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example:9090", 403),
        ("notlocalhost", 403),
    ] {
        let head = format!("host: {host}\r\n");
        assert_eq!(get(&net, &running, "/config", &head).await, status, "{host}");
        assert_eq!(get(&net, &running, "/readyz", &head).await, 200, "{host}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_of_another_origin_changes_nothing() {
    let net = Memory::default();
    let running = local(&net).start().await.unwrap();
    for (header, status) in [
        ("", 200),
        ("origin: http://localhost:9090\r\n", 200),
        ("sec-fetch-site: same-origin\r\norigin: http://localhost:9090\r\n", 200),
        ("sec-fetch-site: none\r\n", 200),
        ("origin: http://evil.example\r\n", 403),
        ("origin: null\r\n", 403),
        // Another application of this machine.
        ("origin: http://localhost:3000\r\n", 403),
        ("sec-fetch-site: cross-site\r\n", 403),
        ("sec-fetch-site: same-site\r\n", 403),
    ] {
        let head = format!("host: localhost:9090\r\n{header}");
        for verb in ["POST", "PUT"] {
            let answer = ask(&net, &running, &format!("{verb} /log?filter=info"), &head, "").await;
            assert_eq!(answer.status, status, "{verb} {header}");
        }
    }
}

/// By hand, so that the test knows what it sends.
fn base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let value = usize::try_from(bits >> (18 - 6 * digit) & 63).unwrap();
            encoded.push(if digit <= chunk.len() { DIGITS[value].into() } else { '=' });
        }
    }
    encoded
}
