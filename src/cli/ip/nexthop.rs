//! `ip nexthop`: its words in, changes and listings of next hop objects out.

use super::context::{Context, link_id};
use super::fail::{Fail, Outcome};
use super::route::gateway;
use super::usage;
use super::words::{keyword, number, value};
use crate::cli::cursor::{Cursor, text};
use crate::model::ip::{Family, family_of};
use crate::model::link::LinkId;
use crate::model::nexthop::{
    Bucket, BucketFilter, BucketQuestion, GROUP_RESILIENT, NextHopFilter, NextHopObject, NextHopQuestion, NextHopVerb,
    Resilient,
};
use crate::model::op::Op;
use crate::model::route::RouteFlags;
use crate::model::rtnames::{NameSet, parse_number};
use crate::model::template::filled;
use crate::show::route::{Given, RouteView};
use crate::socket::Query;
use crate::wire::build::Route;
use crate::wire::nexthop::decode;
use crate::wire::reply::Frame;

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    const VERBS: &str = "add~a replace~r delete~d list~s show~s lst~s get~g flush~f bucket~b help~h";
    let Some(word) = words.next() else { return list(context, words) };
    match keyword(word, VERBS).1 {
        b'a' => modify(context, words, NextHopVerb::Add),
        b'r' => modify(context, words, NextHopVerb::Replace),
        b'd' => modify(context, words, NextHopVerb::Delete),
        b's' => list(context, words),
        b'g' => get(context, words),
        b'f' => flush(context, words),
        b'b' => buckets(context, words),
        b'h' => Err(usage::fail(usage::NEXTHOP)),
        _ => Err(Fail::unknown_verb(word, "nexthop")),
    }
}

fn modify(context: &mut Context<'_>, mut words: Cursor<'_>, verb: NextHopVerb) -> Outcome {
    const WORDS: &str = "id=i dev=d via=v encap=e blackhole=b fdb=f onlink=o group=g type=t protocol~p help=h";
    let mut hop = NextHopObject { family: context.options.family, ..NextHopObject::default() };
    while let Some(word) = words.next() {
        let key = keyword(word, WORDS).1;
        match key {
            b'i' => hop.id = Some(id(&mut words)?),
            b'd' => hop.device = Some(device(context, value(&mut words)?)?),
            b'v' => {
                let (via, family) = gateway(&mut words, hop.family)?;
                if family != family_of(&via) {
                    return Err(Fail::wrong("address family mismatch\n", via.to_string().as_bytes()));
                }
                (hop.via, hop.family) = (Some(via), family);
            }
            b'b' => hop.blackhole = true,
            b'f' => hop.fdb = true,
            b'o' => hop.flags |= RouteFlags::ONLINK,
            b'g' => hop.group = group(value(&mut words)?)?,
            b't' => group_kind(&mut hop, &mut words)?,
            b'p' => {
                let word = value(&mut words)?;
                let number = context.names.number(NameSet::Protocols, text(word)).and_then(|n| u8::try_from(n).ok());
                hop.protocol = number.ok_or_else(|| Fail::wrong("\"protocol\" value is invalid\n", word))?;
            }
            b'h' => return Err(usage::fail(usage::NEXTHOP)),
            b'e' => hop.encap = Some(super::encap::parse(context, &mut words)?),
            _ => return Err(Fail::wrong("", word)),
        }
        if matches!(key, b'd' | b'b') && hop.family == Family::Unspec {
            hop.family = Family::V4;
        }
    }
    context.change(&Op::NextHop(verb, hop))?;
    Ok(0)
}

fn id(words: &mut Cursor<'_>) -> Result<u32, Fail> {
    number(value(words)?, "invalid id value")
}

fn device(context: &mut Context<'_>, name: &[u8]) -> Result<LinkId, Fail> {
    let link = context.find_link(name)?;
    link.as_ref().and_then(link_id).ok_or_else(|| Fail::wrong("Device does not exist\n", name))
}

/// `ID[,WEIGHT]/...`: ids, and weights less one.
fn group(word: &[u8]) -> Result<Vec<(u32, u8)>, Fail> {
    // iproute2 complains of what stands before the first separator.
    let said = word.split(|&b| matches!(b, b'/' | b',')).next().unwrap_or(word);
    let mut members = Vec::new();
    for member in text(word).split('/') {
        let (id, weight) = member.split_once(',').unwrap_or((member, "1"));
        let id = parse_number(id).ok_or_else(|| Fail::wrong("\"group\" value is invalid\n", said))?;
        let less_one = parse_number(weight).and_then(|weight| u8::try_from(weight.wrapping_sub(1)).ok());
        members.push((id, less_one.ok_or_else(|| Fail::wrong("\"weight\" is invalid\n", weight.as_bytes()))?));
    }
    Ok(members)
}

