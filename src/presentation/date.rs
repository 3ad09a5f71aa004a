//! xs:dateTime, xs:duration and decimal texts, both ways, in microseconds and without floating
//! point (XML Schema part 2, 3.2.6, 3.2.7, 3.2.3).
//!
//! Digits below the microsecond are cut off. A dateTime without a zone is UTC, as 23009-1 5.8.4.11
//! recommends. In a duration, a year counts as 365 days and a month as 30: the standard does not
//! say, and MPDs do not use them.

use crate::media::text::{after, cut, halves};
use crate::time::{Duration, WallTime};
use alloc::string::String;

const US: i64 = 1_000_000;
const DAY_S: i64 = 86_400;

/// Reads an xs:dateTime, also a plain xs:date. `None` when it is not one.
pub fn parse_date_time(text: &str) -> Option<WallTime> {
    let (date, rest) = cut(text.trim_ascii(), b"Tt ");
    let (year, month) = halves(date, b'-');
    let (month, day) = halves(month, b'-');
    let (year, month, day) = (digits(year, 4, 4)?, digits(month, 2, 2)?, digits(day, 2, 2)?);
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let days = days_from_civil(year, month, day);
    let mut us = days * DAY_S * US;
    let time = after(rest);
    if !time.is_empty() {
        let (clock, zone) = cut(time, b"Zz+-");
        let (hour, minute) = halves(clock, b':');
        let (minute, second) = cut(minute, b":");
        let (hour, minute) = (digits(hour, 1, 2)?, digits(minute, 2, 2)?);
        let second = if second.is_empty() { 0 } else { parse_decimal(after(second))? };
        // 60 is a leap second, which Unix time folds into the next.
        if hour > 24 || minute > 59 || !(0..61 * US).contains(&second) {
            return None;
        }
        us += (hour * 3600 + minute * 60) * US + second - parse_zone(zone)? * 60 * US;
    }
    Some(WallTime::from_micros(us))
}

/// Minutes east of Greenwich.
fn parse_zone(zone: &str) -> Option<i64> {
    let offset = after(zone);
    let sign = match zone.bytes().next() {
        None => return Some(0),
        Some(b'Z' | b'z') => return offset.is_empty().then_some(0),
        Some(b'-') => -1,
        _ => 1,
    };
    // "+0100" and "+01" are ISO 8601 and occur in EXT-X-PROGRAM-DATE-TIME.
    let (hours, minutes) = match cut(offset, b":") {
        (_, "") if offset.len() == 4 => offset.split_at_checked(2)?,
        (_, "") => (offset, "00"),
        (hours, minutes) => (hours, after(minutes)),
    };
    let (hours, minutes) = (digits(hours, 2, 2)?, digits(minutes, 2, 2)?);
    (hours <= 14 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

/// Writes an xs:dateTime in UTC, with as many decimals as it needs: none, 3 or 6.
pub fn write_date_time(time: WallTime) -> String {
    let us = time.as_micros();
    let (days, in_day) = (us.div_euclid(DAY_S * US), us.rem_euclid(DAY_S * US));
    let (year, month, day) = civil_from_days(days);
    let second = in_day / US;
    let mut out = String::with_capacity(27);
    if year < 0 {
        out.push('-');
    }
    push_number(&mut out, year.unsigned_abs(), 4);
    for (mark, value) in [
        ('-', month),
        ('-', day),
        ('T', second / 3600),
        (':', second / 60 % 60),
        (':', second % 60),
    ] {
        out.push(mark);
        push_number(&mut out, value.unsigned_abs(), 2);
    }
    push_fraction(&mut out, (in_day % US).unsigned_abs(), true);
    out.push('Z');
    out
}

/// Reads an xs:duration. `None` when it is not one; negative ones become zero (23009-1 does not
/// use them; packagers write them while a window is still empty).
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim_ascii();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut rest = text.strip_prefix('P')?;
    let mut us: i64 = 0;
    let mut in_time = false;
    let mut seen = false;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            if in_time {
                return None;
            }
            in_time = true;
            rest = after;
            continue;
        }
        let (value, unit_on) = cut(rest, b"YMWDHSeE");
        let seconds = match (unit_on.bytes().next()?, in_time) {
            (b'Y', false) => 365 * DAY_S,
            (b'M', false) => 30 * DAY_S,
            (b'W', false) => 7 * DAY_S,
            (b'D', false) => DAY_S,
            (b'H', true) => 3600,
            (b'M', true) => 60,
            (b'S', true) => 1,
            _ => return None,
        };
        us = us.saturating_add(parse_decimal(value)?.saturating_mul(seconds));
        rest = after(unit_on);
        seen = true;
    }
    let us = if negative { 0 } else { u64::try_from(us).ok()? };
    seen.then(|| Duration::from_micros(us))
}

