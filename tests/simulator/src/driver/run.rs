//! The run: time passes, events become inputs, and the player's outputs are performed.

use super::fetches::Fetch;
use super::queue::{Op, Queue};
use super::simulation::{
    Blob, Later, MOST_INPUTS, MOST_OUTPUTS, Machine, Simulation, SourceOp, TICK,
};
use crate::clock::{NEVER, Time, millis};
use crate::mse::ChangeType;
use crate::network::Arrival;
use crate::origin::HttpRequest;
use crate::report::Sample;
use nearlive::player::{
    Append, BlobId, BufferEvent, Cue, FetchEvent, FetchId, Head, Input, Output, Request, Snapshot,
    SourceEvent, TrackId,
};
use nearlive::presentation::TrackKind;
use nearlive::time::Position;

impl<M: Machine> Simulation<M> {
    /// Runs for this long.
    pub fn run_for(&mut self, time: Time) {
        self.run_to(self.now + time);
    }

    /// Runs until this time.
    pub fn run_to(&mut self, end: Time) {
        loop {
            let at = self.next();
            if at > end {
                break;
            }
            if at > self.now {
                self.burst = 0;
                self.now = at;
            }
            self.step();
        }
        self.now = self.now.max(end);
        let mut none = Vec::new();
        self.network.advance(self.now, &mut none);
        self.arrivals.append(&mut none);
    }

    /// Runs until a condition holds, or until `end`; true if it holds.
    pub fn run_until(&mut self, end: Time, so: impl Fn(&Self) -> bool) -> bool {
        while !so(self) {
            let at = self.next();
            if at > end {
                self.now = self.now.max(end);
                return false;
            }
            if at > self.now {
                self.burst = 0;
                self.now = at;
            }
            self.step();
        }
        true
    }

    pub(super) fn next(&self) -> Time {
        let queues = self.queues.values().map(|q| q.until).min().unwrap_or(NEVER);
        let later = self.later.iter().map(|l| l.0).min().unwrap_or(NEVER);
        let timers = self.timer(self.wake).min(self.timer(self.tick)).min(self.sample);
        let free = if self.waiting.is_empty() { NEVER } else { self.busy_until };
        let at = timers.min(queues).min(later).min(self.network.next()).min(self.element.next());
        at.min(free).max(self.now)
    }

    fn step(&mut self) {
        let now = self.now;
        if self.busy_until <= now {
            for input in std::mem::take(&mut self.waiting) {
                match input {
                    // What an event shows is looked at when its turn has come.
                    Input::Media(snapshot) => self.look(snapshot.cue),
                    input => self.give(input),
                }
            }
        }
        let mut arrivals = std::mem::take(&mut self.arrivals);
        self.network.advance(now, &mut arrivals);
        for (id, arrival) in arrivals.drain(..) {
            self.arrive(id, arrival);
        }
        self.arrivals = arrivals;
        for track in self.tracks() {
            if self.queues.get(&track).is_some_and(|q| q.until <= now) {
                self.operation_done(track);
            }
        }
        if self.element.next() <= now {
            self.element.settle(now);
        }
        while let Some(i) = self.later.iter().position(|l| l.0 <= now) {
            let input = match self.later.remove(i).1 {
                Later::Opened => SourceEvent::Opened,
                Later::Supported(list) => SourceEvent::Supported(list),
            };
            self.give(Input::Source(input));
        }
        if self.timer(self.wake) <= now {
            self.wake = NEVER;
            self.give(Input::Wake);
        }
        self.settle();
        if self.timer(self.tick) <= now {
            self.tick = now + TICK;
            self.look(Cue::Timer);
            self.settle();
        }
        if self.sample <= now {
            self.take_sample();
        }
    }

    /// Passes on the element's events until there are none.
    pub(super) fn settle(&mut self) {
        while let Some(cue) = self.element.cue() {
            if self.burst <= MOST_INPUTS {
                self.look(cue);
            } else {
                self.violate(format!("{cue:?} in circles"));
            }
        }
        self.tick = match self.element.paused() {
            true => NEVER,
            false if self.tick == NEVER => self.now + TICK,
            false => self.tick,
        };
        let should = !self.element.paused() && !self.element.ended();
        self.report.watch(self.now, self.element.moving(), should);
    }