/// The kind of a group, and a resilient one's properties.
fn group_kind(hop: &mut NextHopObject, words: &mut Cursor<'_>) -> Result<(), Fail> {
    let word = value(words)?;
    match word {
        b"mpath" => hop.group_kind = Some(0),
        b"resilient" => {
            hop.group_kind = Some(GROUP_RESILIENT);
            let mut resilient = None;
            while let Some(word) = words.peek() {
                let resilient: &mut Resilient = resilient.get_or_insert_default();
                let key = keyword(word, "buckets=b idle_timer=i unbalanced_timer=u").1;
                if key == 0 {
                    break;
                }
                words.next();
                let word = value(words)?;
                match key {
                    b'b' => resilient.buckets = Some(number(word, "invalid buckets value")?),
                    b'i' => resilient.idle_timer = Some(hundredths(word, "invalid idle timer value")?),
                    _ => resilient.unbalanced_timer = Some(hundredths(word, "invalid unbalanced timer value")?),
                }
            }
            hop.resilient = resilient;
        }
        _ => return Err(Fail::wrong("\"type\" value is invalid\n", word)),
    }
    Ok(())
}

/// Seconds, in hundredths.
fn hundredths(word: &[u8], reason: &str) -> Result<u32, Fail> {
    let seconds: u32 = number(word, reason)?;
    let fits = seconds < u32::MAX / 100;
    fits.then(|| seconds * 100).ok_or_else(|| Fail::wrong(reason, word))
}

/// What is listed or flushed.
struct Narrow {
    filter: NextHopFilter,
    protocol: u32,
    /// The only one; then nothing else was read.
    only: Option<u32>,
}

fn narrow(context: &mut Context<'_>, mut words: Cursor<'_>, list: &'static str) -> Result<Narrow, Fail> {
    let filter = NextHopFilter { family: context.options.family, ..NextHopFilter::default() };
    let mut narrow = Narrow { filter, protocol: 0, only: None };
    while let Some(word) = words.next() {
        match keyword(word, list).1 {
            b'd' => narrow.filter.device = Some(device(context, value(&mut words)?)?),
            b'm' => narrow.filter.master = Some(device(context, value(&mut words)?)?),
            b'v' => {
                narrow.filter.master = Some(context.vrf(value(&mut words)?, "Invalid VRF\n")?);
            }
            b'g' => narrow.filter.groups = true,
            b'f' => narrow.filter.fdb = true,
            b'i' => {
                narrow.only = Some(id(&mut words)?);
                break;
            }
            b'I' => narrow.filter.id = Some(id(&mut words)?).filter(|id| *id != 0),
            b'n' => narrow.filter.holds = Some(id(&mut words)?).filter(|id| *id != 0),
            b'p' => narrow.protocol = number(value(&mut words)?, "invalid protocol value")?,
            b'h' => return Err(usage::fail(usage::NEXTHOP)),
            _ => return Err(Fail::wrong("", word)),
        }
    }
    Ok(narrow)
}

const SELECTORS: &str = "dev~d groups~g master~m vrf~v id=i protocol~p fdb~f help~h";

fn list(context: &mut Context<'_>, words: Cursor<'_>) -> Outcome {
    let narrow = narrow(context, words, SELECTORS)?;
    if let Some(id) = narrow.only {
        return one(context, id);
    }
    let mut hops = dumped(context, &narrow.filter)?;
    hops.retain(|hop| narrow.takes(hop));
    show(context, &hops);
    Ok(0)
}

impl Narrow {
    fn takes(&self, hop: &NextHopObject) -> bool {
        self.protocol == 0 || self.protocol == hop.protocol.into()
    }
}

fn dumped<Q: Query<Protocol = Route>>(context: &mut Context<'_>, filter: &Q) -> Result<Vec<Q::Item>, Fail> {
    context.socket()?.dump(filter).map_err(|error| {
        // Of a group that is not there the kernel says so at the end of the listing, where iproute2 keeps silent.
        if error.errno() != Some(libc::ENOENT) {
            Fail::from(error).print(context.io);
        }
        Fail::ended("Dump terminated")
    })
}

