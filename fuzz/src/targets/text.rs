//! Inputs that are lines.

/// What stands before the first empty line, as lines, and what stands behind it.
pub(super) fn head_and_rest(input: &[u8]) -> (Vec<&str>, &[u8]) {
    let end = input.windows(2).position(|two| two == b"\n\n");
    let (head, rest) = end.map_or((input, &[][..]), |end| (&input[..end], &input[end + 2..]));
    let lines = head.split(|byte| *byte == b'\n');
    (lines.filter_map(|line| std::str::from_utf8(line).ok()).collect(), rest)
}

/// The lines that are headers, as such.
pub(super) fn headers(lines: &[&str]) -> http::HeaderMap {
    let mut headers = http::HeaderMap::new();
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = http::HeaderName::try_from(name.trim_start_matches(' '));
        let value = http::HeaderValue::try_from(value.trim_start_matches(' '));
        if let (Ok(name), Ok(value)) = (name, value) {
            let _ = headers.try_append(name, value);
        }
    }
    headers
}

/// `bytes` in pieces, cut by `salt`.
pub(super) fn cut(bytes: &[u8], salt: u64) -> Vec<bytes::Bytes> {
    let random = kitfox::platform::Random::seeded(salt);
    let mut rest = bytes::Bytes::copy_from_slice(bytes);
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let most = if random.next_f64() < 0.5 { 8 } else { rest.len() };
        let length = 1 + (1..most).find(|_| random.next_f64() < 0.2).unwrap_or(most);
        pieces.push(rest.split_to(length.min(rest.len())));
    }
    pieces
}