    fn take_sample(&mut self) {
        let now = self.now;
        self.sample = now + TICK;
        let rung = self.element.shown(now).and_then(|s| u8::try_from(s.label).ok());
        self.report.samples.push(Sample {
            at: now,
            position: self.element.position(now),
            latency: self.latency(),
            moving: self.element.moving(),
            paused: self.element.paused(),
            rate: self.element.rate().permille(),
            rung,
            video_ahead: self.element.ahead(TrackKind::Video, now),
            audio_ahead: self.element.ahead(TrackKind::Audio, now),
        });
    }

    pub(super) fn look(&mut self, cue: Cue) {
        let (frames, dropped) = self.element.frames(self.now);
        let snapshot = Snapshot {
            cue,
            position: Position::from_micros(self.element.position(self.now)),
            rate: self.element.rate(),
            paused: self.element.paused(),
            seeking: self.element.seeking(),
            ended: self.element.ended(),
            ready: self.element.ready(),
            frames,
            dropped,
            hidden: self.hidden,
            muted: self.element.muted(),
            wall: self.wall(),
            height_px: self.page.height_px,
            sated: self.page.sated,
        };
        self.give(Input::Media(snapshot));
    }

    /// Gives one input, and performs everything that follows from it.
    pub(super) fn give(&mut self, input: Input) {
        if self.now < self.busy_until {
            return self.waiting.push(input);
        }
        self.burst += 1;
        self.report.inputs += 1;
        self.log.input(self.now, &input);
        self.player.handle(self.clock.monotonic(self.now), input);
        let mut outputs = std::mem::take(&mut self.outputs);
        loop {
            let output = self.player.poll();
            self.log.output(self.now, &output);
            if let Output::Wait { until, .. } = output {
                self.wake = until.map_or(NEVER, |at| self.clock.when(at).max(self.now));
                if let Some(fingerprint) = &mut self.fingerprint {
                    fingerprint.drained(self.now, &outputs, &output);
                }
                break;
            }
            outputs.push(output);
            if outputs.len() > MOST_OUTPUTS {
                self.violate("outputs without end".into());
                break;
            }
        }
        if self.burst > self.patience && self.wake <= self.now {
            if self.patience == MOST_INPUTS {
                self.violate("it wakes in circles".into());
                self.patience = 20;
            }
            self.wake = self.now + millis(50);
        }
        for output in outputs.drain(..) {
            self.perform(output);
        }
        self.outputs = outputs;
        self.pump();
    }

    pub(super) fn arrive(&mut self, id: FetchId, arrival: Arrival) {
        let Some(fetch) = self.fetches.get_mut(&id) else { return };
        let host = fetch.host;
        let event = match arrival {
            Arrival::Head(head) => FetchEvent::Head(Head {
                status: head.status,
                url: head.url,
                content_type: head.content_type,
                date: head.date,
                cmsd: head.cmsd,
                retry_after: head.retry_after,
            }),
            Arrival::Data(data) => {
                self.report.bytes += data.len();
                if fetch.is_media() {
                    let facts = fetch.scan(&data);
                    let label = fetch.label;
                    let blob = BlobId(self.next_blob);
                    self.next_blob += 1;
                    let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
                    self.blobs.insert(blob, Blob { data, label });
                    FetchEvent::Media { blob, len, facts }
                } else {
                    FetchEvent::Data(data.to_vec())
                }
            }
            Arrival::Done => FetchEvent::Done,
            Arrival::Failed(why) => FetchEvent::Failed(why.to_owned()),
        };
        if matches!(event, FetchEvent::Done | FetchEvent::Failed(_)) {
            self.fetches.remove(&id);
        }
        self.share(host, &event);
        self.give(Input::Fetch(id, event));
    }

    fn tracks(&self) -> Vec<TrackId> {
        self.queues.keys().copied().collect()
    }

