//! The shape of a netlink message, checked without any of the encoder's code: lengths,
//! alignment, padding, nesting, duplicates, strings.

/// What an attribute holds.
enum Holds {
    Bytes,
    Text,
    /// Attributes, after a fixed header of so many bytes; whether the nested flag belongs on it.
    Nest(usize, bool),
    /// `struct rtnexthop`s.
    Hops,
}

/// Length of the fixed header after the netlink header, by message type.
fn header_len(kind: u16) -> usize {
    match kind {
        16..=19 | 108..=110 => 16,
        20..=22 => 8,
        24..=34 => 12,
        104..=106 => 8,
        72..=74 => 12,
        88..=90 => 4,
        other => panic!("message type {other}"),
    }
}

fn holds(kind: u16, path: &[u16]) -> Holds {
    match (kind, path) {
        (16..=19, [18] | [18, 2]) => Holds::Nest(0, true),
        (108..=110, [52]) => Holds::Nest(0, true),
        (108..=110, [52, 53]) => Holds::Text,
        (16..=19, [18, 2, 1]) => Holds::Nest(16, true),
        (16..=19, [3] | [18, 2, 1, 3]) => Holds::Text,
        (17 | 19, [12]) => Holds::Nest(0, true),
        (17 | 19, [26] | [26, 3]) => Holds::Nest(0, false),
        (20..=22, [3]) | (24..=26, [8, 16]) | (32..=34, [3 | 17]) => Holds::Text,
        (104..=106, [12]) => Holds::Nest(0, true),
        (24..=26, [8]) => Holds::Nest(0, false),
        (24..=26, [9]) => Holds::Hops,
        (24..=26, [22] | [9, 0, 22]) | (104..=106, [8]) => Holds::Nest(0, true),
        _ => Holds::Bytes,
    }
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_ne_bytes([bytes[at], bytes[at + 1]]))
}

/// Judges a whole message.
pub fn judge(message: &[u8]) {
    let len = u32::from_ne_bytes(message[..4].try_into().expect("four bytes"));
    assert_eq!(len as usize, message.len(), "length field");
    let kind = u16::try_from(u16_at(message, 4)).expect("a type");
    let body = 16 + header_len(kind);
    assert!(message.len() >= body, "fixed header");
    attributes(kind, &message[body..], &mut Vec::new());
}

fn attributes(kind: u16, mut bytes: &[u8], path: &mut Vec<u16>) {
    let mut seen = Vec::new();
    while !bytes.is_empty() {
        let (len, raw) = (u16_at(bytes, 0), u16_at(bytes, 2));
        assert!(len >= 4 && len <= bytes.len(), "attribute {raw} of {len} in {} bytes at {path:?}", bytes.len());
        let padded = len.next_multiple_of(4);
        assert!(padded <= bytes.len(), "padding inside the parent");
        assert!(bytes[len..padded].iter().all(|byte| *byte == 0), "zero padding");
        let attribute = u16::try_from(raw & 0x3fff).expect("a type");
        // The first and the last of a range of VLANs are attributes of one type.
        assert!(path == &[26] || !seen.contains(&attribute), "attribute {attribute} twice at {path:?}");
        seen.push(attribute);
        path.push(attribute);
        value(kind, &bytes[4..len], raw & 0x8000 != 0, path);
        path.pop();
        bytes = &bytes[padded..];
    }
}

fn value(kind: u16, value: &[u8], flagged: bool, path: &mut Vec<u16>) {
    match holds(kind, path) {
        Holds::Bytes => assert!(!flagged, "nested flag at {path:?}"),
        Holds::Text => {
            assert!(!flagged, "nested flag at {path:?}");
            assert_eq!(value.iter().position(|byte| *byte == 0), Some(value.len() - 1), "one NUL, at the end");
        }
        Holds::Nest(header, flag) => {
            assert_eq!(flagged, flag, "nested flag at {path:?}");
            attributes(kind, &value[header..], path);
        }
        Holds::Hops => hops(kind, value, path),
    }
}

fn hops(kind: u16, mut bytes: &[u8], path: &mut Vec<u16>) {
    while !bytes.is_empty() {
        let len = u16_at(bytes, 0);
        assert!(len >= 8 && len <= bytes.len() && len.is_multiple_of(4), "next hop of {len}");
        path.push(0);
        attributes(kind, &bytes[8..len], path);
        path.pop();
        bytes = &bytes[len..];
    }
}
