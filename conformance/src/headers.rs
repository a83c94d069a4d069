//! Headers and trailers between Kitfox and the suite.

use kitfox::{Code, Context, Error, Metadata, MetadataError};

use crate::messages::Header;

/// As the suite tells them: each name once, with all its values.
pub(crate) fn told(metadata: &Metadata) -> Vec<Header> {
    let mut headers: Vec<Header> = Vec::new();
    for (name, value) in metadata.iter() {
        let value = String::from_utf8_lossy(value).into_owned();
        match headers.iter_mut().find(|header| header.name == name) {
            Some(header) => header.value.push(value),
            None => headers.push(Header { name: name.to_owned(), value: vec![value] }),
        }
    }
    headers
}

/// As Kitfox sends them.
pub(crate) fn metadata(headers: &[Header]) -> Result<Metadata, MetadataError> {
    let mut metadata = Metadata::new();
    add(headers, &mut metadata)?;
    Ok(metadata)
}

/// Sets headers and trailers of an answer.
pub(crate) fn answer_with(
    cx: &Context,
    headers: &[Header],
    trailers: &[Header],
) -> Result<(), Error> {
    cx.respond(|answer| {
        add(headers, &mut answer.headers)?;
        add(trailers, &mut answer.trailers)
    })
    .map_err(|cause: MetadataError| Error::new(Code::InvalidArgument, cause.to_string()))
}

fn add(headers: &[Header], metadata: &mut Metadata) -> Result<(), MetadataError> {
    headers.iter().try_for_each(|Header { name, value }| {
        value.iter().try_for_each(|value| metadata.append(name, value))
    })
}
