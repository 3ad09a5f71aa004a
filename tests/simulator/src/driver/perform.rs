//! Performs the player's outputs.

use super::fetches::Fetch;
use super::queue::{Op, Queue};
use super::{KINDS, Later, Machine, Simulation, SourceOp, slot};
use crate::clock::millis;
use crate::origin::HttpRequest;
use nearlive::player::{Append, BufferEvent, Input, Output, Request};
use nearlive::presentation::TrackKind;
use nearlive::time::Position;

impl<M: Machine> Simulation<M> {
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
                    self.violate(format!("a {buffer:?} buffer without a source"));
                } else if let Err(why) = self.element.add(buffer, &mime) {
                    self.violate(why);
                }
            }
            Output::ChangeType { buffer, mime } => self.enqueue(buffer, Op::ChangeType(mime)),
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
            Output::Hold(on) => self.queues.iter_mut().for_each(|q| q.held = on),
            Output::Release(id) => {
                if self.blobs.remove(&id).is_none() {
                    self.violate(format!("{id:?} is released and not there"));
                }
            }
            Output::Duration(_) | Output::Seekable(_) | Output::EndOfStream => {
                let after = self.queues.each_ref().map(|q| q.taken);
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
        self.queues.iter_mut().for_each(Queue::clear);
        self.source_ops.clear();
        self.later.retain(|l| !matches!(l.1, Later::Opened));
    }

    fn enqueue(&mut self, kind: TrackKind, op: Op) {
        if !self.element.alive() {
            // The source is dead or gone; the player may not know it yet. The bytes are free.
            return;
        }
        if self.element.buffer(kind).is_none() {
            self.violate(format!("an operation on the {kind:?} buffer, which is not there"));
            return;
        }
        if let Some(q) = self.queues.get_mut(slot(kind)) {
            q.push(op);
        }
    }

    fn abort(&mut self, kind: TrackKind, appends: u32) {
        let Some(queue) = self.queues.get_mut(slot(kind)) else { return };
        if queue.forget(appends) == 0 {
            return;
        }
        // A removal that runs cannot be aborted (MSE 3.2, abort() step 4): it is finished first.
        let running = queue.abort();
        if let Some(Op::Remove(span)) = running {
            self.element.remove(kind, span, self.now);
        }
        self.element.abort(kind);
        self.element.settle(self.now);
    }

    /// Begins what can be begun.
    pub(super) fn pump(&mut self) {
        for kind in KINDS {
            self.pump_queue(kind);
        }
        self.pump_source();
    }

    fn pump_queue(&mut self, kind: TrackKind) {
        loop {
            let Some(q) = self.queues.get_mut(slot(kind)).filter(|q| q.running.is_none()) else {
                return;
            };
            let Some(op) = q.pop() else { return };
            match op {
                Op::Append { ref data, .. } => {
                    let bytes = data.len();
                    let room = self.element.make_room(kind, bytes, self.now);
                    let Some(q) = self.queues.get_mut(slot(kind)) else { return };
                    if room {
                        q.begin(op, self.now, self.page.rules.append_takes);
                    } else {
                        q.full = true;
                        q.waiting.push_front(op);
                        self.give(Input::Buffer(kind, BufferEvent::Full));
                    }
                    return;
                }
                Op::Remove(_) => return q.begin(op, self.now, 0),
                Op::Offset(micros) => {
                    q.done += 1;
                    if let Err(why) = self.element.set_offset(kind, micros) {
                        self.violate(why);
                    }
                }
                Op::Window(start, end) => {
                    q.done += 1;
                    if let Some(b) = self.element.buffer_mut(kind) {
                        b.set_window(start, end);
                    }
                }
                Op::ChangeType(mime) => {
                    q.done += 1;
                    self.element.change_type(kind, &mime);
                }
            }
        }
    }

    /// Operations on the source need all buffers at rest (MSE 3.2).
    fn pump_source(&mut self) {
        while let Some(op) = self.source_ops.first() {
            let due = self.queues.iter().zip(op.after).all(|(q, n)| q.done >= n);
            let at_rest = self.queues.iter().all(|q| q.running.is_none());
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
