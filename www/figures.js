// Figures in words. What it declares is used by controls.js.

const seconds = (s) => (s < 9.95 ? s.toFixed(1) : Math.round(s)) + " s";
const clock = (s) => {
  const [h, m, sec] = [Math.floor(s / 3600), Math.floor(s / 60) % 60, Math.floor(s) % 60].map((it) => String(it).padStart(2, "0"));
  return h === "00" ? `${Number(m)}:${sec}` : `${Number(h)}:${m}:${sec}`;
};
const rate = (bps) => (bps >= 1e6 ? `${(bps / 1e6).toFixed(1)} Mb/s` : `${Math.round(bps / 1000)} kb/s`);
const rung = (q) => (q?.height ? `${q.height}p` : q ? rate(q.bandwidth) : "");

/** The rows of the statistics panel for `player.stats()`: name and value. */
const figures = (s) => {
  if (!s) return [["State", "idle"]];
  const q = s.quality;
  const none = "–";
  const picture = q && [q.height && `${q.width}×${q.height}`, rate(q.bandwidth), q.codecs].filter(Boolean).join(", ");
  const many = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
  const stood = ({ count, seconds: s }) => `${count} (${s.toFixed(1)} s)`;
  const ofSource = s.sourceStalls.count ? `, ${stood(s.sourceStalls)} more for want of a picture from the camera` : "";
  const target = s.targetLatency === null ? "" : `, target ${s.targetLatency.toFixed(2)} s`;
  const rows = [
    ["Delay", `${s.latency === null ? none : `${s.latency.toFixed(2)} s`}${target}`],
    ["Buffer", `${s.bufferAhead.toFixed(2)} s at ${s.playbackRate.toFixed(2)}×`],
    ["Picture", picture || none],
    ["Chosen", s.qualityReason || none],
    ["Link", s.throughputKbps === null ? none : rate(s.throughputKbps * 1000)],
    ["Stalls", `${stood(s.stalls)}, ${many(s.droppedFrames, "frame")} dropped${ofSource}`],
    ["Loaded", `${(s.bytes / 1e6).toFixed(1)} MB, ${many(s.requests, "request")}, ${many(s.errors, "error")}`],
    ["Start", s.startupMs === null ? none : `${s.startupMs} ms, ${s.switches} ${s.switches === 1 ? "switch" : "switches"} since`],
    ["State", s.waitingFor ? `${s.state}, waits for ${s.waitingFor}` : s.state],
    ["Player", `Nearlive ${VERSION}${s.protocol && `, ${s.protocol.toUpperCase()}`}`],
  ];
  const note = "The delay counts from the server's receipt of a frame: a camera's own delay cannot be known over RTSP.";
  return s.live ? [...rows, ["", note]] : rows;
};
