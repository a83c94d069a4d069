//! A service with its methods.

use kitfox_core::contract::{Contract, Idempotency, Method};
use kitfox_core::message::MessageSchema;

use super::reference::reference;
use super::{Text, comment};
use crate::contract::docs::method_docs;
use crate::contract::files::{File, Files, Schema};

pub(super) fn write(files: &Files, file: &File, contract: &Contract, out: &mut Text) {
    comment::write(contract.docs, out);
    out.block(&format!("service {}", contract.name), |out| {
        if contract.deprecated {
            out.line("option deprecated = true;");
        }
        for method in contract.methods {
            if !method_docs(file, method).is_empty() {
                out.blank();
            }
            write_method(files, file, method, out);
        }
    });
}

fn write_method(files: &Files, file: &File, method: &Method, out: &mut Text) {
    comment::write(&method_docs(file, method), out);
    let stream = |many: bool| if many { "stream " } else { "" };
    let name = |message: fn() -> &'static MessageSchema| {
        let (_, name) = Schema::Message(message()).resolve(&file.package);
        reference(files, file, method.service, &name)
    };
    let head = format!(
        "rpc {}({}{}) returns ({}{})",
        method.name,
        stream(method.shape.streams_in()),
        name(method.input),
        stream(method.shape.streams_out()),
        name(method.output),
    );
    let mut options = Vec::new();
    if method.deprecated {
        options.push("option deprecated = true;");
    }
    match method.idempotency {
        // protobuf knows no keys.
        Idempotency::None | Idempotency::Keyed => {}
        Idempotency::Idempotent => options.push("option idempotency_level = IDEMPOTENT;"),
        Idempotency::Safe => options.push("option idempotency_level = NO_SIDE_EFFECTS;"),
    }
    if options.is_empty() {
        return out.line(&format!("{head};"));
    }
    out.block(&head, |out| options.iter().for_each(|option| out.line(option)));
}
