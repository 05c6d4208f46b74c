//! Settings of a protocol on a link as `ip netconf` and `ip monitor` print them.

use super::out::{Colour, Out};
use crate::model::ip::Family;
use crate::model::netconf::Netconf;

/// Settings by attribute type, from `NETCONFA_FORWARDING` (2) on.
const SETTINGS: &str = "forwarding rp_filter mc_forwarding proxy_neigh ignore_routes_with_linkdown input";

/// Writes the settings of one link; `name` is the link's, for an index that is one.
pub fn netconf(out: &mut Out, conf: &Netconf, name: &[u8]) {
    out.record(|out| fields(out, conf, name));
    out.text("\n");
}

fn fields(out: &mut Out, conf: &Netconf, name: &[u8]) {
    let family = match conf.family {
        Family::V4 => "inet",
        Family::V6 => "inet6",
        // AF_MPLS
        Family::Other(28) => "mpls",
        _ => "???",
    };
    out.str("family", "", family, " ");
    if let Some(index) = conf.index {
        let name = match index {
            Netconf::ALL => &b"all"[..],
            Netconf::DEFAULT => b"default",
            _ => name,
        };
        out.paint(Colour::IfName).name("interface", "", name, " ");
    }
    for (at, key) in SETTINGS.split(' ').enumerate() {
        let Some(value) = conf.values.get(at + 2).copied().flatten() else { continue };
        let words: &[&str] = if at == 1 { &["off", "strict", "loose"] } else { &["off", "on"] };
        out.text(key);
        match words.get(usize::try_from(value).unwrap_or(usize::MAX)) {
            Some(word) if at == 1 => out.str(key, " ", word, " "),
            None if at == 1 => out.num(key, " ", value, " "),
            word => {
                out.json_bool(key, value != 0);
                out.text([" off ", " on "][usize::from(word != Some(&"off"))]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::out::Format;

    #[test]
    fn text_and_json() {
        let shown = |format, conf: &Netconf| {
            let mut out = Out::new(format, false);
            netconf(&mut out, conf, b"v0");
            String::from_utf8(out.finish()).unwrap()
        };
        let mut conf = Netconf { family: Family::V4, index: Some(3), ..Netconf::default() };
        conf.values[2] = Some(1);
        conf.values[3] = Some(2);
        conf.values[5] = Some(0);
        assert_eq!(shown(Format::Text, &conf), "inet v0 forwarding on rp_filter loose proxy_neigh off \n");
        conf.values[3] = Some(7);
        conf.index = Some(Netconf::ALL);
        let json = r#"[{"family":"inet","interface":"all","forwarding":true,"rp_filter":7,"proxy_neigh":false}]"#;
        assert_eq!(shown(Format::Json, &conf), json.to_owned() + "\n");
    }
}