    fn operation_done(&mut self, track: TrackId) {
        let Some(op) = self.queues.get_mut(&track).and_then(Queue::finish) else { return };
        let event = match op {
            Op::Append { data, label } => self.element.append(track, data, label, self.now).err(),
            Op::Remove(span) => {
                self.element.remove(track, span, self.now);
                if let Some(q) = self.queues.get_mut(&track) {
                    q.full = false;
                }
                None
            }
            Op::Offset(_) | Op::Window(..) | Op::ChangeType { .. } => return,
        };
        if let Some(why) = event {
            // MSE 3.5.3, the append error algorithm: it ends the stream with a decode error.
            let source = self.report.opens;
            self.give(Input::Buffer(track, BufferEvent::Failed(why.clone())));
            if self.report.opens != source || !self.element.alive() {
                return;
            }
            self.element.fail(self.now);
            let message = format!("CHUNK_DEMUXER_ERROR_APPEND_FAILED: {why}");
            self.give(Input::Source(SourceEvent::Failed { code: 3, message }));
            return;
        }
        let ranges = self.element.spans(track);
        if self.page.tells_changes {
            self.give(Input::Buffer(track, BufferEvent::Changed { ranges: ranges.clone() }));
        }
        self.give(Input::Buffer(track, BufferEvent::Updated { ranges }));
    }

    pub(super) fn perform(&mut self, output: Output) {
        let now = self.now;
        match output {
            Output::Fetch(request) => self.fetch(&request),
            Output::Cancel(id) => {
                self.fetches.remove(&id);
                self.network.cancel(now, id);
            }
            Output::OpenSource => {
                self.report.opens += 1;
                self.forget_source();
                self.element.open();
                self.later.push((now + millis(2), Later::Opened));
            }
            Output::CloseSource => {
                self.forget_source();
                self.element.close();
            }
            Output::Probe(mimes) => {
                let bad = |m: &String| self.page.unsupported.iter().any(|u| m.contains(u));
                let supported = mimes.into_iter().filter(|m| !bad(m)).collect();
                self.later.push((now + 500, Later::Supported(supported)));
            }
            Output::AddBuffer { buffer, mime } => {
                if !self.element.alive() {
                    self.violate(format!("a buffer for {mime} without a source"));
                } else if let Err(why) = self.element.add(buffer, &mime) {
                    self.violate(why);
                } else {
                    let held = self.held;
                    self.queues.insert(buffer, Queue { held, ..Queue::default() });
                }
            }
            Output::ChangeType { buffer, mime, needed } => {
                self.enqueue(buffer, Op::ChangeType { mime, needed });
            }
            Output::Offset { buffer, micros } => self.enqueue(buffer, Op::Offset(micros)),
            Output::Window { buffer, window } => {
                let end = window.end.map(Position::as_micros);
                self.enqueue(buffer, Op::Window(window.start.as_micros(), end));
            }
            Output::Remove { buffer, span } => self.enqueue(buffer, Op::Remove(span)),
            Output::Append { buffer, data } => match data {
                Append::Bytes(bytes) => {
                    self.enqueue(buffer, Op::Append { data: bytes.into(), label: NO_RUNG });
                }
                Append::Blob(id) => match self.blobs.remove(&id) {
                    Some(blob) => {
                        let op = Op::Append { data: blob.data, label: blob.label };
                        self.enqueue(buffer, op);
                    }
                    None => self.violate(format!("{id:?} is appended and not there")),
                },
            },
            Output::Abort { buffer, appends } => self.abort(buffer, appends),
            Output::Hold(on) => {
                self.held = on;
                self.queues.values_mut().for_each(|q| q.held = on);
            }
            Output::Release(id) => {
                if self.blobs.remove(&id).is_none() {
                    self.violate(format!("{id:?} is released and not there"));
                }
            }
            Output::Duration(_) | Output::Seekable(_) | Output::EndOfStream => {
                let after = self.queues.iter().map(|(track, q)| (*track, q.taken)).collect();
                self.source_ops.push(SourceOp { output, after });
            }
            Output::Seek(to) => {
                self.report.seeks += 1;
                self.element.seek(to, now);
            }
            Output::Rate(rate) => {
                self.report.rate_changes += 1;
                self.element.set_rate(rate, now);
            }
            Output::Play => self.element.play(now),
            Output::Emit(event) => self.report.event(now, event),
            Output::Wait { .. } => {}
        }
    }

