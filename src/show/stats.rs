//! Counters of a link: in goes what the kernel counted, out come the tables that `ip -s` prints.

use super::out::Out;
use crate::model::link::{Link, LinkNumber};

/// A column: words, and the counter as a letter, `a` being the first of `struct rtnl_link_stats64` and `z` the
/// changes of the carrier. `?` marks one that is left out while it is 0, `+` one that asks for `-s -s`.
type Columns = &'static str;

const JSON_RX: Columns = "bytes c,packets a,errors e,dropped g,over_errors l,multicast i,compressed v?,\
    length_errors k+,crc_errors m+,frame_errors n+,fifo_errors o+,missed_errors p+,nohandler x?+,otherhost y?+";
const JSON_TX: Columns = "bytes d,packets b,errors f,dropped h,carrier_errors r,collisions j,compressed w?,\
    aborted_errors q+,fifo_errors s+,window_errors u+,heartbeat_errors t+,carrier_changes z+";
/// Two lines of text each: the words and the counters under them.
const TEXT: [(&str, Columns); 4] = [
    ("    RX:", "bytes c,packets a,errors e,dropped g,missed p,mcast i,compressed v?"),
    ("    RX errors:", " ,length k,crc m,frame n,fifo o,overrun l,nohandler x?,otherhost y?"),
    ("    TX:", "bytes d,packets b,errors f,dropped h,carrier r,collsns j,compressed w?"),
    ("    TX errors:", " ,aborted q,fifo s,window u,heartbt t,transns z"),
];
/// Least widths of the columns of text.
const WIDTHS: [usize; 8] = [10, 7, 6, 7, 7, 7, 10, 9];

/// How counters are written in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Units {
    /// In full.
    #[default]
    Plain,
    /// `12.3k`: in units of a power of 1000 (`-h`).
    Thousands,
    /// `12.0Ki`: in units of a power of 1024 (`-h -iec`).
    Binary,
}

impl Units {
    /// A counter as text, to about three digits.
    fn text(self, value: u64) -> String {
        let (base, mark) = match self {
            Units::Plain => (u64::MAX, ""),
            Units::Thousands => (1000, ""),
            Units::Binary => (1024, "i"),
        };
        if value < base {
            return value.to_string();
        }
        let (mut unit, mut letters) = (base, "kMGTPE".chars());
        let mut letter = letters.next();
        while value / base >= unit {
            match letters.next() {
                Some(next) => (unit, letter) = (unit * base, Some(next)),
                None => break,
            }
        }
        let places = match value / unit {
            0..10 => 2,
            10..100 => 1,
            _ => 0,
        };
        let scale = 10u128.pow(places);
        let (whole, unit) = (u128::from(value) * scale, u128::from(unit));
        // To the nearest, and halves to the even digit, as C's printf has it.
        let (mut digits, rest) = (whole / unit, whole % unit);
        if rest * 2 > unit || (rest * 2 == unit && digits % 2 == 1) {
            digits += 1;
        }
        let fraction = (digits % scale + scale).to_string();
        let point = if places == 0 { "" } else { "." };
        let letter = letter.map(String::from).unwrap_or_default();
        [&(digits / scale).to_string(), point, &fraction[1..], &letter, mark].concat()
    }
}

/// Prints the counters, in text on lines of their own without the last line break. `level` is how many times
/// they were asked for.
pub fn stats(out: &mut Out, link: &Link, level: u8, units: Units) {
    if link.counters.is_empty() {
        return;
    }
    if out.is_json() {
        out.object("stats64", |out| {
            out.object("rx", |out| json(out, link, JSON_RX, level));
            out.object("tx", |out| json(out, link, JSON_TX, level));
        });
        return;
    }
    let rows = || TEXT.iter().enumerate().filter(|(row, _)| level > 1 || row % 2 == 0);
    let mut widths = WIDTHS;
    for (row, (_, columns)) in rows() {
        // The errors of sending widen the column to their right: iproute2 counts one too many.
        for (column, width) in columns.split(',').zip(widths.iter_mut().skip(usize::from(row == 3))) {
            *width = (*width).max(value(link, column).map_or(0, |value| value.to_string().len()));
        }
    }
    for (row, (label, columns)) in rows() {
        if row > 0 {
            out.line_break();
        }
        lines(out, link, (label, columns), widths, units);
    }
}

