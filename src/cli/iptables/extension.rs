//! Targets and matches that a command line names, with the options that they bring. Which there
//! are is in the tables of [`crate::model::xt`]; others of iptables are refused by name.

use super::ext::names;
use super::ext::show::{POLICY_ELEMENT, of_element};
use super::ext::value::{Context, Place};
use super::fail::Fail;
use super::getopt::Long;
use crate::model::nat::{Ext, Spec, Target};
use crate::model::template::filled;
use crate::model::xt::{Extension, Row, get, put};
use crate::wire::attr::to_nul;

/// Targets of iptables that netstrap does not write; a chain cannot have such a name.
const TARGETS: &str = "AUDIT CHECKSUM CLUSTERIP CONNSECMARK DNPT DSCP ECN HMARK IDLETIMER LED NETMAP NFLOG NFQUEUE QUEUE \
    RATEEST SECMARK SET SNPT SYNPROXY TCPOPTSTRIP TEE TOS TPROXY TRACE ULOG";
/// Matches of iptables that netstrap does not write.
const MATCHES: &str = "ah bpf cgroup cluster connbytes connlabel connlimit cpu dccp devgroup dscp dst ecn eui64 frag \
    hashlimit hbh helper ipcomp ipv6header ipvs mh nfacct osf quota rateest realm recent rpfilter rt sctp set socket \
    srh string time tos u32 udplite";

/// Whether a word is among names with a space between two.
#[inline(never)]
pub fn listed(names: &str, word: &[u8]) -> bool {
    names.as_bytes().split(|&b| b == b' ').any(|name| name == word)
}

/// A match or target that was named, and what its options made of it.
struct Loaded {
    ext: &'static Extension,
    rows: &'static [Row],
    made: Ext,
    /// Bits of the rows whose options were given.
    used: u32,
    /// Element of a policy that options go to.
    element: usize,
}

/// What `-j`, `-g` and `-m` named so far.
#[derive(Default)]
pub struct Extensions<'a> {
    /// What values depend on.
    pub context: Context,
    /// A target that is no extension, and whether it was named with `-g`.
    jump: Option<(&'a [u8], bool)>,
    /// The target, if it is an extension.
    target: Option<Loaded>,
    matches: Vec<Loaded>,
    /// Whether the protocol's match was loaded for an option of it.
    implied: bool,
    /// The options that they bring, of the latest first.
    pub options: Vec<Long>,
}

/// Words for `-j` that are verdicts.
const VERDICTS: &[&[u8]] = &[b"ACCEPT", b"DROP", b"RETURN"];

/// Whether a target has this name, so that no chain can.
pub fn is_target(name: &[u8]) -> bool {
    let known = |is_v6| Extension::named(name, true, is_v6).is_some();
    VERDICTS.contains(&name) || name.is_empty() || listed(TARGETS, name) || known(false) || known(true)
}

/// Longest name of a chain or target, with its NUL.
pub const NAME_MAX: usize = 29;