    fn fetch(&mut self, request: &Request) {
        self.report.requests += 1;
        if self.last_fetch.is_some_and(|last| request.id <= last) {
            self.violate(format!("{:?} is used again", request.id));
        }
        self.last_fetch = Some(request.id);
        let rung = self.network.origin().rung(&request.url);
        let label = rung.map_or(NO_RUNG, u32::from);
        self.fetches.insert(request.id, Fetch::new(request, label));
        let http = HttpRequest {
            url: request.url.clone(),
            range: request.range,
            head_only: request.head_only,
        };
        self.network.start(self.now, request.id, http);
    }

    fn forget_source(&mut self) {
        self.queues.clear();
        self.held = false;
        self.source_ops.clear();
        self.later.retain(|l| !matches!(l.1, Later::Opened));
    }

    fn enqueue(&mut self, track: TrackId, op: Op) {
        if !self.element.alive() {
            // The source is dead or gone, which the player may not know yet. The bytes are freed.
            return;
        }
        match self.queues.get_mut(&track) {
            Some(q) => q.push(op),
            None => self.violate(format!("an operation on the buffer of {track:?}: there is none")),
        }
    }

    fn abort(&mut self, track: TrackId, appends: u32) {
        let Some(queue) = self.queues.get_mut(&track) else { return };
        if queue.forget(appends) == 0 {
            return;
        }
        // A removal in progress cannot be aborted (MSE 3.2, abort() step 4): it is finished first.
        let running = queue.abort();
        if let Some(Op::Remove(span)) = running {
            self.element.remove(track, span, self.now);
        }
        self.element.abort(track);
        self.element.settle(self.now);
    }

    /// Begins every operation that can begin.
    pub(super) fn pump(&mut self) {
        for track in self.tracks() {
            self.pump_queue(track);
        }
        self.pump_source();
    }

    fn pump_queue(&mut self, track: TrackId) {
        loop {
            let Some(q) = self.queues.get_mut(&track).filter(|q| q.running.is_none()) else {
                return;
            };
            let Some(op) = q.pop() else { return };
            match op {
                Op::Append { ref data, .. } => {
                    let bytes = data.len();
                    let room = self.element.make_room(track, bytes, self.now);
                    let Some(q) = self.queues.get_mut(&track) else { return };
                    if room {
                        q.begin(op, self.now, self.page.rules.append_takes);
                    } else {
                        q.full = true;
                        q.waiting.push_front(op);
                        self.give(Input::Buffer(track, BufferEvent::Full));
                    }
                    return;
                }
                Op::Remove(_) => return q.begin(op, self.now, 0),
                Op::Offset(micros) => {
                    q.done += 1;
                    if let Err(why) = self.element.set_offset(track, micros) {
                        self.violate(why);
                    }
                }
                Op::Window(start, end) => {
                    q.done += 1;
                    self.element.set_window(track, start, end);
                }
                Op::ChangeType { mime, .. } if self.page.rules.change_type == ChangeType::Any => {
                    q.done += 1;
                    self.element.change_type(track, &mime);
                }
                Op::ChangeType { needed: false, .. }
                    if self.page.rules.change_type == ChangeType::Family =>
                {
                    q.done += 1;
                }
                Op::ChangeType { .. } => {
                    q.full = true;
                    q.waiting.push_front(op);
                    return self.give(Input::Buffer(track, BufferEvent::Outgrown));
                }
            }
        }
    }

    /// Operations on the source need all buffers to be idle (MSE 3.2).
    fn pump_source(&mut self) {
        while let Some(op) = self.source_ops.first() {
            let done = |track| self.queues.get(track).map_or(u64::MAX, |q| q.done);
            let due = op.after.iter().all(|(track, taken)| done(track) >= *taken);
            let at_rest = self.queues.values().all(|q| q.running.is_none());
            if !due || !at_rest {
                return;
            }
            match self.source_ops.remove(0).output {
                Output::Duration(duration) => self.element.set_duration(duration),
                Output::EndOfStream => self.element.end_of_stream(self.now),
                _ => {}
            }
        }
    }
}

/// Bytes that belong to no rung of the picture.
const NO_RUNG: u32 = u32::MAX;
