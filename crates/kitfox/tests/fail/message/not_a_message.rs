use kitfox::message::{Codec, Message};

pub struct Plain {
    pub text: String,
}

fn send(message: &impl Message) {
    let _ = message.encode(Codec::Json);
}

fn main() {
    send(&Plain { text: String::new() });
}
