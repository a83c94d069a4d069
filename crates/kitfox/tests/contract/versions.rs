//! Two versions of a package in one host, and what the judges of versions say of changes.

use kitfox::contract::{self, Contract};
use kitfox::{Code, Context, Error, Host, HttpChannel, Protocol, Running, config::Environment};

use super::proto::written;
use crate::foreign::{run, text};
use crate::support::http::{begin_call, read, send};
use crate::support::memory::Memory;

/// As it was: it upper-cases, and nothing else.
mod v1 {
    use kitfox::{Context, Error};

    /// A text.
    #[kitfox::message]
    pub(super) struct Text {
        pub(super) text: String,
    }

    /// Works on texts.
    #[deprecated(note = "texts.v2 has more styles")]
    #[kitfox::service(package = "texts.v1")]
    pub(super) trait Texts {
        /// Upper-cases a text.
        #[endpoint(post = "/v1/shout", idempotent)]
        async fn shout(&self, cx: &Context, request: Text) -> Result<Text, Error>;
    }
}

/// As it is: the style is a field.
mod v2 {
    use kitfox::Context;

    /// A text, and what to do with it.
    #[kitfox::message]
    pub(super) struct Text {
        pub(super) text: String,
        pub(super) style: Style,
    }

    /// What to do.
    #[kitfox::message]
    pub(super) enum Style {
        Unspecified,
        Upper,
        Lower,
        #[unknown]
        Unknown(i32),
    }

    #[kitfox::error(domain = "texts.v2")]
    pub(super) enum TextsError {
        /// no style is given
        #[code(InvalidArgument)]
        NoStyle,
        #[call]
        Call(kitfox::Error),
    }

    /// Works on texts.
    #[kitfox::service(package = "texts.v2")]
    pub(super) trait Texts {
        /// Puts a text into a style.
        #[endpoint(post = "/v2/shout", idempotent)]
        async fn shout(&self, cx: &Context, request: Text) -> Result<Text, TextsError>;
    }
}

/// One implementation has both.
#[derive(Clone)]
struct Both;

#[expect(deprecated, reason = "whoever serves it still implements it")]
impl v1::Texts for Both {
    async fn shout(&self, cx: &Context, request: v1::Text) -> Result<v1::Text, Error> {
        let request = v2::Text { text: request.text, style: v2::Style::Upper };
        let answer = v2::Texts::shout(self, cx, request).await?;
        Ok(v1::Text { text: answer.text })
    }
}

impl v2::Texts for Both {
    async fn shout(&self, _: &Context, request: v2::Text) -> Result<v2::Text, v2::TextsError> {
        let v2::Text { text, style } = request;
        let text = match style {
            v2::Style::Upper => text.to_uppercase(),
            v2::Style::Lower => text.to_lowercase(),
            v2::Style::Unspecified | v2::Style::Unknown(_) => {
                return Err(v2::TextsError::NoStyle);
            }
        };
        Ok(v2::Text { text, style })
    }
}

async fn serving(net: &Memory) -> Running {
    let host = Host::new("texts")
        .serve(v1::TextsServer::new(Both))
        .serve(v2::TextsServer::new(Both))
        .platform(net.platform())
        .environment(Environment::default())
        .announce(false);
    host.start().await.unwrap()
}

