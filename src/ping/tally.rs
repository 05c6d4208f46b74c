//! Statistics of an echo loop. In go requests sent, replies and errors by sequence
//! number, out come counts and round-trip times in microseconds, counted as iputils
//! counts them.

/// Sequence numbers are 16 bits wide: one bit for each.
const SEQUENCES: usize = 1 << 16;

/// What has happened so far.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Requests sent, also those that this host refused to send.
    pub transmitted: u64,
    /// Requests that were answered.
    pub received: u64,
    /// Answers to requests that were answered before.
    pub repeats: u64,
    /// Answers with a wrong checksum.
    pub corrupt: u64,
    /// Errors that this host or others reported.
    pub errors: u64,
    /// From the start to the last request, in microseconds.
    pub elapsed: u64,
    /// The most requests under way at a time, as far as answers tell.
    pub pipe: u32,
    /// Round-trip times.
    pub times: Times,
    acked: u16,
    answered: Vec<u8>,
}

/// Round-trip times, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// Whether requests are long enough to carry a time.
    pub timed: bool,
    /// The shortest one.
    pub min: u64,
    /// The longest one.
    pub max: u64,
    /// Eight times the moving average, the latest one weighing an eighth.
    pub moving: u64,
    sum: u64,
    squares: f64,
}

impl Tally {
    /// Nothing sent yet; `timed` says whether requests carry a time.
    pub fn new(timed: bool) -> Self {
        let times = Times { timed, min: u64::MAX, max: 0, moving: 0, sum: 0, squares: 0.0 };
        Tally {
            transmitted: 0,
            received: 0,
            repeats: 0,
            corrupt: 0,
            errors: 0,
            elapsed: 0,
            pipe: 0,
            times,
            acked: 0,
            answered: vec![0; SEQUENCES / 8],
        }
    }

    /// Sequence number of the next request; the first is 1.
    pub fn next_seq(&self) -> u16 {
        low(self.transmitted.wrapping_add(1))
    }

    /// Forgets an answer of 65536 requests ago.
    pub fn prepare(&mut self, seq: u16) {
        let (byte, bit) = place(seq);
        self.answered[byte] &= !bit;
    }

    /// Counts a request.
    pub fn sent(&mut self) {
        self.transmitted += 1;
        // Half of the numbers are before us, half behind: what is older is given up.
        let oldest = low(self.transmitted).wrapping_sub(0x7fff);
        if oldest.wrapping_sub(self.acked) <= 0x7fff {
            self.acked = oldest;
        }
    }

    /// Whether a request with this number was sent lately enough for an answer to it to be one.
    pub fn is_known(&self, seq: u16) -> bool {
        self.transmitted >= 1 << 16 || (1..=self.transmitted).contains(&u64::from(seq))
    }

    /// Requests under way, the last 32767 at most.
    pub fn in_flight(&self) -> u16 {
        low(self.transmitted).wrapping_sub(self.acked)
    }

    /// Takes note that a request, and those before it, are no longer under way.
    pub fn acknowledge(&mut self, seq: u16) {
        let behind = low(self.transmitted).wrapping_sub(seq);
        if behind <= 0x7fff {
            self.pipe = self.pipe.max(u32::from(behind) + 1);
            if matches!(seq.wrapping_sub(self.acked), 1..=0x7fff) {
                self.acked = seq;
            }
        }
    }

    /// Counts an answer with its round-trip time; whether there was one before.
    pub fn answer(&mut self, seq: u16, time: Option<u64>) -> bool {
        self.acknowledge(seq);
        if let Some(time) = time {
            self.times.add(time);
        }
        let (byte, bit) = place(seq);
        let repeated = self.answered[byte] & bit != 0;
        self.answered[byte] |= bit;
        *(if repeated { &mut self.repeats } else { &mut self.received }) += 1;
        repeated
    }

    /// Whether this request was answered.
    pub fn was_answered(&self, seq: u16) -> bool {
        let (byte, bit) = place(seq);
        self.answered[byte] & bit != 0
    }

    /// Mean of the round-trip times; there is none before the first answer.
    pub fn mean(&self) -> Option<u64> {
        (self.received > 0 && self.times.timed).then(|| self.times.sum / (self.received + self.repeats))
    }