fn one(context: &mut Context<'_>, id: u32) -> Outcome {
    let question = NextHopQuestion { ns: 0, family: context.options.family, id };
    let hop = context.socket()?.get(&question).map_err(|error| context.refused(error))?;
    show(context, hop.as_slice());
    Ok(0)
}

fn show(context: &mut Context<'_>, hops: &[NextHopObject]) {
    context.learn_next_hops(hops);
    let mut out = context.listing();
    let view = RouteView {
        names: context.shown_names(),
        links: context.known_links(),
        given: Given::default(),
        details: context.options.details,
        statistics: context.options.statistics != 0,
        next_hops: &[],
    };
    for hop in hops {
        crate::show::nexthop::next_hop(&mut out, hop, &view);
    }
    context.print(out);
}

fn get(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let mut asked = 0;
    while let Some(word) = words.next() {
        if word != b"id" {
            return Err(usage::fail(usage::NEXTHOP));
        }
        asked = id(&mut words)?;
    }
    if asked == 0 { Err(usage::fail(usage::NEXTHOP)) } else { one(context, asked) }
}

fn flush(context: &mut Context<'_>, words: Cursor<'_>) -> Outcome {
    let all = words.is_empty();
    let mut narrow = narrow(context, words, SELECTORS)?;
    if let Some(id) = narrow.only {
        delete(context, id)?;
        return Ok(0);
    }
    // Groups go first, so that nothing needs their members.
    narrow.filter.groups |= all;
    let mut flushed = 0;
    let mut outcome = Ok(0);
    loop {
        let Ok(hops) = context.socket()?.dump(&narrow.filter) else {
            outcome = Err(Fail::ended("Dump terminated. Failed to flush nexthops"));
            break;
        };
        for hop in hops.iter().filter(|hop| narrow.takes(hop)) {
            let Some(id) = hop.id.filter(|id| *id != 0) else { continue };
            flushed += u32::from(delete(context, id).is_ok());
        }
        if !all || !narrow.filter.groups {
            break;
        }
        narrow.filter.groups = false;
    }
    let text = if flushed == 0 {
        "Nothing to flush\n".to_owned()
    } else {
        filled("Flushed % nexthops\n", &[&flushed.to_string()])
    };
    context.io.print(text);
    outcome
}

/// Deletes one; a refusal is printed, and `Err`.
fn delete(context: &mut Context<'_>, id: u32) -> Result<(), Fail> {
    let hop = NextHopObject { id: Some(id), ..NextHopObject::default() };
    context.change(&Op::NextHop(NextHopVerb::Delete, hop)).map_err(|fail| {
        fail.print(context.io);
        Fail::silent(1)
    })
}

/// `ip nexthop bucket`.
fn buckets(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    const BUCKET_SELECTORS: &str = "dev~d master~m vrf~v id=I nhid=n help~h";
    let found = match words.next() {
        None => list_buckets(context, NextHopFilter { family: context.options.family, ..NextHopFilter::default() })?,
        Some(word) => match keyword(word, "list~s show~s lst~s get~g help~h").1 {
            b's' => {
                let narrow = narrow(context, words, BUCKET_SELECTORS)?;
                list_buckets(context, narrow.filter)?
            }
            b'g' => {
                let (mut group, mut index) = (0, None);
                while let Some(word) = words.next() {
                    match word {
                        b"id" => group = id(&mut words)?,
                        b"index" => index = Some(number(value(&mut words)?, "invalid bucket index value")?),
                        _ => return Err(usage::fail(usage::NEXTHOP)),
                    }
                }
                let Some(index) = index.filter(|_| group != 0) else { return Err(usage::fail(usage::NEXTHOP)) };
                let question = BucketQuestion { family: context.options.family, id: group, index };
                let bucket = context.socket()?.get(&question).map_err(|error| context.refused(error))?;
                bucket.into_iter().collect()
            }
            b'h' => return Err(usage::fail(usage::NEXTHOP)),
            _ => return Err(Fail::unknown_verb(word, "nexthop")),
        },
    };
    let mut out = context.listing();
    for bucket in &found {
        crate::show::nexthop::bucket(&mut out, bucket);
    }
    context.print(out);
    Ok(0)
}

fn list_buckets(context: &mut Context<'_>, filter: NextHopFilter) -> Result<Vec<Bucket>, Fail> {
    dumped(context, &BucketFilter(filter))
}

/// Prints a notification about a next hop object.
pub fn event(context: &mut Context<'_>, frame: &Frame<'_>) -> Result<(), Fail> {
    let Some(hop) = decode(frame, 0) else { return Ok(()) };
    show(context, &[hop]);
    Ok(())
}
