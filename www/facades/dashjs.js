// dash.js's face (version 5, and of version 4 what pages still call) on Nearlive: a page changes the address of its script, and
// nothing else. What is obeyed and what is not: README.md. No decision about playback is made here.

/** NAME_OF_EVENT: "nameOfEvent", but for three. */
const EVENTS = {
  ...Object.fromEntries(
    `AST_IN_FUTURE BUFFER_LOADED CAN_PLAY CAN_PLAY_THROUGH DYNAMIC_TO_STATIC ERROR FRAGMENT_LOADING_ABANDONED FRAGMENT_LOADING_COMPLETED
FRAGMENT_LOADING_STARTED MANIFEST_LOADED METRIC_ADDED PERIOD_SWITCH_COMPLETED PERIOD_SWITCH_STARTED PLAYBACK_ENDED PLAYBACK_ERROR
PLAYBACK_LOADED_DATA PLAYBACK_NOT_ALLOWED PLAYBACK_PAUSED PLAYBACK_PLAYING PLAYBACK_PROGRESS PLAYBACK_RATE_CHANGED PLAYBACK_SEEKED
PLAYBACK_SEEKING PLAYBACK_STALLED PLAYBACK_STARTED PLAYBACK_TIME_UPDATED PLAYBACK_VOLUME_CHANGED PLAYBACK_WAITING
QUALITY_CHANGE_REQUESTED QUALITY_CHANGE_RENDERED STREAM_INITIALIZED STREAM_TEARDOWN_COMPLETE TRACK_CHANGE_RENDERED`
      .split(/\s+/)
      .map((name) => [name, name.toLowerCase().replace(/_(.)/g, (_, c) => c.toUpperCase())]),
  ),
  BUFFER_EMPTY: "bufferStalled",
  PLAYBACK_METADATA_LOADED: "playbackMetaDataLoaded",
  TEXT_TRACKS_ADDED: "allTextTracksAdded",
};

/** Our errors as dash.js numbers them. */
const codeOf = ({ code }, known) => {
  if (code < 2000) return known ? 27 : 25;
  return { 2001: 10, 2002: 10, 2003: 32, 4001: 32, 4002: 23 }[code] ?? 34;
};

/** The events of the element, in the order in which dash.js passes them on. */
const OF_VIDEO = {
  play: (v) => [["PLAYBACK_STARTED", { startTime: v.currentTime }]],
  playing: (v) => [["PLAYBACK_PLAYING", { playingTime: v.currentTime }]],
  pause: (v) => [["PLAYBACK_PAUSED", { ended: v.ended }]],
  ended: () => [["PLAYBACK_ENDED", { isLast: true }]],
  waiting: (v) => [["PLAYBACK_WAITING", { playingTime: v.currentTime }]],
  loadeddata: () => [["BUFFER_LOADED", { mediaType: "video" }], ["PLAYBACK_LOADED_DATA"]],
  canplay: () => [["CAN_PLAY"]],
  canplaythrough: () => [["CAN_PLAY_THROUGH"]],
  seeking: (v) => [["PLAYBACK_SEEKING", { seekTime: v.currentTime }]],
  seeked: () => [["PLAYBACK_SEEKED"]],
  ratechange: (v) => [["PLAYBACK_RATE_CHANGED", { playbackRate: v.playbackRate }]],
  volumechange: () => [["PLAYBACK_VOLUME_CHANGED"]],
  progress: () => [["PLAYBACK_PROGRESS"]],
  timeupdate: (v) => [["PLAYBACK_TIME_UPDATED", { time: v.currentTime, timeToEnd: v.duration - v.currentTime }]],
};

/** Events that are not told of here. */
const NEVER = /^(ast|dyn|frag|metric|period|all|track)/;

const isTree = (it) => it && typeof it === "object" && !Array.isArray(it);
/** The second tree's leaves over the first's. */
const merged = (a, b) => {
  const all = { ...a };
  for (const [name, it] of Object.entries(b ?? {})) all[name] = isTree(it) ? merged(all[name], it) : it;
  return all;
};

const DEFAULTS = {
  debug: { logLevel: 3 },
  streaming: {
    delay: { liveDelay: NaN, liveDelayFragmentCount: NaN },
    liveCatchup: { enabled: null, maxDrift: NaN, playbackRate: { min: NaN, max: NaN } },
    abr: { autoSwitchBitrate: { audio: true, video: true }, initialBitrate: { audio: -1, video: -1 }, maxBitrate: { audio: -1, video: -1 }, limitBitrateByPortal: false },
    buffer: { bufferTimeDefault: 18, bufferTimeAtTopQuality: 30, bufferToKeep: 20, fastSwitchEnabled: true },
  },
};

