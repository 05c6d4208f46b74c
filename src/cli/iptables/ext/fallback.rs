//! What becomes of a rule where the kernel lacks an xtables extension: nftables' own expressions if
//! they mean the same, else a refusal that says what is missing.

use crate::cli::cursor::text;
use crate::cli::iptables::fail::Fail;
use crate::model::nat::{Ext, Spec, Target};
use crate::wire::nft::rule::{self, Dialect, Form};

/// Whether the kernel has an extension: its name, revision, and whether it is a target.
pub type Has<'a> = &'a mut dyn FnMut(&str, u32, bool) -> bool;

/// How a rule is written, and a line to be said where that is not as iptables does it.
///
/// # Errors
/// What is missing, where nftables has no words for it.
#[inline(never)]
pub fn choose(spec: &Spec, family: u8, has: Has<'_>) -> Result<(Dialect, Option<String>), Fail> {
    let mut parts = 0;
    let mut whole = true;
    let mut lacking = String::new();
    let target = if let Target::Ext(ext) = &spec.target { Some((Dialect::TARGET, ext, true)) } else { None };
    let matches = spec.matches.iter().enumerate().map(|(index, ext)| (Dialect::part(index), ext, false));
    for (part, ext, is_target) in matches.chain(target) {
        // iptables has no target of its own form, so its forms are looked at only where the kernel has none.
        let form = if is_target { None } else { Some(rule::form(ext, false, family)) };
        if form == Some(Form::Own) {
            continue;
        }
        if has(text(&ext.name), ext.rev, is_target) {
            whole = false;
            continue;
        }
        if form.unwrap_or_else(|| rule::form(ext, true, family)) == Form::Extension {
            return Err(missing(ext, is_target, family));
        }
        parts |= part;
        let between = if lacking.is_empty() { "" } else { ", " };
        lacking = [lacking.as_str(), between, text(&ext.name), if is_target { " target" } else { " match" }].concat();
    }
    // A comment is the same beside the expressions; there is nothing to be said.
    if spec.comment.is_some() && !has("comment", 0, false) {
        parts |= Dialect::COMMENT;
    }
    if lacking.is_empty() {
        return Ok((if parts == 0 { Dialect::Iptables } else { Dialect::Mixed(parts) }, None));
    }
    let line = [
        "iptables: this kernel has no ",
        &lacking,
        " for nf_tables (nft_compat), so the rule is written with nftables' own expressions, which iptables-nft cannot list",
    ];
    Ok((if whole { Dialect::Native } else { Dialect::Mixed(parts) }, Some(line.concat())))
}

/// Options of the kernel's configuration and modules that are not named after the extension.
const PARTS: &str = "tcp=NETFILTER_XTABLES=xt_tcpudp udp=NETFILTER_XTABLES=xt_tcpudp icmp=IP_NF_IPTABLES=ip_tables \
    icmp6=IP6_NF_IPTABLES=ip6_tables mark=NETFILTER_XT_MARK=xt_mark MARK=NETFILTER_XT_MARK=xt_mark \
    connmark=NETFILTER_XT_CONNMARK=xt_connmark CONNMARK=NETFILTER_XT_CONNMARK=xt_connmark ttl=NETFILTER_XT_MATCH_HL=xt_hl \
    hl=NETFILTER_XT_MATCH_HL=xt_hl TTL=NETFILTER_XT_TARGET_HL=xt_HL HL=NETFILTER_XT_TARGET_HL=xt_HL \
    SNAT=NETFILTER_XT_NAT=xt_nat DNAT=NETFILTER_XT_NAT=xt_nat";

/// The refusal of what the kernel lacks and nftables has no words for.
#[inline(never)]
fn missing(ext: &Ext, is_target: bool, family: u8) -> Fail {
    let name = text(&ext.name);
    let kind = if is_target { "target" } else { "match" };
    let named = PARTS.split(' ').find_map(|part| part.strip_prefix(name)?.strip_prefix('=')?.split_once('='));
    let upper = name.to_ascii_uppercase();
    let v6 = family == crate::wire::nft::FAMILY_IP6;
    let [config_start, config, module_start, module] = match (named, name) {
        (Some((config, module)), _) => ["", config, "", module],
        (None, "REJECT") if v6 => ["IP6_NF_TARGET_", name, "ip6t_", name],
        (None, "REJECT") => ["IP_NF_TARGET_", name, "ipt_", name],
        _ if is_target => ["NETFILTER_XT_TARGET_", &upper, "xt_", name],
        _ => ["NETFILTER_XT_MATCH_", &upper, "xt_", name],
    };
    Fail::kernel(
        &[
            "this kernel has no ",
            name,
            " ",
            kind,
            " for nf_tables (CONFIG_NFT_COMPAT and CONFIG_",
            config_start,
            config,
            ", modules nft_compat and ",
            module_start,
            module,
            "), and nftables has no words for this one",
        ]
        .concat(),
    )
}
