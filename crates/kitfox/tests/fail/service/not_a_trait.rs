#[kitfox::service(package = "texts.v1")]
struct Texts;

#[kitfox::service(package = "texts.v1")]
impl Texts {}

fn main() {}
