//! grpcurl asks a host what it offers, and calls it without a `.proto` file.

use kitfox::{Host, config::Environment};
use strings::StringsServer;

use super::{run, serving, text};

/// What grpcurl prints, and whether it succeeds.
fn grpcurl(address: &str, options: &[&str], rest: &[&str]) -> Option<(bool, String)> {
    let mut arguments = vec!["-plaintext", "-max-time", "20"];
    arguments.extend_from_slice(options);
    arguments.push(address);
    arguments.extend_from_slice(rest);
    let said = run("grpcurl", &arguments)?;
    Some((said.status.success(), text(&said.stdout) + &text(&said.stderr)))
}

#[test]
fn grpcurl_lists_describes_and_calls_without_a_file() {
    serving(|address| {
        let Some((listed, services)) = grpcurl(address, &[], &["list"]) else { return };
        assert!(listed, "{services}");
        let expected = [
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
            "strings.v1.Strings",
        ];
        assert_eq!(services.lines().collect::<Vec<_>>(), expected);

        let ask = |options: &[&str], rest: &[&str]| {
            let (fine, said) = grpcurl(address, options, rest).expect("grpcurl is there");
            assert!(fine, "{rest:?}: {said}");
            said
        };
        let service = ask(&[], &["describe", "strings.v1.Strings"]);
        for line in [
            "// Upper-cases a text.",
            "// - INVALID_ARGUMENT EMPTY: nothing to do: the text is empty",
            "rpc Uppercase ( .strings.v1.UppercaseRequest ) returns ( .strings.v1.UppercaseResponse )",
            "option idempotency_level = IDEMPOTENT;",
        ] {
            assert!(service.contains(line), "{line} is not in\n{service}");
        }
        let message = ask(&[], &["describe", "strings.v1.UppercaseRequest"]);
        assert!(message.contains("string text = 1;"), "{message}");
        let method = ask(&[], &["describe", "strings.v1.Strings.Count"]);
        assert!(method.contains("rpc Count "), "{method}");

        let data = r#"{"text":"straße"}"#;
        let answer = ask(&["-d", data], &["strings.v1.Strings/Uppercase"]);
        assert!(answer.contains(r#""text": "STRASSE""#), "{answer}");
        let health = ask(&[], &["grpc.health.v1.Health/Check"]);
        assert!(health.contains(r#""status": "SERVING""#), "{health}");
        let statuses = ask(&[], &["grpc.health.v1.Health/List"]);
        assert!(statuses.contains("strings.v1.Strings"), "{statuses}");

        // Reflection describes itself, a map and an enum inside a message too.
        for name in
            ["grpc.reflection.v1.ServerReflectionRequest", "grpc.health.v1.HealthListResponse"]
        {
            let described = ask(&["-msg-template"], &["describe", name]);
            assert!(described.contains("Message template:"), "{described}");
        }
        let (found, said) = grpcurl(address, &[], &["describe", "strings.v1.Nothing"]).unwrap();
        assert!(!found && said.contains("not found"), "{said}");
    });
}

#[test]
fn one_switch_turns_it_off() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let host = Host::new("strings")
        .serve(StringsServer::new(strings::Service))
        .environment(Environment::default())
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
        .reflection(false)
        .announce(false);
    let running = runtime.block_on(host.start()).expect("the host starts");
    let address = running.address().to_string();
    if let Some((listed, said)) = grpcurl(&address, &[], &["list"]) {
        assert!(!listed, "{said}");
        assert!(said.contains("server does not support the reflection API"), "{said}");
    }
    running.shutdown();
    let _ = runtime.block_on(running.wait());
}