impl<'a> Extensions<'a> {
    /// Takes `-j NAME` or `-g NAME`.
    #[inline(never)]
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
        let extension = !goto && !VERDICTS.contains(&word);
        if extension && let Some(ext) = Extension::named(word, true, self.context.is_v6) {
            let loaded = self.load(ext, TARGET)?;
            self.target = Some(loaded);
        } else if extension && listed(TARGETS, word) {
            return Err(Fail::unsupported("-j ", word));
        } else {
            self.jump = Some((word, goto));
        }
        Ok(())
    }

    /// Takes `-m NAME`.
    #[inline(never)]
    pub fn load_match(&mut self, word: &[u8]) -> Result<(), Fail> {
        // The protocol's own name, as it is written elsewhere.
        let name = if self.context.is_v6 && matches!(word, b"icmpv6" | b"ipv6-icmp") { b"icmp6" } else { word };
        let Some(ext) = Extension::named(name, false, self.context.is_v6) else {
            return Err(if listed(MATCHES, word) {
                Fail::unsupported("-m ", word)
            } else {
                Fail::word("Couldn't load match `", word, "':No such file or directory\n")
            });
        };
        let loaded = self.load(ext, self.matches.len())?;
        self.matches.push(loaded);
        Ok(())
    }

    /// Loads the match of the protocol for an option that nothing else has; false if that was done before.
    pub fn load_implied(&mut self) -> Result<bool, Fail> {
        let protocol = self.context.protocol.map_or(0, |p| p.value);
        match Extension::of_protocol(protocol, self.context.is_v6) {
            Some(ext) if !self.implied => {
                self.implied = true;
                let loaded = self.load(ext, self.matches.len())?;
                self.matches.push(loaded);
                Ok(true)
            }
            None => match names::protocol_name(protocol).filter(|name| listed(MATCHES, name.as_bytes())) {
                Some(name) => Err(Fail::unsupported("-m ", name.as_bytes())),
                None => Ok(false),
            },
            _ => Ok(false),
        }
    }

    /// Makes an empty structure and puts the options before those of what was named earlier.
    #[inline(never)]
    fn load(&mut self, ext: &'static Extension, index: usize) -> Result<Loaded, Fail> {
        let rows = ext.rows();
        let mut options = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let takes = if matches!(row.shape, b'G' | b'f' | b'n') { b'.' } else { b'=' };
            for name in row.names.split(',') {
                options.push((name, takes, u16::try_from(index << 8 | at).unwrap_or(u16::MAX)));
            }
        }
        options.append(&mut self.options);
        self.options = options;
        let mut loaded = Loaded { ext, rows, made: ext.blank(), used: 0, element: 0 };
        for row in loaded.rows.iter().filter(|row| !row.default.is_empty()) {
            let mut place = Place { ext: loaded.ext, row, info: &mut loaded.made.info };
            place.take(row.default.as_bytes(), b"", &mut self.context)?;
        }
        Ok(loaded)
    }

    /// Takes one of [`Extensions::options`] with its value. `second` gives another word for an option that has two.
    #[inline(never)]
    pub fn option(
        &mut self,
        key: u16,
        value: &[u8],
        not: bool,
        second: &mut dyn FnMut() -> Option<&'a [u8]>,
    ) -> Result<(), Fail> {
        let (index, at) = (usize::from(key >> 8), usize::from(key & 0xff));
        let loaded = if index == TARGET { self.target.as_mut() } else { self.matches.get_mut(index) };
        let Some(loaded) = loaded else { return Ok(()) };
        let Some(row) = loaded.rows.get(at) else { return Ok(()) };
        loaded.once(row, at)?;
        if not && row.not.width == 0 {
            return Err(loaded.complaint(row, "cannot be inverted.\n"));
        }
        let second = if row.shape == b'F' {
            second().ok_or_else(|| Fail::parameter("--tcp-flags requires two args."))?
        } else {
            b""
        };
        if row.shape == b'n' {
            return loaded.next_element();
        }
        let from = if of_element(loaded.ext, row) { loaded.element * POLICY_ELEMENT } else { 0 };
        let info = loaded.made.info.get_mut(from..).unwrap_or_default();
        Place { ext: loaded.ext, row, info: &mut *info }.take(value, second, &mut self.context)?;
        if matches!(row.given.width, b'b' | b'h' | b'w') {
            row.given.set(info);
        }
        if not {
            row.not.set(info);
        }
        Ok(())
    }

    /// What must hold at the end of the command line.
    #[inline(never)]
    pub fn check(&self, nat_table: bool) -> Result<(), Fail> {
        for loaded in self.matches.iter().chain(&self.target) {
            loaded.check()?;
        }
        for loaded in &self.matches {
            loaded.needs_protocol(&self.context)?;
        }
        if nat_table && self.jump.is_some_and(|jump| jump.0 == b"DROP") {
            return Err(Fail::parameter(super::parse::NAT_DROP));
        }
        Ok(())
    }

    /// Puts the matches and the target into a rule.
    #[inline(never)]
    pub fn fill(&mut self, spec: &mut Spec) {
        for loaded in &mut self.matches {
            spec.matches.push(loaded.finished());
        }
        // A comment that stands last may be kept beside the expressions.
        if let Some(last) = spec.matches.pop_if(|last| last.name == b"comment") {
            spec.comment = Some(to_nul(&last.info).to_vec());
        }
        spec.target = match (&mut self.target, self.jump) {
            (Some(loaded), _) => Target::Ext(loaded.finished()),
            (_, None) => Target::None,
            (_, Some((name, true))) => Target::Goto(name.to_vec()),
            (_, Some((name, _))) => match VERDICTS.iter().position(|&verdict| verdict == name) {
                Some(0) => Target::Accept,
                Some(1) => Target::Drop,
                Some(_) => Target::Return,
                None => Target::Jump(name.to_vec()),
            },
        };
    }
}

