//! Arguments of a kind of link: attributes in, the words of `ip link ... type KIND` out, by the kind's table.

use super::names::Names;
use super::shell::Script;
use crate::model::ip::addr_text;
use crate::model::kind::{Kind, Row};
use crate::model::link::{Argument, ArgumentValue, KindArguments, LinkId};
use crate::show::kind::{ethertype, number};
use crate::show::link::hardware_address;
use crate::wire::attr::Attr;

/// Adds the arguments, in their order. `place` is that of the devices among them.
pub fn words(script: &mut Script, kind: &KindArguments, place: u32, names: &Names<'_>) {
    let rows = Kind::find(kind.kind.as_bytes()).map(Kind::rows).unwrap_or_default();
    for argument in kind.arguments.iter().flatten() {
        let ArgumentValue::Bytes(bytes) = &argument.value else { continue };
        let attr = Attr { kind: argument.number, value: bytes };
        for row in rows.iter().filter(|row| !row.words.is_empty() && is_of(row, argument)) {
            if argument_words(script, row, attr, place, names).is_some() {
                break;
            }
        }
    }
}

/// Whether a row is for an argument; addresses have a second number, for IPv6.
fn is_of(row: &Row, argument: &Argument) -> bool {
    row.number == argument.number || row.shape == b'a' && row.list.parse() == Ok(argument.number)
}

fn argument_words(script: &mut Script, row: &Row, attr: Attr<'_>, place: u32, names: &Names<'_>) -> Option<()> {
    let number = number(attr.value);
    let value = match row.shape {
        // One word for one value.
        b'c' => {
            row.list.parse().ok().filter(|own: &u64| *own == number)?;
            script.words(row.word());
            return Some(());
        }
        b'a' => {
            let ip = attr.ip()?;
            (ip.is_multicast() == (row.word() == "group")).then(|| addr_text(&ip).to_string())?
        }
        b'd' => {
            let link = LinkId { ns: place, index: u32::try_from(number).ok()?.try_into().ok()? };
            script.words(row.word());
            script.word(&names.get(link));
            return Some(());
        }
        b'p' => attr.be16()?.to_string(),
        b'P' => ethertype(attr.be16()?),
        b'm' => hardware_address(attr.value, 1),
        b'o' => (if number == 0 { "off" } else { "on" }).to_owned(),
        b'n' => row.name_of(number)?.to_owned(),
        _ => number.to_string(),
    };
    script.words(row.word());
    script.words(&value);
    Some(())
}
