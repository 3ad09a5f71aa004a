//! What a test can do to a run: the page's commands, the viewer's actions, and every fault.

use super::simulation::{Machine, Simulation};
use crate::clock::{NEVER, Time, secs};
use crate::network::{Fault, Trace};
use crate::report::Report;
use nearlive::player::{BufferEvent, Command, Cue, Input, SourceEvent, Span};
use nearlive::presentation::TrackKind;
use nearlive::time::Position;

impl<M: Machine> Simulation<M> {
    /// Ends the run: stops the player, which must leave nothing behind.
    pub fn finish(mut self) -> Report {
        self.sample = NEVER;
        self.command(Command::Stop);
        self.run_for(secs(1));
        if !self.blobs.is_empty() {
            let blobs: Vec<_> = self.blobs.keys().take(8).collect();
            let text = format!("{} blobs were never freed: {blobs:?}", self.blobs.len());
            self.violate(text);
        }
        if self.network.open() > 0 {
            let text = format!("{} requests go on after Stop", self.network.open());
            self.violate(text);
        }
        std::mem::take(&mut self.report)
    }

    /// Gives a command of the page.
    pub fn command(&mut self, command: Command) {
        if matches!(command, Command::Load { .. }) {
            self.report.loaded.get_or_insert(self.now);
        }
        self.give(Input::Command(command));
        self.settle();
    }

    /// Loads this manifest.
    pub fn load(&mut self, url: &str) {
        self.command(Command::Load { url: url.to_owned() });
    }

    /// The viewer pauses.
    pub fn pause(&mut self) {
        self.log.note(self.now, "the viewer pauses");
        self.element.pause(self.now);
        self.settle();
    }

    /// The viewer plays on.
    pub fn play(&mut self) {
        self.log.note(self.now, "the viewer plays");
        self.element.play(self.now);
        self.settle();
    }

    /// The viewer seeks to a position, microseconds.
    pub fn seek(&mut self, to_us: i64) {
        self.log.note(self.now, format!("the viewer seeks to {to_us}"));
        self.element.seek(Position::from_micros(to_us), self.now);
        self.settle();
    }

    /// From now on the link follows this trace.
    pub fn link(&mut self, trace: Trace) {
        self.log.note(self.now, format!("the link: {:?}", trace.steps.first()));
        self.network.set_trace(self.now, trace);
    }

    /// From now on the link has this rate, kilobits a second.
    pub fn kbps(&mut self, kbps: u64) {
        self.link(Trace::steady(kbps));
    }

    /// Adds a fault of requests.
    pub fn fault(&mut self, fault: Fault) {
        self.log.note(self.now, format!("{fault:?}"));
        self.network.fault(fault);
    }

    /// From now on pieces may take this much longer, and this many of a thousand are lost.
    pub fn roughen(&mut self, jitter: Time, loss_permille: u32) {
        self.log.note(self.now, format!("jitter {jitter}, loss {loss_permille}"));
        self.network.roughen(jitter, loss_permille);
    }

    /// A server dies: its connections break, and from now on it refuses new ones.
    pub fn kill(&mut self, host: &str) {
        self.log.note(self.now, format!("{host} dies"));
        self.network.kill(self.now, host);
    }

    /// All connections break.
    pub fn cut(&mut self) {
        self.log.note(self.now, "all connections break");
        self.network.cut(self.now);
    }

    /// The machine's network goes or comes back.
    pub fn offline(&mut self, offline: bool) {
        self.log.note(self.now, if offline { "offline" } else { "online" });
        self.network.set_offline(self.now, offline);
        if !offline {
            self.look(Cue::Online);
            self.settle();
        }
    }

    /// The sound is turned off or on.
    pub fn mute(&mut self, muted: bool) {
        self.log.note(self.now, if muted { "muted" } else { "heard" });
        self.element.set_muted(muted);
        self.look(Cue::Timer);
    }

