//! Words of tunnels: in go endpoints, keys, flags and prefixes, out come the attributes that several
//! words share.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Reader, integer, sized};
use crate::cli::cursor::{shown, text};
use crate::cli::ip::fail::Fail;
use crate::cli::ip::words::address;
use crate::model::ip::{Family, Prefix, parse_addr};
use crate::model::kind::Row;
use crate::model::rtnames::{parse_hex, parse_number};
use crate::model::template::filled;
use crate::wire::attr::octets;

/// Attributes of a 6rd prefix: it, its length, its relay's network and that one's length.
const PREFIX_6RD: [u16; 4] = [11, 13, 12, 14];

/// An end of a tunnel, of the row's family; `any` is none.
pub fn endpoint(row: &Row, given: &[u8]) -> Result<IpAddr, Fail> {
    let v6 = row.list == "6";
    match given {
        b"any" | b"all" | b"default" if v6 => Ok(Ipv6Addr::UNSPECIFIED.into()),
        b"any" | b"all" | b"default" => Ok(Ipv4Addr::UNSPECIFIED.into()),
        _ => address(given, if v6 { Family::V6 } else { Family::V4 }),
    }
}

impl Reader {
    /// A key, a number or four octets, and the flag that there is one: for what comes in, goes out, or both.
    pub fn key(&mut self, row: &Row, given: &[u8]) -> Result<(), Fail> {
        let key = match integer(given).and_then(|key| u32::try_from(key).ok()) {
            Some(key) => key.to_be_bytes().to_vec(),
            None => match parse_addr(text(given), Family::V4).filter(|_| given.contains(&b'.')) {
                Some(ip) => octets(&ip),
                None => {
                    let start = filled("invalid value for \"%\": \"%", &[row.word(), &shown(given)]);
                    return Err(Fail::usage_of("%\"; it should be an unsigned integer", &[&start]));
                }
            },
        };
        if row.width != b'o' {
            self.set(4, &key);
        }
        if row.width != b'i' {
            self.set(5, &key);
        }
        self.gre_bits(row.width, row.list);
        Ok(())
    }

    /// Bits of the GRE header (network byte order): `i` of what comes in, `o` of what goes out, `b` of both.
    pub fn gre_bits(&mut self, way: u8, list: &str) {
        let (clears, digits) = (list.starts_with('-'), list.trim_start_matches('-'));
        let bits = parse_number(digits).and_then(|bits| u16::try_from(bits).ok()).unwrap_or(0);
        let bits = u32::from(bits.to_be());
        for number in [2, 3].into_iter().filter(|number| way != if *number == 2 { b'o' } else { b'i' }) {
            if clears { self.bits(number, 0, bits) } else { self.bits(number, bits, 0) }
        }
    }

    /// A value, or the name of a flag that is set instead of one. The row's list is the attribute of the flags,
    /// the bit, its name and its key.
    pub fn flag_or_value(&mut self, row: &Row, given: &[u8]) -> Result<(), Fail> {
        let mut list = row.list.split(',');
        let mut next = || list.next().unwrap_or_default();
        let (flags, bit, name) = (next(), next(), next());
        let (flags, bit) = (flags.parse().unwrap_or(0), bit.parse().unwrap_or(0));
        let is_flag = text(given) == name;
        let hexadecimal = || parse_hex(text(given));
        let value = match row.width {
            _ if is_flag => Some(0),
            b'b' | b'w' => integer(given).and_then(|value| u32::try_from(value).ok()),
            b't' => hexadecimal().filter(|value| *value <= 0xff).map(|value| value << 20),
            b'l' => hexadecimal().filter(|value| *value <= 0xf_ffff),
            _ => None,
        };
        let value = value.ok_or_else(|| self.wrong(row, given))?;
        match row.width {
            b'b' | b'w' if !is_flag || row.width == b'w' => {
                let bytes = sized(row.width, value.into()).ok_or_else(|| self.wrong(row, given))?;
                self.set(row.number, &bytes);
            }
            b't' => self.bits(row.number, value.to_be(), 0x0ff0_0000u32.to_be()),
            b'l' => self.bits(row.number, value.to_be(), 0x000f_ffffu32.to_be()),
            _ => {}
        }
        if is_flag {
            self.bits(flags, bit, 0)
        } else {
            self.bits(flags, 0, bit)
        }
        Ok(())
    }

    /// A 6rd prefix or its relay's; `6rd-reset` gives up the relay.
    pub fn prefix_6rd(&mut self, row: &Row, prefix: Option<Prefix>) {
        let Some(prefix) = prefix else { return };
        let [ip, len, relay, relay_len] = PREFIX_6RD;
        let (ip, len, is_prefix) = if row.width == b'r' { (relay, relay_len, false) } else { (ip, len, true) };
        self.set(ip, &octets(&prefix.addr()));
        self.set(len, &u16::from(prefix.len()).to_ne_bytes());
        if is_prefix && (row.width == b'z' || !self.has(relay)) {
            self.set(relay, &[0; 4]);
            self.set(relay_len, &[0; 2]);
        }
    }

    /// What tunnels must have between their words.
    pub fn check_tunnel(&mut self) -> Result<(), Fail> {
        let name = self.kind.name;
        let external = self.external().filter(|external| self.has(*external));
        let is_zero = |bytes: Option<&[u8]>| bytes.unwrap_or_default().iter().all(|byte| *byte == 0);
        if name.starts_with("gre") {
            let peer = self.bytes(7).unwrap_or_default().to_vec();
            if matches!(peer.first(), Some(224..=239)) {
                for (key, way) in [(4, b'i'), (5, b'o')] {
                    if is_zero(self.bytes(key)) {
                        self.set(key, &peer);
                        self.gre_bits(way, "8192");
                    }
                }
                if !self.has(6) {
                    return Err(Fail::own("A broadcast tunnel requires a source address."));
                }
            }
        } else if matches!(name, "ipip" | "sit") {
            if !is_zero(self.bytes(4)) && is_zero(self.bytes(10)) {
                return Err(Fail::usage("ttl != 0 and nopmtudisc are incompatible"));
            }
            let has_prefix = name == "sit" && !is_zero(self.bytes(13));
            let is_kept = |number| number != 8 || name == "sit";
            self.given.retain(|given| is_kept(given.number) && (has_prefix || !PREFIX_6RD.contains(&given.number)));
        }
        if let Some(external) = external {
            // The protocol of an IP tunnel is all that is sent besides.
            self.given.retain(|given| given.number == external || (external == 19 && given.number == 9));
        }
        Ok(())
    }
}
