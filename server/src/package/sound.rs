//! Frames of sound into the segments that the picture's grid says.

use super::{Frame, Packager, to_us};

impl Packager {
    pub(super) fn sound(&mut self, track: usize, frames: &[Frame]) {
        for frame in frames {
            let Some(us) = self.clock.utc_us(to_us(frame.pts)) else { return };
            let t = &mut self.tracks[track];
            t.last_arrival_us = t.last_arrival_us.max(frame.arrival_us);
            if t.writer.entry().is_none()
                && let Some(entry) = &frame.entry
            {
                t.writer.set_entry(entry.clone());
            }
            if t.filling {
                if us < t.writer.end_us() {
                    continue;
                }
                self.fill_with_silence(track, us);
                self.tracks[track].filling = false;
            }
            self.write_sound(track, &frame.data, us);
        }
        if let Some(last) = frames.last() {
            self.publish(last.arrival_us);
        }
    }

    /// One frame of sound at `us`, into the segment that the grid says.
    pub(super) fn write_sound(&mut self, track: usize, data: &[u8], us: i64) {
        let Some(period) = self.periods.iter().rev().find(|p| p.start_us() <= us).copied() else {
            return;
        };
        let t = &mut self.tracks[track];
        let place = t.writer.place();
        let number = if period.listed {
            // Uneven segments: sound goes on to the next one when the picture has.
            let (newest, current) = (self.grid.period(), self.grid.current());
            let number = current.filter(|_| newest == Some(period));
            number.or_else(|| place.map(|(_, n)| n)).unwrap_or(period.first)
        } else {
            period.number_at(us)
        };
        if place.is_none_or(|(p, n)| p != period && p.ms < period.ms || p == period && n < number) {
            t.writer.begin(&self.camera, period, number, us);
        }
        t.writer.sound(&self.camera, &[data], us);
    }
}
