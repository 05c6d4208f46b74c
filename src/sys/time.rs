//! The local time as text: seconds since 1970 and a pattern in, the C library's words out.

use std::ffi::CStr;
use std::mem::MaybeUninit;

/// Longest text of a time, bytes.
const LONGEST: usize = 64;

/// A time in the machine's zone (`TZ`, `/etc/localtime`), by a pattern of strftime(3).
pub fn format(pattern: &CStr, seconds: i64) -> String {
    let (mut broken, mut text) = (MaybeUninit::<libc::tm>::zeroed(), [0u8; LONGEST]);
    // `time_t` is 64 bits wide on every target of ours.
    let seconds: libc::time_t = seconds;
    // SAFETY: both pointers outlive the call, which fills `broken` or returns null.
    if unsafe { libc::localtime_r(&raw const seconds, broken.as_mut_ptr()) }.is_null() {
        return String::new();
    }
    // SAFETY: the pointer and length describe `text`, the pattern ends in NUL, and `broken` was filled.
    let len = unsafe { libc::strftime(text.as_mut_ptr().cast(), LONGEST, pattern.as_ptr(), broken.as_ptr()) };
    String::from_utf8_lossy(&text[..len.min(LONGEST)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_has_four_digits() {
        assert_eq!(format(c"%Y", 1_700_000_000), "2023");
    }
}