/// Writes an xs:duration in seconds, `PT1.5S`.
pub fn write_duration(duration: Duration) -> String {
    let us = duration.as_micros();
    let mut out = String::from("PT");
    push_number(&mut out, us / 1_000_000, 1);
    push_fraction(&mut out, us % 1_000_000, false);
    out.push('S');
    out
}

/// Reads a decimal such as `-1.25` as millionths (1250000), saturating; an exponent is understood
/// (xs:double), digits below a millionth are cut off.
pub fn parse_decimal(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = cut(text, b"eE");
    let exponent = parse_exponent(exponent)?;
    let (whole, fraction) = halves(mantissa, b'.');
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    // How many digits count: those of the whole part and six more, shifted by the exponent.
    let places = i64::try_from(whole.len()).ok()? + 6 + exponent;
    let mut used = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = byte.checked_sub(b'0').filter(|d| *d < 10)?;
        if used < places {
            value = value.saturating_mul(10).saturating_add(i64::from(digit));
            used += 1;
        }
    }
    // Times ten, nineteen times: any digit but zero saturates.
    for _ in 0..places.saturating_sub(used).clamp(0, 20) {
        value = value.saturating_mul(10);
    }
    Some(if negative { value.saturating_neg() } else { value })
}

/// What follows the mantissa: nothing, or `e` and a whole number.
fn parse_exponent(text: &str) -> Option<i64> {
    let number = after(text);
    match number.bytes().next() {
        None => text.is_empty().then_some(0),
        Some(b'-') => digits(after(number), 1, 9).map(|it| -it),
        Some(b'+') => digits(after(number), 1, 9),
        _ => digits(number, 1, 9),
    }
}

/// Writes millionths as a decimal, without trailing zeros.
pub fn write_decimal(millionths: i64) -> String {
    let mut out = String::new();
    if millionths < 0 {
        out.push('-');
    }
    push_number(&mut out, millionths.unsigned_abs() / 1_000_000, 1);
    push_fraction(&mut out, millionths.unsigned_abs() % 1_000_000, false);
    out
}

fn digits(text: &str, min: usize, max: usize) -> Option<i64> {
    if !(min..=max).contains(&text.len()) {
        return None;
    }
    text.bytes().try_fold(0, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|it| *it < 10)?;
        Some(number * 10 + i64::from(digit))
    })
}

fn push_number(out: &mut String, value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut count = 0;
    let mut left = value;
    for slot in digits.iter_mut().rev() {
        if left == 0 && count >= width {
            break;
        }
        *slot = b'0' + (left % 10) as u8;
        left /= 10;
        count += 1;
    }
    out.extend(digits.iter().skip(20 - count).map(|&d| char::from(d)));
}

/// `.25` for 250000 millionths; with 3 or 6 digits when `thirds`; nothing for zero.
fn push_fraction(out: &mut String, millionths: u64, thirds: bool) {
    if millionths == 0 {
        return;
    }
    out.push('.');
    let (mut value, mut width) = (millionths, 6);
    let step = if thirds { (1000, 3) } else { (10, 1) };
    while value % step.0 == 0 {
        value /= step.0;
        width -= step.1;
    }
    push_number(out, value, width);
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

// The proleptic Gregorian calendar as arithmetic. The year is taken to begin in March, so that the
// leap day is its last and the days before month m are (153 m + 2) / 5; 400 years are 146097 days.

/// Days from 1970-01-01.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let from_march = (month + 9) % 12;
    let year = if month <= 2 { year - 1 } else { year };
    let (era, in_era) = (year.div_euclid(400), year.rem_euclid(400));
    let in_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719_468
}

