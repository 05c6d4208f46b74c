//! Targets and matches that a command line names, with the options that they bring:
//! MASQUERADE, SNAT and comment. Others are refused by name.

use super::address;
use super::fail::Fail;
use super::getopt::{EXTENSION, Long, Takes};
use super::parse::target_name;
use crate::cli::cursor::shown;
use crate::model::nat::{Nat, NatFlags, NatKind, Target};

const TO_SOURCE: u16 = EXTENSION;
const TO_PORTS: u16 = EXTENSION + 1;
const RANDOM: u16 = EXTENSION + 2;
const RANDOM_FULLY: u16 = EXTENSION + 3;
const PERSISTENT: u16 = EXTENSION + 4;
const COMMENT: u16 = EXTENSION + 5;

const COMMENT_OPTION: Long = ("comment", Takes::Argument, COMMENT);
const MASQUERADE: &[Long] = &[
    ("to-ports", Takes::Argument, TO_PORTS),
    ("random", Takes::Nothing, RANDOM),
    ("random-fully", Takes::Nothing, RANDOM_FULLY),
];
const SNAT: &[Long] = &[
    ("to-source", Takes::Argument, TO_SOURCE),
    ("random", Takes::Nothing, RANDOM),
    ("random-fully", Takes::Nothing, RANDOM_FULLY),
    ("persistent", Takes::Nothing, PERSISTENT),
];

/// Targets of iptables that netstrap does not write; a chain cannot have such a name.
const TARGETS: &str = "AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK CT DNAT DSCP ECN HMARK IDLETIMER LED LOG MARK NETMAP \
    NFLOG NFQUEUE NOTRACK QUEUE RATEEST REDIRECT REJECT SECMARK SET SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY \
    TRACE TTL ULOG";
/// Matches of iptables that netstrap does not write.
const MATCHES: &str = "addrtype ah bpf cgroup cluster connbytes connlabel connlimit connmark conntrack cpu dccp devgroup dscp ecn esp \
    hashlimit helper icmp iprange ipvs length limit mac mark multiport nfacct osf owner physdev pkttype policy \
    quota rateest realm recent rpfilter sctp set socket state statistic string tcp tcpmss time tos ttl u32 udp";

fn listed(names: &str, word: &[u8]) -> bool {
    names.as_bytes().split(|&b| b == b' ').any(|name| name == word)
}

/// A target that is not an extension.
#[derive(Debug)]
pub struct Jump {
    /// `ACCEPT` and the like, or a chain's name.
    pub name: Vec<u8>,
    /// `-g` instead of `-j`.
    pub goto: bool,
}

/// What `-j`, `-g` and `-m` named so far.
#[derive(Debug, Default)]
pub struct Extensions {
    jump: Option<Jump>,
    nat: Option<Nat>,
    commented: bool,
    /// Text of `--comment`.
    pub comment: Option<Vec<u8>>,
    used: Vec<u16>,
    options: Vec<Long>,
}

impl Extensions {
    /// The options that the extensions bring.
    pub fn options(&self) -> &[Long] {
        &self.options
    }

    /// Takes `-j NAME` or `-g NAME`.
    pub fn jump(&mut self, word: &[u8], goto: bool) -> Result<(), Fail> {
        let jump = target_name(word, goto)?;
        let (kind, options) = match word {
            b"MASQUERADE" if !goto => (NatKind::Masquerade, MASQUERADE),
            b"SNAT" if !goto => (NatKind::Snat, SNAT),
            _ if !goto && listed(TARGETS, word) => {
                return Err(Fail::unsupported(&format!("-j {}", shown(word))));
            }
            _ => {
                self.jump = Some(jump);
                return Ok(());
            }
        };
        self.nat = Some(Nat { kind, addrs: None, ports: None, flags: NatFlags::empty() });
        self.options.extend_from_slice(options);
        Ok(())
    }

    /// Takes `-m NAME`.
    pub fn load_match(&mut self, word: &[u8]) -> Result<(), Fail> {
        if word != b"comment" {
            return Err(if listed(MATCHES, word) {
                Fail::unsupported(&format!("-m {}", shown(word)))
            } else {
                Fail::parameter(format!("Couldn't load match `{}':No such file or directory\n", shown(word)))
            });
        }
        if self.commented {
            return Err(Fail::unsupported("more than one -m comment in a rule"));
        }
        self.commented = true;
        self.options.push(COMMENT_OPTION);
        Ok(())
    }

    /// Takes one of [`Extensions::options`].
    pub fn option(&mut self, key: u16, value: &[u8], not: bool) -> Result<(), Fail> {
        let owner = match &self.nat {
            Some(nat) if key != COMMENT => nat.kind.name(),
            _ => "comment",
        };
        let complain = |what: &str| {
            let name = self.options.iter().find(|option| option.2 == key).map_or("", |option| option.0);
            Err(Fail::parameter(format!("{owner}: option \"--{name}\" {what}\n")))
        };
        if self.used.contains(&key) {
            return complain("can only be used once.");
        }
        if not {
            return complain("cannot be inverted.");
        }
        self.used.push(key);
        match (key, &mut self.nat) {
            (COMMENT, _) if value.len() > 255 => {
                return Err(Fail::parameter("comment: a comment has at most 255 bytes"));
            }
            (COMMENT, _) => self.comment = Some(value.to_vec()),
            (TO_PORTS, _) => return Err(address::ports_need_protocol()),
            (TO_SOURCE, Some(nat)) => nat.addrs = Some(address::range(value)?),
            (RANDOM, Some(nat)) => nat.flags |= NatFlags::RANDOM,
            (RANDOM_FULLY, Some(nat)) => nat.flags |= NatFlags::FULLY_RANDOM,
            (_, Some(nat)) => nat.flags |= NatFlags::PERSISTENT,
            _ => {}
        }
        Ok(())
    }

    /// What must hold at the end of the command line.
    pub fn check(&self, nat_table: bool) -> Result<(), Fail> {
        if nat_table && self.jump.as_ref().is_some_and(|jump| jump.name == b"DROP") {
            return Err(Fail::parameter(
                "\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n",
            ));
        }
        if self.commented && self.comment.is_none() {
            return Err(Fail::parameter("comment: option \"--comment\" must be specified\n"));
        }
        if self.nat.as_ref().is_some_and(|nat| nat.kind == NatKind::Snat && nat.addrs.is_none()) {
            return Err(Fail::parameter("SNAT: option \"--to-source\" must be specified\n"));
        }
        Ok(())
    }

    /// What the rule does.
    pub fn target(&mut self) -> Target {
        if let Some(nat) = self.nat {
            return Target::Nat(nat);
        }
        match self.jump.take() {
            None => Target::None,
            Some(Jump { name, goto: true }) => Target::Goto(name),
            Some(Jump { name, .. }) => match name.as_slice() {
                b"ACCEPT" => Target::Accept,
                b"DROP" => Target::Drop,
                b"RETURN" => Target::Return,
                _ => Target::Jump(name),
            },
        }
    }
}
