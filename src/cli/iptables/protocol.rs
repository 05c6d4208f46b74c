//! IP protocols: the words of `-p` and what listings call them, as `/etc/protocols` has them.

use super::fail::Fail;
use super::show::{add, number};
use crate::cli::cursor::text;

/// Names by number. The first of a number is the one that listings show.
const NAMES: &str = "0all 0ip 1icmp 2igmp 3ggp 4ipencap 5st 6tcp 8egp 9igp 12pup 17udp 20hmp 22xns-idp 27rdp 29iso-tp4 \
    33dccp 36xtp 37ddp 38idpr-cmtp 41ipv6 43ipv6-route 44ipv6-frag 45idrp 46rsvp 47gre 50esp 51ah 57skip 58ipv6-icmp \
    58icmpv6 59ipv6-nonxt 60ipv6-opts 73rspf 81vmtp 88eigrp 89ospf 93ax.25 94ipip 97etherip 98encap 103pim 108ipcomp \
    112vrrp 115l2tp 124isis 132sctp 133fc 135mobility-header 135ipv6-mh 135mh 136udplite 137mpls-in-ip 138manet \
    139hip 140shim6 141wesp 142rohc 143ethernet";

fn names() -> impl Iterator<Item = (u8, &'static str)> {
    NAMES.split(' ').filter_map(|entry| {
        let digits = entry.len() - entry.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, name) = entry.split_at(digits);
        // `3ggp` and the like never begin with a digit of their own.
        Some((number.parse().ok()?, name))
    })
}

/// The number of a word of `-p`: a number, or a name in any case.
pub fn parse(word: &[u8]) -> Result<u8, Fail> {
    let word_text = text(word);
    if let Some(number) = super::address::number(word_text) {
        if let Ok(number) = u8::try_from(number) {
            return Ok(number);
        }
    } else if let Some((number, _)) = names().find(|(_, name)| name.eq_ignore_ascii_case(word_text)) {
        return Ok(number);
    }
    Err(Fail::word("unknown protocol \"", word, "\" specified"))
}

/// Adds a protocol, by name unless `numeric`.
#[inline(never)]
pub fn show(out: &mut String, protocol: u8, numeric: bool) {
    match names().find(|row| row.0 == protocol && !numeric) {
        Some(row) => add(out, row.1),
        None => number(out, protocol.into(), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers() {
        for (word, number) in
            [("tcp", 6), ("TCP", 6), ("icmpv6", 58), ("all", 0), ("0", 0), ("0x11", 17), ("255", 255), ("mh", 135)]
        {
            assert_eq!(parse(word.as_bytes()).ok(), Some(number), "{word}");
        }
        for word in ["256", "", "nope", "-1", "6tcp"] {
            assert!(parse(word.as_bytes()).is_err(), "{word}");
        }
        let mut out = String::new();
        show(&mut out, 58, false);
        show(&mut out, 6, true);
        show(&mut out, 200, false);
        assert_eq!(out, "ipv6-icmp6200");
    }
}