/// Year, month and day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, in_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let of_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * of_era + of_era / 4 - of_era / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Option<i64> {
        parse_date_time(text).map(WallTime::as_micros)
    }

    #[test]
    fn date_times_are_read_with_and_without_zone() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-24T04:00:00Z", Some(1_795_492_800_000_000)),
            ("2026-11-24T04:00:00.123456789Z", Some(1_795_492_800_123_456)),
            ("2026-11-24T04:00:00", Some(1_795_492_800_000_000)),
            ("2026-11-24T05:30:00.5+01:30", Some(1_795_492_800_500_000)),
            ("2026-11-23T23:00:00-05:00", Some(1_795_492_800_000_000)),
            ("2026-11-24T05:00:00+0100", Some(1_795_492_800_000_000)),
            ("  2026-11-24T04:00Z ", Some(1_795_492_800_000_000)),
            ("2026-11-24", Some(1_795_478_400_000_000)),
            ("2000-02-29T00:00:00Z", Some(951_782_400_000_000)),
            ("2026-11-24T24:00:00Z", Some(1_795_564_800_000_000)),
            ("1969-12-31T23:59:59.9Z", Some(-100_000)),
            ("1900-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-11-24T04:00:00Zulu", None),
            ("2026-11-24T04:61:00Z", None),
            ("2026-11-24Tab", None),
            ("99999999999-01-01T00:00:00Z", None),
            ("", None),
            ("ü", None),
        ];
        for (text, expected) in cases {
            assert_eq!(date(text), expected, "{text}");
        }
    }

    #[test]
    fn date_times_survive_the_way_out_and_back() {
        for us in [0, 1, 1_795_492_800_000_000, 1_795_492_800_120_000, -1, 4_107_542_399_999_999] {
            let text = write_date_time(WallTime::from_micros(us));
            assert_eq!(date(&text), Some(us), "{text}");
        }
        let text = write_date_time(WallTime::from_micros(1_795_492_800_120_000));
        assert_eq!(text, "2026-11-24T04:00:00.120Z");
        assert_eq!(write_date_time(WallTime::from_micros(1)), "1970-01-01T00:00:00.000001Z");
        for extreme in [i64::MIN, i64::MAX] {
            assert!(!write_date_time(WallTime::from_micros(extreme)).is_empty());
        }
    }

    #[test]
    fn every_day_of_four_centuries_is_itself() {
        for day in -200_000..200_000 {
            let (year, month, date) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, date), day);
            assert!((1..=days_in_month(year, month)).contains(&date));
        }
    }

    #[test]
    fn durations_are_read_and_written() {
        let cases = [
            ("PT0S", Some(0)),
            ("PT1.5S", Some(1_500_000)),
            ("PT1H2M3.000004S", Some(3_723_000_004)),
            ("P1DT1S", Some(86_401_000_000)),
            ("P1Y", Some(365 * 86_400_000_000)),
            ("PT0.0S", Some(0)),
            ("PT.5S", Some(500_000)),
            ("-PT3S", Some(0)),
            ("PT99999999999999999999S", Some(i64::MAX as u64)),
            ("PT", None),
            ("P", None),
            ("1.5", None),
            ("PT5", None),
            ("PT5X", None),
            ("P1S", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_duration(text), expected.map(Duration::from_micros), "{text}");
        }
        for (us, text) in [(0, "PT0S"), (1_500_000, "PT1.5S"), (10_000_001, "PT10.000001S")] {
            assert_eq!(write_duration(Duration::from_micros(us)), text);
        }
    }

    #[test]
    fn decimals_are_exact_to_the_millionth() {
        let cases = [
            ("0.96", Some(960_000)),
            ("1", Some(1_000_000)),
            ("-1.25", Some(-1_250_000)),
            ("1.9999999", Some(1_999_999)),
            ("1e-2", Some(10_000)),
            ("2.5E3", Some(2_500_000_000)),
            ("1e-400", Some(0)),
            ("1e400", Some(i64::MAX)),
            ("-1e400", Some(i64::MIN + 1)),
            ("12345678901234567890123", Some(i64::MAX)),
            ("1e99999999999", None),
            ("1e", None),
            ("1e5.7", None),
            ("1e+2", Some(100_000_000)),
            ("1,5", None),
            (".", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_decimal(text), expected, "{text}");
        }
        assert_eq!(parse_decimal(&"1e".repeat(100_000)), None);
        assert_eq!(parse_duration("PT1e1S"), None);
        for (millionths, text) in
            [(960_000, "0.96"), (-1_250_000, "-1.25"), (7_000_000, "7"), (1, "0.000001")]
        {
            assert_eq!(write_decimal(millionths), text);
        }
    }
}
