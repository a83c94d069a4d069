#[kitfox::service(package = "texts v1")]
trait Spaced {}

#[kitfox::service(package = "")]
trait Nothing {}

#[kitfox::service(package)]
trait Bare {}

#[kitfox::service(package = texts)]
trait Unquoted {}

#[kitfox::service(pakage = "texts.v1")]
trait Misspelt {}

#[kitfox::service(package = "a.v1", package = "b.v1")]
trait Twice {}

fn main() {}