fn json(out: &mut Out, link: &Link, columns: Columns, level: u8) {
    for column in columns.split(',').filter(|column| level > 1 || !column.ends_with('+')) {
        let (name, marks) = column.split_once(' ').unwrap_or_default();
        if let Some(value) = value(link, column).filter(|value| *value != 0 || !marks.contains('?')) {
            out.digits(name, "", &value.to_string(), "");
        }
    }
}

/// The counter of a column; `None` where the kernel has none.
fn value(link: &Link, column: &str) -> Option<u64> {
    let letter = *column.split_once(' ')?.1.as_bytes().first()?;
    match letter {
        b'z' => link.number(LinkNumber::CarrierChanges).map(u64::from),
        letter => link.counters.get(usize::from(letter.checked_sub(b'a')?)).copied(),
    }
}

fn lines(out: &mut Out, link: &Link, (label, columns): (&str, Columns), widths: [usize; 8], units: Units) {
    let errors = columns.starts_with(' ');
    let (mut head, mut line) = (String::from(label), String::from("    "));
    for (position, (column, width)) in columns.split(',').zip(widths).enumerate() {
        let (name, marks) = column.split_once(' ').unwrap_or_default();
        let value = value(link, column);
        let shown = value.is_some() && (value != Some(0) || !marks.contains('?'));
        // The label takes room of the first column.
        let room = match (position, errors) {
            (0, true) => width.saturating_sub(label.len() - 4),
            (0, false) => width.saturating_sub(label.len() - 3),
            _ => width,
        };
        match (shown, errors, position) {
            (_, true, 0) => head.push_str(&" ".repeat(room)),
            (false, true, _) if marks.contains('?') => continue,
            _ => {
                let name = if shown { name } else { "" };
                head.push_str(&[" ", &" ".repeat(room.saturating_sub(name.len())), name].concat());
            }
        }
        match value.filter(|_| shown) {
            Some(value) => {
                let value = units.text(value);
                line.push_str(&[&" ".repeat(width.saturating_sub(value.len())), value.as_str(), " "].concat());
            }
            None if position == 0 => line.push_str(&" ".repeat(width + 1)),
            None => {}
        }
    }
    out.text(&head);
    out.line_break();
    out.text(&line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::out::Format;

    fn text(counters: Vec<u64>, level: u8) -> String {
        let mut out = Out::new(Format::Text, false);
        let link = Link { counters, numbers: vec![(LinkNumber::CarrierChanges, 3)], ..Link::default() };
        stats(&mut out, &link, level, Units::Plain);
        String::from_utf8(out.finish()).unwrap()
    }

    #[test]
    fn units_keep_three_digits() {
        for (value, thousands, binary) in [
            (999, "999", "999"),
            (1000, "1.00k", "1000"),
            (1536, "1.54k", "1.50ki"),
            (12_345, "12.3k", "12.1ki"),
            (999_999, "1000k", "977ki"),
            (1_000_000, "1.00M", "977ki"),
            (u64::MAX, "18.4E", "16.0Ei"),
        ] {
            assert_eq!((Units::Thousands.text(value), Units::Binary.text(value)), (thousands.into(), binary.into()));
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_numbers() {
        let mut counters = vec![0; 25];
        counters[2] = 123_456_789_012;
        counters[0] = 12_345_678;
        counters[21] = 7;
        let expected = concat!(
            "    RX:    bytes  packets errors dropped  missed   mcast compressed\n",
            "    123456789012 12345678      0       0       0       0          7 \n",
            "    TX:    bytes  packets errors dropped carrier collsns           \n",
            "               0        0      0       0       0       0 ",
        );
        assert_eq!(text(counters, 1), expected);
    }

    #[test]
    fn errors_have_lines_of_their_own() {
        let mut counters = vec![0; 25];
        counters[23] = 5;
        let expected = concat!(
            "    RX:  bytes packets errors dropped  missed   mcast           \n",
            "             0       0      0       0       0       0 \n",
            "    RX errors:  length    crc   frame    fifo overrun  nohandler\n",
            "                     0      0       0       0       0          5 \n",
            "    TX:  bytes packets errors dropped carrier collsns           \n",
            "             0       0      0       0       0       0 \n",
            "    TX errors: aborted   fifo  window heartbt transns\n",
            "                     0      0       0       0       3 ",
        );
        assert_eq!(text(counters, 2), expected);
    }
}
