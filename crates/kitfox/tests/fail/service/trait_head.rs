#[kitfox::service(package = "texts.v1")]
trait Generic<T> {}

#[kitfox::service(package = "texts.v1")]
trait Bounded: Clone + Send + Sync + 'static {}

#[kitfox::service(package = "texts.v1")]
trait Where
where
    Self: Sized,
{
}

#[kitfox::service(package = "texts.v1")]
unsafe trait Unsafe {}

fn main() {}
