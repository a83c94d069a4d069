//! gRPC-Web is gRPC whose trailers are the last frame of the body, so that HTTP/1.1 and browsers
//! carry it. This reads that frame.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The trailers in a frame: lines of `name: value`.
pub(super) fn trailers(block: &[u8]) -> Option<HeaderMap> {
    let mut trailers = HeaderMap::new();
    for line in block.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        // Names are in lower case in the map, however they were sent.
        let name = HeaderName::from_bytes(name.trim_ascii()).ok()?;
        trailers.append(name, HeaderValue::from_bytes(value).ok()?);
    }
    Some(trailers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailers_are_lines_however_they_are_written() {
        let read = trailers(b"grpc-status: 0\r\nX-Cost:7\r\nx-cost:  8 \r\n").unwrap();
        assert_eq!(read["grpc-status"], "0");
        assert_eq!(read.get_all("x-cost").iter().collect::<Vec<_>>(), ["7", "8"]);
        assert_eq!(trailers(b"").unwrap().len(), 0);
        for bad in [&b"no colon\r\n"[..], b"a b: 1\r\n", b"a: \x01\r\n"] {
            assert_eq!(trailers(bad), None);
        }
    }
}
