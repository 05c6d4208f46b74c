//! What `netstrap nat` says when it cannot do something: why, and what would help.

use crate::cli::netstrap::USAGE;
use crate::error::{Error, Kind, strerror};
use crate::model::template::filled;
use crate::ruleset::{Failure, Stage};
use crate::translations::{Missing, PARTS};

/// Advice for those who may not.
pub const ROOT: &str = "; run it as root, or in a sandbox: netstrap sandbox";
const NO_NF_TABLES: &str = "this kernel has no nf_tables (CONFIG_NF_TABLES): load the modules nfnetlink and nf_tables, or use a kernel that has them";

/// A failure, ready to print.
#[derive(Debug, PartialEq, Eq)]
pub struct Fail {
    /// The line, without the program's name and the line's end.
    pub text: String,
    /// Exit code.
    pub code: u8,
}

impl Fail {
    /// Wrong words, in pieces.
    #[inline(never)]
    pub fn usage(pieces: &[&str]) -> Box<Self> {
        Box::new(Fail { text: pieces.concat(), code: USAGE })
    }

    /// Anything else.
    #[inline(never)]
    pub fn refused(pieces: &[&str]) -> Box<Self> {
        Box::new(Fail { text: pieces.concat(), code: 1 })
    }

    /// The same, in a line of a file.
    pub fn at(mut self: Box<Self>, file: &str, line: usize) -> Box<Self> {
        self.text = filled("%:%: %", &[file, &line.to_string(), &self.text]);
        self
    }
}

/// Modules and configurations of what can be missing: first, in their order, those of [`PARTS`].
const MODULES: &[&str] = &[
    "nft_masq (CONFIG_NFT_MASQ)",
    "nft_nat (CONFIG_NFT_NAT)",
    "nft_redir (CONFIG_NFT_REDIR)",
    "nft_fib_ipv4, nft_fib_ipv6 (CONFIG_NFT_FIB_IPV4, _IPV6)",
    "nft_ct (CONFIG_NFT_CT)",
    "nft_compat or the match's own module (CONFIG_NFT_COMPAT)",
];
/// What else a refusal can point at.
const OTHERS: &[(&str, &str)] = &[
    ("target expression", "nft_compat or the target's own module (CONFIG_NFT_COMPAT)"),
    ("chain type", "nft_chain_nat (CONFIG_NF_NAT)"),
];

/// Names of what is missing, with their configurations.
#[inline(never)]
fn lacking(missing: Missing, attr: Option<&str>) -> String {
    let mut names = Vec::new();
    for ((name, part), module) in PARTS.iter().zip(MODULES) {
        if attr == Some(*name) || missing.intersects(*part) {
            names.push(*module);
        }
    }
    for (name, module) in OTHERS {
        if attr == Some(*name) {
            names.push(*module);
        }
    }
    names.join(" and ")
}

/// Why the rule set could not be read or changed; `missing` is what was done without before.
#[inline(never)]
pub fn of_failure(failure: &Failure, missing: Missing) -> String {
    if failure.no_nf_tables() {
        return NO_NF_TABLES.to_owned();
    }
    let Kind::Kernel(refusal) = &failure.error.kind else { return failure.to_string() };
    let own = refusal.to_string();
    let committed = matches!(failure.stage, Stage::Commit(_));
    match refusal.errno {
        libc::EPERM => [&own, ROOT].concat(),
        libc::EOPNOTSUPP if failure.stage == Stage::Commit(None) => NO_NF_TABLES.to_owned(),
        libc::EOPNOTSUPP | libc::EAFNOSUPPORT if committed && refusal.attr.is_none() => {
            [&own, ": this kernel's nf_tables does not have this address family (CONFIG_NF_TABLES_IPV4, _IPV6)"]
                .concat()
        }
        libc::ENOENT if committed => {
            let lacking = lacking(missing, refusal.attr);
            if lacking.is_empty() { own } else { [&own, ": this kernel lacks ", &lacking].concat() }
        }
        _ => own,
    }
}

/// Why a socket could not be opened, or something else was refused.
pub fn of_error(error: &Error) -> String {
    let own = error.kind.to_string();
    match error.errno() {
        Some(libc::EPROTONOSUPPORT) => NO_NF_TABLES.to_owned(),
        Some(libc::EPERM) => [&own, ROOT].concat(),
        Some(libc::EINVAL | libc::EOPNOTSUPP) => {
            [&own, ": this kernel lacks nf_conntrack_netlink (CONFIG_NF_CT_NETLINK)"].concat()
        }
        _ => own,
    }
}

/// Why a file could not be read or entered.
#[inline(never)]
pub fn of_io(error: &std::io::Error) -> String {
    strerror(error.raw_os_error().unwrap_or(libc::EIO))
}

/// What rules were written with instead of what is missing, in a line; `None` if nothing is.
#[inline(never)]
pub fn instead(missing: Missing) -> Option<String> {
    if missing.is_empty() {
        return None;
    }
    let how = if missing.intersects(Missing::MASQ | Missing::NAT | Missing::REDIR) {
        "its rules are iptables' extensions instead, in iptables' table nat"
    } else if missing.intersects(Missing::FIB | Missing::CT) {
        "its rules have iptables' matches instead"
    } else {
        "its rules in iptables' chain FORWARD have nftables' own matches, which iptables cannot list"
    };
    Some(filled("this kernel lacks %; %", &[&lacking(missing, None), how]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Refusal;

    fn refused(errno: i32, attr: Option<&'static str>, at: Option<usize>) -> Failure {
        let refusal = Refusal { errno, attr, ..Refusal::default() };
        Failure { stage: Stage::Commit(at), error: Error::new(Kind::Kernel(refusal)) }
    }

    #[test]
    fn what_is_missing_is_named_with_its_configuration() {
        let text = of_failure(&refused(libc::ENOENT, Some("target expression"), Some(3)), Missing::MASQ);
        assert_eq!(
            text,
            "No such file or directory, at target expression (ENOENT): this kernel lacks nft_masq (CONFIG_NFT_MASQ) and nft_compat or the target's own module (CONFIG_NFT_COMPAT)"
        );
        let text = of_failure(&refused(libc::ENOENT, Some("chain type"), Some(1)), Missing::empty());
        assert!(text.ends_with("lacks nft_chain_nat (CONFIG_NF_NAT)"), "{text}");
        assert_eq!(of_failure(&refused(libc::EOPNOTSUPP, None, None), Missing::empty()), NO_NF_TABLES);
        let text = of_failure(&refused(libc::EOPNOTSUPP, None, Some(0)), Missing::empty());
        assert!(text.contains("CONFIG_NF_TABLES_IPV4, _IPV6"), "{text}");
        assert!(of_failure(&refused(libc::EPERM, None, None), Missing::empty()).ends_with(ROOT));
    }

    #[test]
    fn what_is_used_instead_is_said() {
        assert_eq!(instead(Missing::empty()), None);
        assert_eq!(
            instead(Missing::REDIR | Missing::FIB).unwrap(),
            "this kernel lacks nft_redir (CONFIG_NFT_REDIR) and nft_fib_ipv4, nft_fib_ipv6 (CONFIG_NFT_FIB_IPV4, _IPV6); its rules are iptables' extensions instead, in iptables' table nat"
        );
        assert!(instead(Missing::CT).unwrap().ends_with("iptables' matches instead"));
        assert!(instead(Missing::XT).unwrap().ends_with("cannot list"));
    }
}