/** Nearlive's options for the settings that the page has set. */
const optionsOf = ({ streaming: s = {} }) => {
  const { delay } = s;
  const abr = s.abr ?? {};
  const { enabled, maxDrift, playbackRate } = s.liveCatchup ?? {};
  const most = abr.maxBitrate?.video;
  const rate = (by, most) => (enabled === false ? 1 : 1 + (by / most >= 0 ? by : most));
  const all = {
    latency: delay && (delay.liveDelay > 0 ? delay.liveDelay : "auto"),
    latencySegments: delay?.liveDelayFragmentCount,
    maxDrift: maxDrift >= 0 ? maxDrift || 86400 : 3, // 0: it never jumps
    minRate: rate(playbackRate?.min, -0.5),
    maxRate: rate(playbackRate?.max, 1),
    startBandwidth: abr.initialBitrate?.video * 1000,
    maxBandwidth: (most < 0 || Number.isNaN(most) ? Infinity : most) * 1000,
    bufferAhead: Math.max(s.buffer?.bufferTimeDefault ?? 0, s.buffer?.bufferTimeAtTopQuality ?? 0),
    bufferBehind: s.buffer?.bufferToKeep,
    requestTimeout: s.fragmentRequestTimeout / 1000,
  };
  const set = Object.entries(all).filter(([, it]) => it === "auto" || it > 0);
  if (abr.limitBitrateByPortal !== undefined) set.push(["capToElement", !!abr.limitBitrateByPortal]);
  return Object.fromEntries(set);
};

class MediaPlayer {
  #video = null;
  #url = null;
  #autoplay = true;
  #start = NaN; // where to begin, in seconds
  #own = {}; // the settings that the page has set
  #player = null;
  #qualities = [];
  #known = false; // the manifest is
  #life = 0; // counts loads
  #here = new AbortController(); // of the listeners on the element
  #before = []; // request interceptors
  #events = emitter((type, data) => [{ ...data, type }], NEVER);

