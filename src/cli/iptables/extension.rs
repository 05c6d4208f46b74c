//! Targets and matches that a command line names, with the options that they bring:
//! MASQUERADE, SNAT and comment. Others are refused by name.

use super::address;
use super::fail::Fail;
use super::getopt::{Longs, name_of};
use crate::model::nat::{Nat, NatFlags, NatKind, Target};
use crate::wire::nft::xt;

const TO_SOURCE: u8 = b'!';
const TO_PORTS: u8 = b'"';
const RANDOM: u8 = b'#';
const RANDOM_FULLY: u8 = b'$';
const COMMENT: u8 = b'&';

const COMMENT_OPTION: Longs = "comment=&";
const MASQUERADE: Longs = "to-ports=\" random.# random-fully.$";
/// With `%` for `--persistent`.
const SNAT: Longs = "to-source=! random.# random-fully.$ persistent.%";

/// Targets of iptables that netstrap does not write; a chain cannot have such a name.
const TARGETS: &str = "AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK CT DNAT DSCP ECN HMARK IDLETIMER LED LOG MARK NETMAP \
    NFLOG NFQUEUE NOTRACK QUEUE RATEEST REDIRECT REJECT SECMARK SET SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY \
    TRACE TTL ULOG";
/// Matches of iptables that netstrap does not write.
const MATCHES: &str = "addrtype ah bpf cgroup cluster connbytes connlabel connlimit connmark conntrack cpu dccp devgroup dscp ecn esp \
    hashlimit helper icmp iprange ipvs length limit mac mark multiport nfacct osf owner physdev pkttype policy \
    quota rateest realm recent rpfilter sctp set socket state statistic string tcp tcpmss time tos ttl u32 udp";

/// Whether a word is among names with a space between two.
#[inline(never)]
pub fn listed(names: &str, word: &[u8]) -> bool {
    names.as_bytes().split(|&b| b == b' ').any(|name| name == word)
}

/// What `-j`, `-g` and `-m` named so far.
#[derive(Default)]
pub struct Extensions<'a> {
    /// A target that is no extension, and whether it was named with `-g`.
    jump: Option<(&'a [u8], bool)>,
    nat: Option<Nat>,
    comment: Option<&'a [u8]>,
    /// Bits of the options' keys.
    used: u8,
    /// The options that the target and `-m comment` bring.
    pub options: [Longs; 2],
}

/// Words for `-j` that are verdicts.
const VERDICTS: &[&[u8]] = &[b"ACCEPT", b"DROP", b"RETURN"];

/// Longest name of a chain or target, with its NUL.
pub const NAME_MAX: usize = 29;

impl<'a> Extensions<'a> {
    /// Takes `-j NAME` or `-g NAME`.
    pub fn jump(&mut self, word: &'a [u8], goto: bool) -> Result<(), Fail> {
        if word.is_empty() {
            return Err(Fail::parameter("Invalid target name (too short)"));
        }
        if word.len() >= NAME_MAX {
            return Err(Fail::word("Invalid target name `", word, "' (28 chars max)"));
        }
        if word.iter().any(|b| matches!(b, b'\t'..=b'\r' | b' ')) {
            return Err(Fail::word("Invalid target name `", word, "'"));
        }
        let (kind, options) = match word {
            b"MASQUERADE" if !goto => (NatKind::Masquerade, MASQUERADE),
            b"SNAT" if !goto => (NatKind::Snat, SNAT),
            _ if !goto && listed(TARGETS, word) => return Err(Fail::unsupported("-j ", word)),
            _ => {
                self.jump = Some((word, goto));
                return Ok(());
            }
        };
        self.nat = Some(Nat { kind, addrs: None, ports: None, flags: NatFlags::empty() });
        self.options[0] = options;
        Ok(())
    }

    /// Takes `-m NAME`.
    pub fn load_match(&mut self, word: &[u8]) -> Result<(), Fail> {
        if word != b"comment" {
            return Err(if listed(MATCHES, word) {
                Fail::unsupported("-m ", word)
            } else {
                Fail::word("Couldn't load match `", word, "':No such file or directory\n")
            });
        }
        if !self.options[1].is_empty() {
            return Err(Fail::unsupported("more than one -m comment in a rule", b""));
        }
        self.options[1] = COMMENT_OPTION;
        Ok(())
    }

    /// Takes one of [`Extensions::options`].
    pub fn option(&mut self, key: u8, value: &'a [u8], not: bool) -> Result<(), Fail> {
        let bit = 1 << (key & 7);
        if not || self.used & bit != 0 {
            return Err(self.complaint(key, bit));
        }
        self.used |= bit;
        if key == COMMENT {
            if value.len() > 255 {
                return Err(Fail::parameter("comment: a comment has at most 255 bytes"));
            }
            self.comment = Some(value);
        }
        let Some(nat) = &mut self.nat else { return Ok(()) };
        match key {
            TO_PORTS => return Err(address::ports_need_protocol()),
            TO_SOURCE => {
                let (min, max) = address::range(value)?;
                nat.addrs = Some((min.into(), max.into()));
            }
            RANDOM => nat.flags |= NatFlags::RANDOM,
            RANDOM_FULLY => nat.flags |= NatFlags::FULLY_RANDOM,
            COMMENT => {}
            _ => nat.flags |= NatFlags::PERSISTENT,
        }
        Ok(())
    }

    fn complaint(&self, key: u8, bit: u8) -> Fail {
        let (owner, list) = match &self.nat {
            Some(nat) if key != COMMENT => (nat.kind.name(), self.options[0]),
            _ => ("comment", COMMENT_OPTION),
        };
        let what = if self.used & bit != 0 { "\" can only be used once.\n" } else { "\" cannot be inverted.\n" };
        Fail::word(&[owner, ": option \"--"].concat(), name_of(list, key).unwrap_or_default(), what)
    }

    /// What must hold at the end of the command line.
    pub fn check(&self, nat_table: bool) -> Result<(), Fail> {
        let text = if nat_table && self.jump.is_some_and(|jump| jump.0 == b"DROP") {
            "\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n"
        } else if !self.options[1].is_empty() && self.comment.is_none() {
            "comment: option \"--comment\" must be specified\n"
        } else if self.nat.is_some_and(|nat| nat.kind == NatKind::Snat && nat.addrs.is_none()) {
            "SNAT: option \"--to-source\" must be specified\n"
        } else {
            return Ok(());
        };
        Err(Fail::parameter(text))
    }

    /// Text of `--comment`.
    pub fn comment(&self) -> Option<Vec<u8>> {
        self.comment.map(<[u8]>::to_vec)
    }

    /// What the rule does.
    pub fn target(&self) -> Target {
        match (self.nat, self.jump) {
            (Some(nat), _) => Target::Ext(xt::target(&nat, false)),
            (_, None) => Target::None,
            (_, Some((name, true))) => Target::Goto(name.to_vec()),
            (_, Some((name, _))) => match VERDICTS.iter().position(|&verdict| verdict == name) {
                Some(0) => Target::Accept,
                Some(1) => Target::Drop,
                Some(_) => Target::Return,
                None => Target::Jump(name.to_vec()),
            },
        }
    }
}