    /// A ManagedMediaSource says that it has media enough, or that it wants some.
    pub fn sate(&mut self, on: bool) {
        self.log.note(self.now, format!("the browser has enough media: {on}"));
        self.page.sated = on;
        self.look(Cue::Timer);
    }

    /// The browser takes media out of the first buffer of a kind by itself, as a ManagedMediaSource may.
    pub fn evict(&mut self, kind: TrackKind, span: Span) {
        let Some(track) = self.element.track(kind) else { return };
        self.log.note(self.now, format!("the browser takes {span:?} from the {kind:?} buffer"));
        self.element.remove(track, span, self.now);
        let ranges = self.element.spans(track);
        self.give(Input::Buffer(track, BufferEvent::Changed { ranges }));
        self.settle();
    }

    /// The element gets another height on screen, in device pixels.
    pub fn resize(&mut self, height_px: u32) {
        self.log.note(self.now, format!("{height_px} px high"));
        self.page.height_px = height_px;
        self.look(Cue::Timer);
    }

    /// The page sets `loop`.
    pub fn looping(&mut self, looping: bool) {
        self.element.set_looping(looping);
    }

    /// The page is hidden or shown.
    pub fn hide(&mut self, hidden: bool) {
        self.log.note(self.now, if hidden { "hidden" } else { "shown" });
        self.hidden = hidden;
        self.look(Cue::Visibility);
        self.settle();
    }

    /// Sets the wall clock: it is now ahead of the true time by this much.
    pub fn set_wall_error(&mut self, us: i64) {
        self.log.note(self.now, format!("the wall clock is set {us} us ahead"));
        self.clock.set_wall_error(us);
    }

    /// The decoder fails.
    pub fn decode_error(&mut self) {
        self.decoder_gives_up("");
    }

    /// The decoder fails; the browser reports it with these words.
    pub fn decoder_gives_up(&mut self, words: &str) {
        self.log.note(self.now, "decode error");
        self.element.fail(self.now);
        let message = format!("PIPELINE_ERROR_DECODE: {words}");
        self.give(Input::Source(SourceEvent::Failed { code: 3, message }));
        self.settle();
    }

    /// The first buffer of a kind holds at most this many bytes from now on.
    pub fn quota(&mut self, kind: TrackKind, bytes: u64) {
        self.log.note(self.now, format!("the {kind:?} buffer takes {bytes} bytes"));
        if let Some(b) = self.element.buffer_mut(kind) {
            b.set_quota(bytes);
        }
    }

    /// This many of a thousand frames are dropped from now on.
    pub fn drops(&mut self, permille: u32) {
        self.element.set_drops(permille);
    }

    /// The page's own script runs for so long: events wait, the element plays on.
    pub fn block(&mut self, time: Time) {
        self.log.note(self.now, "the page is busy");
        self.busy_until = self.now + time;
    }

    /// The machine sleeps: the wall clock goes on, the monotonic clock stops, connections break,
    /// nothing is played.
    pub fn sleep(&mut self, time: Time) {
        self.log.note(self.now, "the machine sleeps");
        let end = self.now + time;
        let playing = self.element.running();
        self.element.sleep(self.now, end);
        self.network.cut(self.now);
        let mut lost = Vec::new();
        self.network.advance(end, &mut lost);
        for timer in [&mut self.wake, &mut self.tick] {
            *timer = timer.saturating_add(time);
        }
        for queue in self.queues.values_mut() {
            queue.until = queue.until.saturating_add(time);
        }
        for (at, _) in &mut self.later {
            *at += time;
        }
        self.report.watch(self.now, false, false);
        self.clock.sleep(time);
        self.now = end;
        self.sample = self.sample.max(end);
        self.log.note(self.now, format!("the machine wakes up, playing: {playing}"));
        for (id, arrival) in lost {
            self.arrive(id, arrival);
        }
        self.settle();
    }
}
