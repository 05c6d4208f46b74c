//! The words of a light-weight tunnel after `encap` in, an [`Encap`] out.

use std::net::IpAddr;

use super::context::Context;
use super::fail::Fail;
use super::route::tos;
use super::words::{address, keyword, number, value};
use crate::cli::cursor::{Cursor, text};
use crate::model::encap::{
    ENCAP_IP, ENCAP_IP6, ENCAP_KINDS, ENCAP_MPLS, ENCAP_SEG6, ENCAP_SEG6_LOCAL, Encap, SEG6_ACTIONS, SEG6_FLAVORS,
    SEG6_LOCAL_IIF, SEG6_LOCAL_OIF, SEG6_LOCAL_SRH, SEG6_MODES, position,
};
use crate::model::ip::Family;
use crate::model::rtnames::{NameSet, parse_number, parse_u64};
use crate::wire::attr::octets;

/// `End.B6.Encaps`, whose header is whole as it is given.
const ACTION_B6_ENCAPS: usize = 10;

/// Reads a tunnel; the first word that is none of its own ends it.
pub fn parse(context: &mut Context<'_>, words: &mut Cursor<'_>) -> Result<Encap, Fail> {
    let word = value(words)?;
    let kind = position(ENCAP_KINDS, word).and_then(|at| u16::try_from(at + 1).ok());
    let kind = kind.ok_or_else(|| Fail::wrong("\"encap type\" value is invalid\n", word))?;
    if words.rest().len() < 2 {
        let unexpected = || Fail::usage("Error: unexpected end of line after \"encap\"");
        return Err(if words.is_empty() { Fail::incomplete() } else { unexpected() });
    }
    let mut encap = Encap { kind, attrs: Vec::new() };
    match kind {
        ENCAP_MPLS => mpls(&mut encap, words)?,
        ENCAP_IP | ENCAP_IP6 => ip(context, &mut encap, words)?,
        ENCAP_SEG6 => seg6(&mut encap, words)?,
        ENCAP_SEG6_LOCAL => seg6_local(context, &mut encap, words)?,
        _ => return Err(Fail::unsupported_word("encap type", word)),
    }
    Ok(encap)
}

/// Sets an attribute that may be given once.
fn set(encap: &mut Encap, attr: u16, value: &[u8], name: &str, word: &[u8]) -> Result<(), Fail> {
    if encap.get(attr).is_some() {
        return Err(Fail::garbage(name, word));
    }
    encap.attrs.push((attr, value.to_vec()));
    Ok(())
}

fn invalid(name: &str, word: &[u8]) -> Fail {
    Fail::wrong(&["\"", name, "\" value is invalid\n"].concat(), word)
}

fn mpls(encap: &mut Encap, words: &mut Cursor<'_>) -> Result<(), Fail> {
    let word = value(words)?;
    let labels: Option<Vec<u32>> =
        text(word).split('/').map(|label| parse_number(label).filter(|label| *label < 1 << 20)).collect();
    let expected = || Fail::own_word("Error: mpls address is expected rather than ", word, ".");
    let labels = labels.ok_or_else(expected)?;
    let last = labels.len() - 1;
    // A label has 20 bits; the lowest of a stack is marked.
    let mut stack = Vec::new();
    for (at, label) in labels.iter().enumerate() {
        stack.extend_from_slice(&(label << 12 | u32::from(at == last) << 8).to_be_bytes());
    }
    encap.attrs.push((1, stack));
    while words.peek() == Some(b"ttl") {
        words.next();
        let word = value(words)?;
        let ttl: u8 = number(word, "\"ttl\" value is invalid\n")?;
        set(encap, 2, &[ttl], "ttl", word)?;
    }
    Ok(())
}

