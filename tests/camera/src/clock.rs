//! The capture clock in the picture: 48 blocks along the top edge that say when a frame was taken.
//!
//! Block i covers the columns round(i·W/48) to round((i+1)·W/48) − 1; the row is 1/30 of the height
//! tall, at least 16 lines. White (luma 235) is 1, black (16) is 0, most significant bit first:
//! 40 bits of Unix time in milliseconds modulo 2^40, then the CRC-8 of those five bytes
//! (polynomial 0x07, initial value 0, not reflected, no final XOR). The picture may be scaled and
//! encoded after drawing, not cropped. The player bench reads the same code from the screen.

const BLOCKS: usize = 48;
/// The time in the picture wraps here: 2^40 ms are 34.8 years.
pub const WRAP_MS: u64 = 1 << 40;
const WHITE: u8 = 235;
const BLACK: u8 = 16;
/// Between black and white in limited range, where 128 of full range lies.
const THRESHOLD: u32 = 126;

/// Height in lines of the row of blocks in a picture of `height` lines.
pub fn rows(height: usize) -> usize {
    height.div_ceil(30).max(16).min(height)
}

/// CRC-8 with polynomial 0x07, initial value 0.
pub fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |c: u8, _| if c & 0x80 != 0 { (c << 1) ^ 0x07 } else { c << 1 })
    })
}

/// The 48 bits for a Unix time in milliseconds, the leftmost block in bit 47.
pub fn encode(unix_ms: u64) -> u64 {
    let time = unix_ms % WRAP_MS;
    let [_, _, _, bytes @ ..] = time.to_be_bytes();
    (time << 8) | u64::from(crc8(&bytes))
}

/// The time in milliseconds modulo [`WRAP_MS`] of 48 bits; `None` where the CRC is wrong.
pub fn decode(bits: u64) -> Option<u64> {
    let time = (bits >> 8) % WRAP_MS;
    (encode(time) == bits).then_some(time)
}

/// Draws the row of blocks into a luma plane of `width` times `height` without padding.
pub fn draw(luma: &mut [u8], width: usize, height: usize, unix_ms: u64) {
    let bits = encode(unix_ms);
    let edge = |i: usize| (2 * i * width + BLOCKS) / (2 * BLOCKS);
    let count = rows(height);
    let (Some(first), rest) = (luma.get_mut(..width), count.saturating_sub(1)) else { return };
    for i in 0..BLOCKS {
        let white = bits >> (BLOCKS - 1 - i) & 1 == 1;
        if let Some(block) = first.get_mut(edge(i)..edge(i + 1)) {
            block.fill(if white { WHITE } else { BLACK });
        }
    }
    if luma.len() >= (rest + 1) * width {
        for row in 1..=rest {
            luma.copy_within(..width, row * width);
        }
    }
}

/// Reads the capture time from a luma plane of `width` times `height` without padding, in
/// milliseconds modulo [`WRAP_MS`]; `None` where the picture holds no valid clock.
///
/// Of each block the mean of 3 x 3 pixels at its centre counts, H/60 below the top, as a page
/// reads it.
pub fn read(luma: &[u8], width: usize, height: usize) -> Option<u64> {
    let centre = height / 60;
    let reach = usize::from(width / BLOCKS >= 6);
    let mut bits = 0u64;
    for i in 0..BLOCKS {
        let x = (2 * i + 1) * width / (2 * BLOCKS);
        let (mut sum, mut count) = (0u32, 0u32);
        for row in centre.saturating_sub(reach)..=centre + reach {
            let start = row * width + x.saturating_sub(reach);
            let pixels = luma.get(start..row * width + x + reach + 1)?;
            sum += pixels.iter().map(|&p| u32::from(p)).sum::<u32>();
            count += pixels.len() as u32;
        }
        bits = bits << 1 | u64::from(sum >= THRESHOLD * count);
    }
    decode(bits)
}

/// How long ago in milliseconds a time from [`read`] was, `now_ms` being Unix time; `None` where
/// it is not plausible (over 2 minutes old or over 1 s in the future: an all-black picture has a
/// right CRC).
pub fn age_ms(now_ms: u64, read_ms: u64) -> Option<i64> {
    let half = (WRAP_MS / 2) as i64;
    let wrapped = (now_ms % WRAP_MS) as i64 - read_ms as i64;
    let age = (wrapped + half).rem_euclid(2 * half) - half;
    (-1000..=120_000).contains(&age).then_some(age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_matches_the_check_value_of_its_definition() {
        assert_eq!(crc8(b"123456789"), 0xF4);
    }

    #[test]
    fn a_drawn_time_is_read_back_at_any_size() {
        for (width, height) in [(1280, 720), (320, 180), (854, 480), (176, 144), (1920, 1080)] {
            for ms in [0, 1, 1_767_225_600_123, WRAP_MS - 1] {
                let mut luma = vec![100u8; width * height];
                draw(&mut luma, width, height, ms);
                assert_eq!(read(&luma, width, height), Some(ms % WRAP_MS), "{width}x{height}");
            }
        }
    }

    #[test]
    fn only_the_row_of_blocks_is_drawn() {
        let (width, height) = (640, 360);
        let mut luma = vec![100u8; width * height];
        draw(&mut luma, width, height, 1);
        assert!(luma[16 * width..].iter().all(|&p| p == 100));
    }

    #[test]
    fn a_flipped_bit_is_refused() {
        let bits = encode(1_767_225_600_123);
        for i in 0..48 {
            assert_eq!(decode(bits ^ 1 << i), None);
        }
    }

    #[test]
    fn a_picture_without_clock_is_no_recent_time() {
        let black = vec![16u8; 640 * 360];
        let grey = vec![128u8; 640 * 360];
        assert_eq!(read(&black, 640, 360).and_then(|t| age_ms(1_767_225_600_123, t)), None);
        assert_eq!(read(&grey, 640, 360), None);
        assert_eq!(read(&grey[..600], 640, 360), None);
    }

    #[test]
    fn age_wraps_with_the_clock() {
        assert_eq!(age_ms(WRAP_MS + 5, WRAP_MS - 5), Some(10));
        assert_eq!(age_ms(100, 600), Some(-500));
        assert_eq!(age_ms(200_000, 1), None);
    }
}