/// Index of the target among what options belong to.
const TARGET: usize = 0x7f;

impl Loaded {
    #[inline(never)]
    fn complaint(&self, row: &Row, end: &str) -> Fail {
        Fail::parts(&[self.ext.name, ": option \"--", row.full_name(), "\" ", end])
    }

    /// Notes an option; a second time it is refused.
    fn once(&mut self, row: &Row, at: usize) -> Result<(), Fail> {
        let bit = 1 << (at & 31);
        // --syn is a form of --tcp-flags.
        let syn = matches!(row.shape, b'F' | b'f');
        let before = if syn { self.used & SYN } else { self.used & bit };
        self.used |= if syn { SYN | bit } else { bit };
        if before == 0 {
            return Ok(());
        }
        Err(match self.ext.name {
            "tcp" if syn => Fail::parameter("Only one of `--syn' or `--tcp-flags'  allowed"),
            "tcp" => Fail::parts(&["Only one `--", row.full_name(), "' allowed"]),
            "policy" if of_element(self.ext, row) || self.element > 0 => {
                Fail::parts(&["policy match: double --", row.full_name(), " option"])
            }
            _ => self.complaint(row, "can only be used once.\n"),
        })
    }

    /// `--next` of a policy: the options of an element may come again.
    fn next_element(&mut self) -> Result<(), Fail> {
        self.element += 1;
        if self.element > 3 {
            return Err(Fail::parameter("policy match: maximum policy depth reached"));
        }
        for (at, row) in self.rows.iter().enumerate() {
            if of_element(self.ext, row) || row.shape == b'n' {
                self.used &= !(1 << at);
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Fail> {
        match self.ext.name {
            "statistic" => self.check_statistic()?,
            "policy" => self.check_policy()?,
            "addrtype" if self.used & 3 == 0 => return Err(Fail::parameter(self.ext.nothing)),
            "CONNMARK" if self.rows.iter().enumerate().all(|(at, row)| !row.exclusive || self.used & 1 << at == 0) => {
                return Err(Fail::parameter(self.ext.nothing));
            }
            _ if self.used == 0 && !self.ext.nothing.is_empty() => return Err(Fail::parameter(self.ext.nothing)),
            _ => {}
        }
        for (at, row) in self.rows.iter().enumerate() {
            if self.used & 1 << at == 0 {
                if row.required {
                    return Err(self.complaint(row, "must be specified\n"));
                }
                continue;
            }
            let other = self
                .rows
                .iter()
                .enumerate()
                .find(|(other, row)| *other != at && row.exclusive && self.used & 1 << other != 0);
            if row.exclusive
                && let Some((_, other)) = other
            {
                let end = filled("cannot be used together with \"--%\".\n", &[other.full_name()]);
                return Err(self.complaint(row, &end));
            }
        }
        Ok(())
    }

    /// The options of either mode, which the kernel keeps in the same place.
    #[inline(never)]
    fn check_statistic(&self) -> Result<(), Fail> {
        let info = &self.made.info;
        let given = |option: usize| self.used & 1 << option != 0;
        let nth = get(info, b'h', 0) != 0;
        if !nth && !given(PROBABILITY) {
            return Err(Fail::parameter("--probability must be specified when using random mode"));
        }
        if nth && !given(EVERY) && !given(PACKET) {
            return Err(Fail::parameter("--every and --packet must be specified when using nth mode"));
        }
        if nth && get(info, b'w', 8) > get(info, b'w', 4) {
            return Err(Fail::parameter("the --packet p must be 0 <= p <= n-1"));
        }
        let (says, pairs) = if given(PROBABILITY) {
            ("cannot be used together with", [(PROBABILITY, EVERY), (PROBABILITY, PACKET)])
        } else {
            ("also requires", [(EVERY, PACKET), (PACKET, EVERY)])
        };
        let wrong = pairs.iter().find(|pair| given(pair.0) && given(pair.1) == given(PROBABILITY));
        let names = wrong.and_then(|&(option, other)| self.rows.get(option).zip(self.rows.get(other)));
        match names.filter(|_| given(0)) {
            Some((row, other)) => Err(self.complaint(row, &[says, " \"--", other.full_name(), "\".\n"].concat())),
            None => Ok(()),
        }
    }

    #[inline(never)]
    fn check_policy(&self) -> Result<(), Fail> {
        let info = &self.made.info;
        let flags = get(info, b'h', 304);
        let wrong = |text: &str| Err(Fail::parts(&["policy match: ", text]));
        if flags & 3 == 0 {
            return wrong("neither --dir in nor --dir out specified");
        }
        let strict = flags & 8 != 0;
        if flags & 4 != 0 {
            return if strict { wrong("policy none but --strict given") } else { Ok(()) };
        }
        for element in 0..=self.element {
            let at = element * POLICY_ELEMENT;
            let given = get(info, b'b', at + 74);
            if strict && given == 0 {
                return wrong(
                    &[
                        "empty policy element ",
                        &element.to_string(),
                        ". --strict is in effect, but at least one of reqid, spi, tunnel-src, tunnel-dst, proto or mode is required.",
                    ]
                    .concat(),
                );
            }
            let tunnel = given & 8 != 0 && get(info, b'b', at + 73) == 1;
            if given & 3 != 0 && !tunnel {
                return wrong("--tunnel-src/--tunnel-dst is only valid in tunnel mode");
            }
        }
        if self.element > 0 && !strict {
            return Err(Fail::parameter("policy: option \"--next\" also requires \"--strict\".\n"));
        }
        Ok(())
    }

    /// Ports and flags are looked for in a header that only one protocol has.
    fn needs_protocol(&self, context: &Context) -> Result<(), Fail> {
        let (protocol, text) = match self.ext.name {
            "tcp" => (6, "TCP match requires '-p tcp'"),
            "udp" => (17, "UDP match requires '-p udp'"),
            _ => return Ok(()),
        };
        let same = context.protocol.is_some_and(|p| p.value == protocol);
        if same || self.used == 0 { Ok(()) } else { Err(Fail::parameter(text)) }
    }

    /// The structure, with what is known only at the end.
    fn finished(&mut self) -> Ext {
        if self.ext.name == "policy" && get(&self.made.info, b'h', 304) & 4 == 0 {
            put(&mut self.made.info, b'h', 306, u32::try_from(self.element + 1).unwrap_or(1));
        }
        if self.ext.name == "statistic" {
            // Where the kernel begins to count; it is so in the other mode too.
            let info = &mut self.made.info;
            let count = get(info, b'w', 4).wrapping_sub(get(info, b'w', 8));
            put(info, b'w', 12, count);
        }
        std::mem::take(&mut self.made)
    }
}

/// Rows of the match `statistic`, behind the mode.
const PROBABILITY: usize = 1;
const EVERY: usize = 2;
const PACKET: usize = 3;
/// Bit of [`Loaded::used`] that `--syn` and `--tcp-flags` share.
const SYN: u32 = 1 << 31;