/// `LWTUNNEL_IP_*` and `LWTUNNEL_IP6_*`, which have the same numbers.
fn ip(context: &mut Context<'_>, encap: &mut Encap, words: &mut Cursor<'_>) -> Result<(), Fail> {
    const V4: &str = "id=i dst=d src=s tos=t ttl=l geneve_opts=? vxlan_opts=? erspan_opts=? key=k csum=c seq=q";
    const V6: &str = "id=i dst=d src=s tc=t hoplimit=l geneve_opts=? vxlan_opts=? erspan_opts=? key=k csum=c seq=q";
    let (list, family) = if encap.kind == ENCAP_IP { (V4, Family::V4) } else { (V6, Family::V6) };
    let mut flags = 0;
    while let Some(word) = words.peek() {
        let (name, key) = keyword(word, list);
        let flag = match key {
            0 => break,
            b'?' => return Err(Fail::unsupported_word("encap option", word)),
            b'k' => 4,
            b'c' => 1,
            b'q' => 8,
            _ => 0,
        };
        words.next();
        if flag != 0 {
            if flags & flag != 0 {
                return Err(Fail::garbage(name, word));
            }
            flags |= flag;
            continue;
        }
        let word = value(words)?;
        let wrong = || invalid(name, word);
        match key {
            b'i' => set(encap, 1, &parse_u64(text(word)).ok_or_else(wrong)?.to_be_bytes(), name, word)?,
            b'd' => set(encap, 2, &octets(&address(word, family)?), name, word)?,
            b's' => set(encap, 3, &octets(&address(word, family)?), name, word)?,
            b't' => set(encap, 5, &[tos(context, word).ok_or_else(wrong)?], name, word)?,
            _ => {
                let hops = parse_number(text(word)).and_then(|hops| u8::try_from(hops).ok());
                set(encap, 4, &[hops.ok_or_else(wrong)?], name, word)?;
            }
        }
    }
    if flags != 0 {
        encap.attrs.push((6, u16::to_be_bytes(flags).to_vec()));
    }
    Ok(())
}

fn seg6(encap: &mut Encap, words: &mut Cursor<'_>) -> Result<(), Fail> {
    let (mut mode, mut segments, mut key) = (None, None, None);
    while let Some(word) = words.peek() {
        let (name, which) = keyword(word, "mode=m segs=s hmac=h");
        if which == 0 {
            break;
        }
        words.next();
        let word = value(words)?;
        let twice = match which {
            b'm' => mode.replace(position(SEG6_MODES, word).ok_or_else(|| invalid(name, word))?).is_some(),
            b's' if mode.is_none() => return Err(Fail::wrong("\"segs\" provided before \"mode\"\n", word)),
            b's' => segments.replace(word).is_some(),
            _ => key.replace(parse_number(text(word)).unwrap_or(0)).is_some(),
        };
        if twice {
            return Err(Fail::garbage(name, word));
        }
    }
    let header = header(segments.unwrap_or_default(), key.unwrap_or(0), mode != Some(0))?;
    let mode = mode.and_then(|mode| u32::try_from(mode).ok()).unwrap_or(u32::MAX);
    encap.attrs.push((1, [&mode.to_ne_bytes()[..], &header].concat()));
    Ok(())
}

/// `struct ipv6_sr_hdr` of a list of segments; one that is not `whole` leaves the first place to the packet's own
/// destination.
fn header(segments: &[u8], key: u32, whole: bool) -> Result<Vec<u8>, Fail> {
    let mut addresses = Vec::new();
    for word in segments.split(|&b| b == b',').filter(|word| !word.is_empty()) {
        match address(word, Family::V6)? {
            IpAddr::V6(address) => addresses.push(address.octets()),
            IpAddr::V4(_) => {}
        }
    }
    let count = addresses.len().max(1) + usize::from(!whole);
    let len = 8 + 16 * count + if key == 0 { 0 } else { 40 };
    let byte = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    // Next header, length, type, segments left, first segment, flags, tag.
    let mut header = vec![0, byte(len / 8 - 1), 4, byte(count - 1), byte(count - 1), u8::from(key != 0) << 3, 0, 0];
    header.resize(8 + 16 * (count - addresses.len()), 0);
    for address in addresses.iter().rev() {
        header.extend_from_slice(address);
    }
    if key != 0 {
        header.extend([5, 38, 0, 0]);
        header.extend(key.to_be_bytes());
        header.extend([0; 32]);
    }
    Ok(header)
}

