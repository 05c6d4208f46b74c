//! `ip route get`: the words of a question, and the route that a packet would take.

use super::show::{show, tos_value};
use crate::cli::cursor::{Cursor, text};
use crate::cli::ip::context::Context;
use crate::cli::ip::fail::{Fail, Outcome};
use crate::cli::ip::usage;
use crate::cli::ip::words::{keyword, number, prefix, prefixes, value};
use crate::error::Error;
use crate::model::ip::{Family, Prefix};
use crate::model::route::RouteQuestion;
use crate::model::rtnames::NameSet;
use crate::model::template::filled;
use crate::show::route::Given;

/// The words of a question in iproute2's order; `?` is not built.
const GET_WORDS: &str = "tos=t dsfield~t from~f iif~i mark~m oif~d dev=d notify~n connected~c vrf~V uid~u fibmatch~b as=? \
    sport~s dport~p ipproto~x to=o";

/// `ip route get`.
pub fn get(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let mut family = context.options.family;
    let (mut dst, mut input, mut output, mut connected) = (None, None, None, false);
    let mut asked = RouteQuestion::about(Prefix::default_route(Family::V4));
    while let Some(word) = words.next() {
        let (name, key) = keyword(word, GET_WORDS);
        match key {
            b't' => asked.tos = tos_value(context, &mut words)?,
            b'f' => asked.from = Some(end(&mut family, value(&mut words)?)?),
            b'i' => input = Some(value(&mut words)?),
            b'm' => asked.mark = number(value(&mut words)?, "invalid mark\n")?,
            b'd' => output = Some(value(&mut words)?),
            b'u' => asked.uid = Some(number(value(&mut words)?, "invalid UID\n")?),
            b'b' => asked.fib_match = true,
            b'n' => asked.notify = true,
            b'c' => connected = true,
            b'V' => {
                let word = value(&mut words)?;
                context.vrf(word, "Invalid VRF\n")?;
                output = Some(word);
            }
            b's' => asked.sport = Some(number(value(&mut words)?, "invalid sport\n")?),
            b'p' => asked.dport = Some(number(value(&mut words)?, "invalid dport\n")?),
            b'x' => {
                let word = value(&mut words)?;
                let number = context.names.number(NameSet::IpProtocols, text(word)).and_then(|n| u8::try_from(n).ok());
                asked.ip_protocol = Some(number.ok_or_else(|| Fail::wrong("Invalid \"ipproto\" value\n", word))?);
            }
            b'?' => return Err(Fail::unsupported_word("route get option", name.as_bytes())),
            _ => {
                let word = if key == b'o' { value(&mut words)? } else { word };
                dst = Some(end(&mut family, word)?);
            }
        }
    }
    let Some(dst) = dst else { return Err(Fail::own("need at least a destination address")) };
    asked.dst = Prefix::host(dst.addr());
    if dst.len() != asked.dst.len() && family != Family::Unspec {
        let bits = asked.dst.len();
        let (given, bits) = (dst.len().to_string(), bits.to_string());
        context.io.error(filled("Warning: /% as prefix is invalid, only /% (or none) is supported.", &[&given, &bits]));
    }
    for (slot, name) in [(&mut asked.input, input), (&mut asked.output, output)] {
        if let Some(name) = name {
            *slot = Some(context.device(name)?);
        }
    }
    let answer = context.socket()?.get(&asked).map_err(|e| unreachable(context, e, &asked))?;
    show(context, answer.as_slice(), Given::default());
    if connected && asked.from.is_none() {
        if !answer.iter().any(|route| route.prefsrc.is_some() || route.from.is_some()) {
            return Err(Fail::own("Failed to connect the route"));
        }
        // iproute2 asks the same again, and shows the answer as text whatever was chosen.
        let answer = context.socket()?.get(&asked).map_err(|e| unreachable(context, e, &asked))?;
        let json = std::mem::take(&mut context.options.json);
        show(context, answer.as_slice(), Given::default());
        context.options.json = json;
    }
    Ok(0)
}

/// An end of the packet asked about; the first one decides the family.
fn end(family: &mut Family, word: &[u8]) -> Result<Prefix, Fail> {
    if prefixes(word, "help") {
        return Err(usage::fail(usage::ROUTE));
    }
    let end = prefix(word, *family)?;
    // `default` has no family of its own.
    if *family == Family::Unspec && !matches!(word, b"default" | b"any" | b"all") {
        *family = end.family();
    }
    Ok(end)
}

fn unreachable(context: &Context<'_>, error: Error, asked: &RouteQuestion) -> Fail {
    let errno = error.errno();
    let fail = context.refused(error);
    match errno {
        Some(libc::ENETUNREACH) => fail.hint(
            ["no route leads to ", &asked.dst.addr().to_string(), "; add one: ip route add default via GATEWAY"]
                .concat(),
        ),
        _ => fail,
    }
}