    /// Standard deviation of the round-trip times.
    pub fn deviation(&self) -> Option<u64> {
        let mean = self.mean()?;
        let (total, sum) = (float(self.received + self.repeats), self.times.sum);
        let variance = match sum.checked_mul(sum) {
            // In integers while they suffice: small times would be lost in the rounding.
            Some(square) => (self.times.squares - float(square / (self.received + self.repeats))) / total,
            None => self.times.squares / total - float(mean) * float(mean),
        };
        // Rounded down, as all times are; the square root of anything below 0 is no number, which is 0.
        Some(variance.sqrt() as u64)
    }
}

impl Times {
    fn add(&mut self, time: u64) {
        self.sum = self.sum.saturating_add(time);
        self.squares += float(time) * float(time);
        self.min = self.min.min(time);
        self.max = self.max.max(time);
        self.moving = match self.moving {
            0 => time.saturating_mul(8),
            moving => moving.saturating_add(time) - moving / 8,
        };
    }
}

/// As a float. Out of line and by way of a signed number: the code for unsigned ones is long.
#[inline(never)]
pub fn float(number: u64) -> f64 {
    i64::try_from(number).unwrap_or(i64::MAX) as f64
}

/// The low 16 bits.
fn low(number: u64) -> u16 {
    let [a, b, ..] = number.to_le_bytes();
    u16::from_le_bytes([a, b])
}

fn place(seq: u16) -> (usize, u8) {
    (usize::from(seq / 8), 1 << (seq % 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(tally: &mut Tally) -> u16 {
        let seq = tally.next_seq();
        tally.prepare(seq);
        tally.sent();
        seq
    }

    #[test]
    fn answers_duplicates_and_times() {
        let mut tally = Tally::new(true);
        assert_eq!((tally.mean(), tally.deviation()), (None, None));
        for (time, repeated) in [(17, false), (43, false), (36, false), (48, true)] {
            let seq = if repeated { 3 } else { send(&mut tally) };
            assert_eq!(tally.answer(seq, Some(time)), repeated);
        }
        assert_eq!((tally.transmitted, tally.received, tally.repeats, tally.in_flight()), (3, 3, 1, 0));
        assert_eq!((tally.times.min, tally.times.max), (17, 48));
        // sqrt((17² + 43² + 36² + 48² - 144²/4) / 4) = 11.77
        assert_eq!((tally.mean(), tally.deviation()), (Some(36), Some(11)));
        assert!(tally.was_answered(3) && !tally.was_answered(4));
    }

    #[test]
    fn the_pipe_is_as_wide_as_late_answers_show() {
        let mut tally = Tally::new(true);
        for _ in 0..3 {
            send(&mut tally);
        }
        assert_eq!(tally.in_flight(), 3);
        tally.acknowledge(1);
        assert_eq!((tally.pipe, tally.in_flight()), (3, 2));
        tally.acknowledge(3);
        tally.acknowledge(2);
        assert_eq!((tally.pipe, tally.in_flight()), (3, 0));
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut tally = Tally::new(false);
        assert!(!tally.is_known(0) && !tally.is_known(1));
        for _ in 0..65_535u32 {
            let seq = send(&mut tally);
            assert!(!tally.answer(seq, None));
        }
        assert!(!tally.is_known(0));
        assert_eq!(send(&mut tally), 0);
        assert!(tally.is_known(0) && !tally.answer(0, None));
        assert_eq!(send(&mut tally), 1);
        assert!(!tally.answer(1, None), "the answer of 65536 requests ago is forgotten");
        assert_eq!((tally.received, tally.repeats, tally.in_flight()), (65_537, 0, 0));
        assert_eq!(tally.mean(), None);
    }

    #[test]
    fn unanswered_requests_are_given_up_in_the_end() {
        let mut tally = Tally::new(true);
        for _ in 0..40_000u32 {
            send(&mut tally);
        }
        assert_eq!(tally.in_flight(), 0x7fff);
        tally.acknowledge(39_999);
        assert_eq!((tally.in_flight(), tally.pipe), (1, 2));
    }

    #[test]
    fn no_time_overflows() {
        let mut tally = Tally::new(true);
        for _ in 0..3 {
            let seq = send(&mut tally);
            tally.answer(seq, Some(u64::MAX));
        }
        assert_eq!(tally.mean(), Some(u64::MAX / 3));
        assert!(tally.deviation().is_some());
    }
}