fn seg6_local(context: &mut Context<'_>, encap: &mut Encap, words: &mut Cursor<'_>) -> Result<(), Fail> {
    const WORDS: &str = "action=a table=t vrftable=v nh4=4 nh6=6 iif=i oif=o count=c flavors=f srh=s endpoint=?";
    let (mut action, mut header_words) = (0, None);
    while let Some(word) = words.peek() {
        let (name, which) = keyword(word, WORDS);
        match which {
            0 => break,
            b'?' => return Err(Fail::unsupported_word("encap option", word)),
            _ => words.next(),
        };
        if which == b'c' {
            // Packets, bytes and errors begin at zero.
            let mut zeros = Vec::new();
            for attr in 2..5 {
                zeros.extend_from_slice(&[12, 0, attr, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            }
            set(encap, 10, &zeros, name, word)?;
            continue;
        }
        let word = value(words)?;
        let tables =
            |reason| context.names.number(NameSet::Tables, text(word)).ok_or_else(|| Fail::wrong(reason, word));
        match which {
            b'a' => {
                action = position(SEG6_ACTIONS, word).ok_or_else(|| invalid(name, word))? + 1;
                set(encap, 1, &u32::try_from(action).unwrap_or(0).to_ne_bytes(), name, word)?;
            }
            b't' => set(encap, 3, &tables("invalid table id\n")?.to_ne_bytes(), name, word)?,
            b'v' => set(encap, 9, &tables("invalid vrf table id\n")?.to_ne_bytes(), name, word)?,
            b'4' => set(encap, 4, &octets(&address(word, Family::V4)?), name, word)?,
            b'6' => set(encap, 5, &octets(&address(word, Family::V6)?), name, word)?,
            b'i' | b'o' => {
                let attr = if which == b'i' { SEG6_LOCAL_IIF } else { SEG6_LOCAL_OIF };
                let found = context.device(word);
                // A usage error here, unlike elsewhere.
                let index = found.map_err(|fail| fail.coded(255))?.index.get();
                set(encap, attr, &index.to_ne_bytes(), name, word)?;
            }
            b'f' => {
                let mut mask: u32 = 0;
                for flavor in word.split(|&b| b == b',').filter(|flavor| !flavor.is_empty()) {
                    let bit = position(SEG6_FLAVORS, &flavor.to_ascii_lowercase()).map(|at| 2 << at);
                    let bit = bit.filter(|bit| mask & bit == 0);
                    mask |= bit.ok_or_else(|| Fail::wrong("invalid \"flavors\" attribute\n", word))?;
                }
                set(encap, 11, &[&[8, 0, 1, 0][..], &mask.to_ne_bytes()].concat(), name, word)?;
            }
            _ => {
                if header_words.is_some() {
                    return Err(Fail::garbage(name, word));
                }
                if word != b"segs" {
                    return Err(Fail::wrong("missing \"segs\" attribute for srh\n", word));
                }
                let segments = value(words)?;
                let mut key = 0;
                if words.peek() == Some(b"hmac") {
                    words.next();
                    key = parse_number(text(value(words)?)).unwrap_or(0);
                }
                header_words = Some((segments, key));
            }
        }
    }
    if action == 0 {
        return Err(Fail::usage("Missing action type"));
    }
    if let Some((segments, key)) = header_words {
        let header = header(segments, key, action == ACTION_B6_ENCAPS)?;
        encap.attrs.push((SEG6_LOCAL_SRH, header));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segment_routing_headers_as_iproute2_sends_them() {
        let hex = |bytes: Vec<u8>| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let segment = "fc000000000000000000000000000001";
        let inline = "0004040101000000".to_owned() + &"0".repeat(32) + segment;
        assert_eq!(hex(header(b"fc00::1", 0, false).unwrap()), inline);
        let keyed = "0007040000080000".to_owned() + segment + "05260000000000ab" + &"0".repeat(64);
        assert_eq!(hex(header(b"fc00::1", 0xab, true).unwrap()), keyed);
        assert!(header(b"fc00::1,10.0.0.1", 0, true).is_err());
    }
}