#[tokio::test(start_paused = true)]
#[expect(deprecated, reason = "callers of the old version are there")]
async fn versions_answer_side_by_side_on_every_wire() {
    use v1::Texts as _;
    use v2::Texts as _;

    let net = Memory::default();
    let running = serving(&net).await;
    let cx = Context::background();
    for protocol in [Protocol::Grpc, Protocol::Connect] {
        let channel = HttpChannel::builder(format!("http://{}", running.address()))
            .protocol(protocol)
            .platform(net.platform())
            .build()
            .unwrap();
        let old = v1::TextsClient::new(&channel);
        let new = v2::TextsClient::new(&channel);
        let said = old.shout(&cx, v1::Text { text: "Fox".into() }).await.unwrap();
        assert_eq!(said.text, "FOX");
        let lower = v2::Text { text: "Fox".into(), style: v2::Style::Lower };
        assert_eq!(new.shout(&cx, lower).await.unwrap().text, "fox");
        let refused = new.shout(&cx, v2::Text { text: "Fox".into(), ..Default::default() }).await;
        assert!(matches!(refused, Err(v2::TextsError::NoStyle)));
    }
    for (path, body, answer) in [
        ("/v1/shout", r#"{"text":"Fox"}"#, r#"{"text":"FOX"}"#),
        (
            "/v2/shout",
            r#"{"text":"Fox","style":"STYLE_LOWER"}"#,
            r#"{"text":"fox","style":"STYLE_LOWER"}"#,
        ),
    ] {
        let mut connection = net.dial(running.address()).await.unwrap();
        begin_call(&mut connection, path, body).await;
        assert_eq!(read(&mut connection).await.body, answer);
    }
}

#[tokio::test(start_paused = true)]
async fn each_version_is_described_and_the_old_one_says_that_it_is() {
    let net = Memory::default();
    let running = serving(&net).await;
    let page = async |path: &str| {
        let mut connection = net.dial(running.admin_address()).await.unwrap();
        send(&mut connection, "GET", path).await.body
    };
    let old = page("/contract.proto?package=texts.v1").await;
    assert!(old.contains("service Texts {\n  option deprecated = true;\n"), "{old}");
    let new = page("/contract.proto?package=texts.v2").await;
    assert!(!new.contains("deprecated"), "{new}");
    assert!(new.contains("// - INVALID_ARGUMENT NO_STYLE: no style is given"), "{new}");

    let all: serde_json::Value = serde_json::from_str(&page("/openapi.json").await).unwrap();
    let (old, new) = (&all["paths"]["/v1/shout"]["post"], &all["paths"]["/v2/shout"]["post"]);
    assert_eq!((&old["deprecated"], &new["deprecated"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(old["operationId"], "texts_v1_Texts_Shout");
    let schema = &new["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(schema, "#/components/schemas/texts.v2.Text");
}

/// A contract, one that adds to it, and one that breaks it.
mod changes {
    macro_rules! version {
        ($name:ident { $($fields:tt)* }) => {
            #[allow(dead_code, reason = "only its contract is looked at")]
            pub(in super::super) mod $name {
                use kitfox::{Context, Error};

                #[kitfox::message]
                pub(in super::super) struct Ask { $($fields)* }

                #[kitfox::service(package = "asks.v1")]
                pub(in super::super) trait AskService {
                    async fn ask(&self, cx: &Context, ask: Ask) -> Result<(), Error>;
                }
            }
        };
    }

    version!(first { pub(in super::super) a: u32, pub(in super::super) b: String });
    version!(more {
        pub(in super::super) a: u32,
        pub(in super::super) b: String,
        pub(in super::super) c: bool
    });
    version!(reordered { pub(in super::super) b: String, pub(in super::super) a: u32 });
    version!(less { pub(in super::super) a: u32 });
}

#[test]
fn buf_says_of_changes_what_the_lock_says() {
    use changes::{first, less, more, reordered};
    let before = first::AskServiceClient::CONTRACT;
    let directory = |contract: &'static Contract, name: &str| {
        written(&contract::proto(&[contract]).unwrap(), name).display().to_string()
    };
    let old = directory(before, "breaking/first");
    for (contract, name, breaks) in [
        (more::AskServiceClient::CONTRACT, "breaking/more", false),
        (reordered::AskServiceClient::CONTRACT, "breaking/reordered", true),
        (less::AskServiceClient::CONTRACT, "breaking/less", true),
    ] {
        let new = directory(contract, name);
        let Some(said) = run("buf", &["breaking", &new, "--against", &old]) else { return };
        assert_eq!(!said.status.success(), breaks, "{name}: {}", text(&said.stdout));
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_gone_is_unimplemented() {
    use v2::Texts as _;

    let net = Memory::default();
    let host = Host::new("texts").platform(net.platform()).environment(Environment::default());
    let host = host.serve(v1::TextsServer::new(Both)).announce(false);
    let running = host.start().await.unwrap();
    let channel = HttpChannel::builder(format!("http://{}", running.address()));
    let channel = channel.platform(net.platform()).build().unwrap();
    let (client, cx) = (v2::TextsClient::new(&channel), Context::background());
    let answer = client.shout(&cx, v2::Text::default()).await;
    let Err(v2::TextsError::Call(error)) = answer else { panic!("there is no such service") };
    assert_eq!(error.code(), Code::Unimplemented);
}
