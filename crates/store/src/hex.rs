//! Bytes as lower-case hex digits.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

pub(crate) fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(2 * bytes.len());
    for byte in bytes {
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// `None` unless it is an even number of lower-case hex digits.
pub(crate) fn read(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

fn digit(text: u8) -> Option<u8> {
    match text {
        b'0'..=b'9' => Some(text - b'0'),
        b'a'..=b'f' => Some(text - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_and_other_spellings_are_refused() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut text = Vec::new();
        push(&mut text, &bytes);
        assert_eq!(read(std::str::from_utf8(&text).unwrap()), Some(bytes));
        for other in ["0", "0A", "0g", " 0", "é"] {
            assert_eq!(read(other), None, "{other:?}");
        }
    }
}