  initialize(view, source, autoplay, start) {
    this.#start = Number(start ?? NaN);
    if (autoplay !== undefined) this.#autoplay = autoplay;
    if (view) this.attachView(view);
    if (source) this.attachSource(source, this.#start);
  }
  attachView(view) {
    this.#end();
    this.#video = view ?? null;
    this.#begin();
  }
  attachSource(source, start = this.#start) {
    this.#end();
    this.#start = Number(start ?? NaN);
    this.#url = typeof source === "string" ? source : null;
    if (source && !this.#url) warnOnce("attachSource() with a parsed manifest");
    this.#begin();
  }

  async #begin() {
    const video = this.#video;
    if (!video || !this.#url) return;
    const life = ++this.#life;
    const { signal } = this.#here;
    const emit = (name, data) => this.#events.emit(EVENTS[name], data);
    for (const [name, told] of Object.entries(OF_VIDEO)) {
      video.addEventListener(name, () => told(video).forEach((it) => emit(...it)), { signal });
    }
    video.addEventListener(
      "loadedmetadata",
      () => {
        emit("PLAYBACK_METADATA_LOADED");
        emit("STREAM_INITIALIZED", { streamInfo: { id: "0", index: 0, isLast: true } });
        if (this.#start >= 0) video.currentTime = this.#start;
      },
      { signal, once: true },
    );
    let failed = false;
    const fails = (error) => {
      if (failed) return;
      failed = true;
      const it = { error: { code: codeOf(error, this.#known), message: error.message, data: { url: error.url } } };
      emit("ERROR", it);
      if (error.category === "media") emit("PLAYBACK_ERROR", it);
    };
    const options = { ...optionsOf(this.#own), autoplay: false, fetch: (url, init) => this.#fetch(url, init) };
    try {
      const nearlive = await nearliveOf();
      const player = await nearlive.create(video, options, this.#url);
      if (life !== this.#life) return player.destroy();
      this.#player = player;
      player.on("loaded", ({ qualities, live }) => {
        this.#qualities = [...qualities].reverse();
        this.#known = true;
        emit("MANIFEST_LOADED", { data: { url: this.#url, type: live ? "dynamic" : "static" } });
        if (this.#autoplay) this.play();
      });
      // The first one is told of once it plays.
      let first = null;
      const told = () => {
        if (first) emit("QUALITY_CHANGE_RENDERED", first);
        first = null;
      };
      video.addEventListener("playing", told, { signal });
      player.on("quality", ({ id, from, reason }) => {
        const of = (id) => this.#representation(id);
        const change = { mediaType: "video", oldRepresentation: from && of(from.id), newRepresentation: of(id), streamId: "0" };
        const fixed = this.#own.streaming?.abr?.autoSwitchBitrate?.video === false;
        if (!from && fixed) player.setQuality(id);
        if (!from && (video.paused || video.readyState < 3)) {
          first = change;
          return;
        }
        if (from) emit("QUALITY_CHANGE_REQUESTED", { ...change, reason });
        emit("QUALITY_CHANGE_RENDERED", change);
      });
      let stalled = false;
      player.on("state", ({ state }) => {
        if (stalled && state !== "stalled") emit("BUFFER_LOADED", { mediaType: "video" });
        stalled = state === "stalled";
        if (!stalled) return;
        emit("BUFFER_EMPTY", { mediaType: "video" });
        emit("PLAYBACK_STALLED");
      });
      player.on("error", (error) => error.fatal && fails(error));
      await player.load(this.#url);
    } catch (error) {
      if (life === this.#life && error.name !== "AbortError") fails(error);
    }
  }

  async #fetch(url, init) {
    let request = { url, method: init.method ?? "GET", headers: { ...init.headers }, credentials: init.credentials, customData: {} };
    for (const change of this.#before) request = (await change(request)) ?? request;
    const { method, headers, credentials } = request;
    return fetch(request.url, { ...init, method, headers, ...(credentials && { credentials }) });
  }

  #end() {
    this.#life++;
    this.#here.abort();
    this.#here = new AbortController();
    this.#player?.destroy();
    this.#player = null;
    this.#qualities = [];
    this.#known = false;
  }

  get #stats() {
    return this.#player?.stats() ?? {};
  }
  #needs() {
    if (!this.#video || !this.#url) throw new Error("initialize() with a view and a source comes first");
    return this.#video;
  }
  /** What can be played: [start, end] in the element's time. */
  #window() {
    const { seekable } = this.#needs();
    return seekable.length ? [seekable.start(0), seekable.end(seekable.length - 1)] : [0, 0];
  }
  #representation(id) {
    const index = this.#qualities.findIndex((it) => it.id === id);
    if (index < 0) return null;
    const { bandwidth, width, height, codecs } = this.#qualities[index];
    return { id, index, absoluteIndex: index, bandwidth, bitrateInKbit: bandwidth / 1000, width, height, codecs, mediaInfo: { type: "video" } };
  }

  /** What the element or stats() has. */
  static {
    const all = (names, act) => {
      for (const [name, key] of Object.entries(names)) this.prototype[name] = act(key);
    };
    const of = (key) =>
      function () {
        return this.#needs()[key];
      };
    all({ isPaused: "paused", isSeeking: "seeking", isMuted: "muted", getVolume: "volume", getPlaybackRate: "playbackRate", time: "currentTime" }, of);
    all({ setMute: "muted", setVolume: "volume", setPlaybackRate: "playbackRate" }, (key) =>
      function (value) {
        this.#needs()[key] = value;
      },
    );
    const figures = { getBufferLength: "bufferAhead", getCurrentLiveLatency: "latency", getTargetLiveDelay: "targetLatency", getAverageThroughput: "throughputKbps" };
    all(figures, (key) =>
      function () {
        return this.#stats[key] ?? NaN;
      },
    );
  }

  isReady() {
    return !!this.#video && !!this.#url;
  }
  play() {
    // If the browser refuses, dash.js plays nothing and says so.
    this.#needs().play().catch((error) => error.name === "NotAllowedError" && this.#events.emit(EVENTS.PLAYBACK_NOT_ALLOWED));
  }
  pause() {
    this.#needs().pause();
  }
  isDynamic() {
    return !!this.#stats.live;
  }
  seek(value) {
    this.#needs().currentTime = this.isDynamic() ? this.#window()[0] + value : value;
  }
  seekToOriginalLive() {
    this.#player?.goLive();
  }
  timeInDvrWindow() {
    return this.time() - this.#window()[0];
  }
  timeAsUTC() {
    return (this.#stats.playingDate ?? NaN) / 1000;
  }
  duration() {
    const [start, end] = this.#window();
    return this.isDynamic() ? end - start : this.#video.duration;
  }
  getDvrWindow() {
    const [start, end] = this.#window();
    const off = this.timeAsUTC() - this.time();
    return { start, end, startAsUtc: start + off, endAsUtc: end + off, size: end - start };
  }
  setAutoPlay(on) {
    this.#autoplay = on;
  }
  getAutoPlay() {
    return this.#autoplay;
  }
  getVideoElement() {
    return this.#needs();
  }
  getSource() {
    return this.#url;
  }
  getVersion() {
    return "5.2.1";
  }
  preload() {}

  getRepresentationsByType(type) {
    return type === "video" ? this.#qualities.map((it) => this.#representation(it.id)) : [];
  }
  getCurrentRepresentationForType(type) {
    const { quality } = this.#stats;
    return type === "video" && quality ? this.#representation(quality.id) : null;
  }
  setRepresentationForTypeById(type, id) {
    if (type === "video") this.#player?.setQuality(id);
  }
  setRepresentationForTypeByIndex(type, index) {
    const it = this.getRepresentationsByType(type)[index];
    if (it) this.setRepresentationForTypeById(type, it.id);
  }
  // Version 4.
  getBitrateInfoListFor(type) {
    return this.getRepresentationsByType(type).map(({ index, bandwidth, width, height }) => ({
      mediaType: type,
      bitrate: bandwidth,
      width,
      height,
      qualityIndex: index,
    }));
  }
  getQualityFor(type) {
    return this.getCurrentRepresentationForType(type)?.index ?? NaN;
  }
  setQualityFor(type, index) {
    this.setRepresentationForTypeByIndex(type, index);
  }
  getTracksFor(type) {
    return type === "video" && this.#qualities.length ? [{ type, index: 0, lang: null, bitrateList: this.getBitrateInfoListFor(type) }] : [];
  }

  updateSettings(changes) {
    this.#own = merged(this.#own, changes);
    this.#player?.configure(optionsOf(this.#own));
    const auto = changes?.streaming?.abr?.autoSwitchBitrate?.video;
    if (auto === true) this.#player?.setQuality("auto");
    if (auto === false && this.#stats.quality) this.#player.setQuality(this.#stats.quality.id);
  }
  getSettings() {
    return merged(DEFAULTS, this.#own);
  }
  resetSettings() {
    const lifted = { streaming: { delay: {}, abr: { maxBitrate: { video: -1 }, limitBitrateByPortal: true } } };
    this.#player?.configure(optionsOf(lifted));
    this.#own = {};
  }
  addRequestInterceptor(change) {
    this.#before.push(change);
  }
  removeRequestInterceptor(change) {
    this.#before = this.#before.filter((it) => it !== change);
  }

  on(type, listener, scope, options) {
    this.#events.add(type, listener, scope, options?.once);
  }
  once(type, listener, scope) {
    this.#events.add(type, listener, scope, true);
  }
  off(type, listener) {
    this.#events.remove(type, listener);
  }
  trigger(type, data) {
    this.#events.emit(type, data);
  }
  reset() {
    this.#end();
    this.#url = this.#video = null;
    this.#own = {};
    this.#events.emit(EVENTS.STREAM_TEARDOWN_COMPLETE);
  }
  destroy() {
    this.reset();
    this.#events.remove();
  }
}

const create = () => lenient("MediaPlayer", new MediaPlayer());
const factory = Object.assign(() => ({ create }), { events: EVENTS, errors: {}, create });
const declared = (video) => {
  const source = video.src || video.querySelector('source[type="application/dash+xml"]')?.src;
  if (!source || video._dashjs_player) return video._dashjs_player ?? null;
  video.removeAttribute("src");
  const player = create();
  player.initialize(video, source, video.autoplay);
  return (video._dashjs_player = player);
};
const MediaPlayerFactory = {
  create: declared,
  createAll: (selector = "[data-dashjs-player]", scope = document) => [...scope.querySelectorAll(selector)].map(declared),
};

globalThis.dashjs ??= lenient("dashjs", {
  MediaPlayer: factory,
  MediaPlayerFactory,
  Version: "5.2.1",
  supportsMediaSource: () => !!(globalThis.MediaSource ?? globalThis.ManagedMediaSource),
  Debug: { LOG_LEVEL_NONE: 0, LOG_LEVEL_FATAL: 1, LOG_LEVEL_ERROR: 2, LOG_LEVEL_WARNING: 3, LOG_LEVEL_INFO: 4, LOG_LEVEL_DEBUG: 5 },
});
const createAll = () => dashjs.skipAutoCreate || MediaPlayerFactory.createAll();
if (document.readyState === "complete") createAll();
else addEventListener("load", createAll, { once: true });
