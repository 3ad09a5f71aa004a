// hls.js's face (version 1) on Nearlive: a page changes the address of its script, and nothing else. What is obeyed and what is
// not: README.md. No decision about playback is made here.

/** NAME_OF_EVENT: "hlsNameOfEvent". */
const EVENTS = Object.fromEntries(
  `MEDIA_ATTACHING MEDIA_ATTACHED MEDIA_DETACHING MEDIA_DETACHED MEDIA_ENDED BUFFER_RESET BUFFER_CODECS BUFFER_CREATED BUFFER_APPENDING
BUFFER_APPENDED BUFFER_EOS MANIFEST_LOADING MANIFEST_LOADED MANIFEST_PARSED LEVEL_SWITCHING LEVEL_SWITCHED
LEVEL_LOADING LEVEL_LOADED LEVEL_UPDATED LEVELS_UPDATED AUDIO_TRACKS_UPDATED AUDIO_TRACK_SWITCHING AUDIO_TRACK_SWITCHED
SUBTITLE_TRACKS_UPDATED SUBTITLE_TRACK_SWITCH CUES_PARSED
FRAG_LOADING FRAG_LOADED FRAG_PARSING_METADATA FRAG_PARSING_USERDATA FRAG_PARSED FRAG_BUFFERED FRAG_CHANGED FPS_DROP ERROR DESTROYING`
    .split(/\s+/)
    .map((name) => [name, `hls${name[0]}${name.slice(1).toLowerCase().replace(/_(.)/g, (_, c) => c.toUpperCase())}`]),
);
/** Events that are not told of here. */
const NEVER = /^hls(Buffer[^E]|Levels|Audio|Sub|Cues|FragPars|Fps)/;
const words = (text) => Object.fromEntries(text.split(/\s+/).map((it) => [it.replace("TimeOut", "Timeout").replace(/([A-Z])/g, "_$1").toUpperCase(), it]));
const TYPES = words("networkError mediaError keySystemError muxError otherError");
const DETAILS = words(
  `manifestLoadError manifestLoadTimeOut manifestParsingError manifestIncompatibleCodecsError levelEmptyError levelLoadError levelLoadTimeOut
fragLoadError fragLoadTimeOut fragDecryptError fragParsingError keyLoadError bufferAddCodecError bufferAppendError
bufferAppendingError bufferStalledError bufferFullError internalException`,
);

const DEFAULTS = {
  autoStartLoad: true,
  startPosition: -1,
  debug: false,
  lowLatencyMode: true,
  capLevelToPlayerSize: false,
  maxBufferLength: 30,
  backBufferLength: Infinity,
  liveSyncDurationCount: 3,
};

/** Nearlive's options for the settings that the page has set. */
const optionsOf = (own) => {
  const all = {
    latency: own.liveSyncDuration,
    latencySegments: own.liveSyncDurationCount,
    maxDrift: own.liveMaxLatencyDuration - (own.liveSyncDuration ?? 0),
    maxDriftSegments: own.liveMaxLatencyDurationCount - (own.liveSyncDurationCount ?? 0),
    maxRate: own.maxLiveSyncPlaybackRate,
    bufferAhead: own.maxBufferLength,
    bufferBehind: own.backBufferLength,
    startBandwidth: own.startLevel === 0 ? 1 : own.abrEwmaDefaultEstimate,
    requestTimeout: (own.fragLoadingTimeOut ?? own.fragLoadPolicy?.default?.maxTimeToFirstByteMs) / 1000,
  };
  const set = Object.entries(all).filter(([, it]) => it > 0 && Number.isFinite(it));
  if (own.capLevelToPlayerSize !== undefined) set.push(["capToElement", !!own.capLevelToPlayerSize]);
  return Object.fromEntries(set);
};

const ofList = (url) => /\.m3u8($|[?#])/i.test(url);
/** The player shows addresses without user, password and fragment. */
const same = (shown, url) => {
  const own = new URL(url);
  own.username = own.password = own.hash = "";
  return shown === own.href || shown === url;
};

/** Our errors in hls.js's words. `url`: of the request, `main`: of the playlist that was loaded first. */
const wordsOf = ({ code, category, url }, main) => {
  const playlist = same(url, main) ? "manifest" : ofList(url) ? "level" : "frag";
  if (category === "network") return [TYPES.NETWORK_ERROR, `${playlist}Load${code === 1003 ? "TimeOut" : "Error"}`];
  if (code === 2004) return [TYPES.NETWORK_ERROR, DETAILS.FRAG_LOAD_ERROR];
  if (category === "manifest") return [TYPES.NETWORK_ERROR, DETAILS.MANIFEST_PARSING_ERROR];
  const details = { 3001: "fragParsingError", 3002: "bufferAppendError", 3003: "bufferFullError", 4001: "manifestIncompatibleCodecsError" };
  return [category === "usage" ? TYPES.OTHER_ERROR : TYPES.MEDIA_ERROR, details[code] ?? DETAILS.INTERNAL_EXCEPTION];
};

/** `fetch` that tells of each request: `begins(url)`, and `ends(url, status, bytes, since)` once it was read to its end. */
const watched = (fetch, begins, ends) => async (url, init) => {
  const since = performance.now();
  begins(url);
  const answer = await fetch(url, init);
  if (answer.status >= 300) ends(url, answer.status); // its body may not be read
  const reader = answer.body?.getReader();
  let bytes = 0;
  const read = async () => {
    const it = await reader.read();
    if (it.done) ends(url, answer.status, bytes, since);
    else bytes += it.value.length;
    return it;
  };
  return { status: answer.status, url: answer.url, headers: answer.headers, body: reader && { getReader: () => ({ read }) } };
};

class HlsPlayer {
  url = null;
  media = null;
  levels = [];
  audioTracks = [];
  audioTrack = -1;
  subtitleTracks = [];
  subtitleTrack = -1;
  subtitleDisplay = true;
  config;
  #own;
  #player = null;
  #life = 0; // counts loads
  #startAt = -1; // in seconds
  #chosen = -1; // the level that the page chose
  #cap = -1; // autoLevelCapping
  #shown = -1; // the level on the screen
  #switched = false; // a level was shown
  #awaited = false; // LEVEL_SWITCHED is to be told
  #statuses = new Map(); // by address
  #listed = null; // the figures of the first playlist's request
  #newest = { frag: {} }; // the segment that came last
  #early = null; // what happened before the levels were known, [name, data]; null after that
  #failure = false; // a fatal error has ended it
  #here = new AbortController(); // of the listeners on the element
  #loads = true; // media is fetched
  #events = emitter((...it) => it, NEVER);

  constructor(config = {}) {
    this.#own = config;
    this.config = { ...DEFAULTS, ...config };
    this.#startAt = this.config.startPosition;
  }

  on(name, listener, scope = this) {
    this.#events.add(name, listener, scope);
  }
  once(name, listener, scope = this) {
    this.#events.add(name, listener, scope, true);
  }
  off(name, listener) {
    this.#events.remove(name, listener);
  }
  removeAllListeners(name) {
    this.#events.remove(name);
  }
  #tell(name, data = {}) {
    if (name === "LEVEL_UPDATED" || name === "LEVEL_LOADED") {
      const totalduration = this.media?.duration ?? NaN;
      const details = { live: !!this.#stats.live, totalduration, fragments: [] };
      data = { ...data, level: Math.max(0, this.loadLevel), details };
    }
    this.#events.emit(EVENTS[name], data);
  }

  loadSource(url) {
    this.#end();
    this.url = new URL(url, document.baseURI).href;
    this.#loads = this.config.autoStartLoad;
    this.#startAt = this.config.startPosition;
    this.#tell("MANIFEST_LOADING", { url: this.url });
    this.#begin();
  }
  attachMedia(it) {
    this.#end();
    this.media = it?.media ?? it;
    this.#tell("MEDIA_ATTACHING", { media: this.media });
    const { media } = this;
    queueMicrotask(() => media === this.media && this.#tell("MEDIA_ATTACHED", { media }));
    this.#begin();
  }
  detachMedia() {
    this.#tell("MEDIA_DETACHING");
    this.#end();
    this.media = null;
    this.#tell("MEDIA_DETACHED");
  }
  /** Media is fetched from now on, and played from `at`; after a fatal error all is loaded again. */
  startLoad(at = -1) {
    const { media } = this;
    if (at >= 0) {
      if (media?.readyState) media.currentTime = at;
      else this.#startAt = at;
    }
    this.#load(true);
    if (this.#failure) this.#again();
  }
  /** What is buffered plays on. */
  stopLoad() {
    this.#load(false);
  }
  #load(fetching) {
    this.#loads = fetching;
    this.#player?.configure({ fetching });
  }
  recoverMediaError() {
    this.startLoad();
  }
  #again() {
    const { media } = this;
    if (!media || !this.#player) return;
    if (media.currentTime > 0 && Number.isFinite(media.duration)) this.#startAt = media.currentTime;
    const plays = !media.paused;
    this.#failure = false;
    this.#player.load(this.url).catch(() => {});
    if (plays) media.play().catch(() => {});
  }
  swapAudioCodec() {}
  destroy() {
    this.#tell("DESTROYING");
    this.#end();
    this.#events.remove();
    this.url = this.media = null;
  }

  async #begin() {
    const { media, url } = this;
    if (!media || !url || this.#player) return;
    const life = ++this.#life;
    this.#early = [];
    const { signal } = this.#here;
    const on = (name, act) => media.addEventListener(name, act, { signal });
    on("loadedmetadata", () => {
      // Once: it comes again where the player opens a new MediaSource.
      if (this.#startAt >= 0 && Number.isFinite(media.duration)) media.currentTime = this.#startAt;
      this.#startAt = -1;
    });
    on("ended", () => {
      this.#tell("BUFFER_EOS", {});
      this.#tell("MEDIA_ENDED", { stalled: false });
    });
    try {
      const nearlive = await nearliveOf();
      const options = { ...optionsOf(this.#own), autoplay: false, fetch: await this.#carrier(life) };
      const player = await nearlive.create(media, options, url);
      if (life !== this.#life) return player.destroy();
      this.#player = player;
      this.#load(this.#loads);
      player.on("loaded", (it) => this.#loaded(it));
      player.on("quality", ({ id }) => {
        this.#shown = this.#indexOf(id);
        if (this.#switched) this.#tell("LEVEL_SWITCHING", { ...this.levels[this.#shown], level: this.#shown });
        this.#switched = true;
        if (this.#newest.frag.url) this.#changed();
        else this.#awaited = true;
      });
      player.on("state", ({ state }) => {
        if (state === "stalled") this.#tell("ERROR", { type: TYPES.MEDIA_ERROR, details: DETAILS.BUFFER_STALLED_ERROR, fatal: false });
      });
      player.on("error", (error) => this.#failed(error));
      await player.load(url);
    } catch (error) {
      // What the player itself says comes as an event too.
      if (life === this.#life && !this.#failure && error.name !== "AbortError") this.#failed(error);
    }
  }

  /** Another level is shown. Of a first fragment that is told once it was loaded, as pages expect it. */
  #changed() {
    this.#awaited = false;
    this.#tell("FRAG_CHANGED", this.#newest);
    this.#tell("LEVEL_SWITCHED", { level: this.#shown });
  }

  /** What is told of each request, and who makes it. */
  async #carrier(life) {
    const { xhrSetup, fetchSetup } = this.config;
    const isList = (at) => at === this.url || ofList(at);
    let carry = (url, init) => fetch(url, init);
    if (xhrSetup) carry = (await import(new URL("nearlive-xhr.mjs", HERE))).overXhr(xhrSetup);
    else if (fetchSetup) {
      carry = async (url, init) => {
        const own = { ...init, headers: new Headers(init.headers) };
        const request = await fetchSetup({ url, type: isList(url) ? "manifest" : "fragment" }, own);
        return request ? fetch(request, { signal: init.signal }) : fetch(url, own);
      };
    }
    const tell = (...it) => (this.#early ? void this.#early.push(it) : this.#tell(...it));
    const frag = (url, stats) => ({ frag: { url, relurl: url, type: "main", level: Math.max(0, this.loadLevel), stats }, part: null });
    const begins = (url) => {
      if (isList(url)) url !== this.url && tell("LEVEL_LOADING", { url, level: this.loadLevel });
      else tell("FRAG_LOADING", frag(url));
    };
    const ends = (url, status, loaded, since) => {
      if (life !== this.#life) return;
      if (status >= 300) return void this.#statuses.set(url, status);
      const stats = { loaded, total: loaded, aborted: false, loading: { start: since, first: since, end: performance.now() } };
      if (isList(url)) {
        if (url === this.url && this.#early) this.#listed = stats;
        if (url !== this.url || !this.#early) {
          tell("LEVEL_UPDATED");
          tell("LEVEL_LOADED", { url, stats });
        }
      } else {
        this.#newest = frag(url, stats);
        tell("FRAG_LOADED", { ...this.#newest, stats });
        tell("FRAG_BUFFERED", { ...this.#newest, stats, id: "main" });
        if (this.#awaited) this.#changed();
      }
    };
    return watched(carry, begins, ends);
  }

  #loaded({ qualities }) {
    this.levels = [...qualities].reverse().map(({ id, bandwidth, width, height, codecs }, i) => {
      const [video, audio] = [/(avc|hvc|hev|vp|av01)[^,]*/, /(mp4a|ac-3|ec-3|opus|vorbis)[^,]*/i].map((it) => it.exec(codecs)?.[0]);
      return { id: i, name: undefined, bitrate: bandwidth, width: width ?? 0, height: height ?? 0, videoCodec: video, audioCodec: audio, nearliveId: id };
    });
    const { startLevel } = this.#own;
    if (this.#chosen >= 0) this.#choose(this.#chosen);
    else if (startLevel >= 0 && this.levels[startLevel]) this.#startWith(startLevel);
    if (this.#cap >= 0) this.autoLevelCapping = this.#cap;
    const firstLevel = Math.max(0, this.loadLevel);
    this.#tell("MANIFEST_PARSED", { levels: this.levels, firstLevel, audio: true, video: true, altAudio: false, audioTracks: [] });
    this.#tell("LEVEL_SWITCHING", { ...this.levels[firstLevel], level: firstLevel });
    if (!this.#early?.some((it) => it[0] === "LEVEL_LOADED")) {
      // The playlist that was loaded is the level's own.
      this.#early?.unshift(["LEVEL_UPDATED"], ["LEVEL_LOADED", { url: this.url, stats: this.#listed }]);
    }
    const [early, at] = [this.#early ?? [], this.#early?.[0]?.[0] === "LEVEL_LOADING" ? 1 : 0];
    this.#early = null;
    early.splice(at, 0, ["MANIFEST_LOADED", { url: this.url, levels: this.levels, stats: this.#listed }]);
    for (const it of early) this.#tell(...it);
  }

  /** The first segment is of this level; after it the player chooses. */
  #startWith(level) {
    const player = this.#player;
    player.setQuality(this.levels[level].nearliveId);
    const first = () => {
      player.off("quality", first);
      if (this.#chosen < 0) player.setQuality("auto");
    };
    player.on("quality", first);
  }

  #failed(error) {
    this.#failure ||= !!error.fatal;
    const [type, details] = wordsOf(error, this.url);
    const failed = [...this.#statuses].find(([url]) => same(error.url, url));
    const response = { url: error.url, code: failed?.[1] ?? 0, text: error.message };
    this.#tell("ERROR", { type, details, fatal: !!error.fatal, error, reason: error.message, url: error.url, response });
  }

  #end() {
    this.#life++;
    this.#here.abort();
    this.#here = new AbortController();
    this.#player?.destroy();
    this.#player = null;
    this.levels = [];
    this.#shown = -1;
    this.#switched = this.#awaited = this.#failure = false;
    this.#newest = { frag: {} };
    this.#statuses.clear();
  }

  get #stats() {
    return this.#player?.stats() ?? {};
  }
  #indexOf(id) {
    return this.levels.findIndex((it) => it.nearliveId === id);
  }
  #choose(level) {
    this.#chosen = level;
    this.#player?.setQuality(this.levels[level]?.nearliveId ?? "auto");
  }

  get currentLevel() {
    return this.#shown;
  }
  set currentLevel(level) {
    this.#choose(level);
  }
  static {
    for (const name of ["nextLevel", "loadLevel", "nextLoadLevel"]) {
      Object.defineProperty(this.prototype, name, {
        get() {
          const { quality } = this.#stats;
          return quality ? this.#indexOf(quality.id) : -1;
        },
        set(level) {
          this.#choose(level);
        },
      });
    }
  }
  get manualLevel() {
    return this.#chosen;
  }
  get autoLevelEnabled() {
    return this.#chosen < 0;
  }
  get autoLevelCapping() {
    return this.#cap;
  }
  set autoLevelCapping(level) {
    this.#cap = level;
    this.#player?.configure({ maxBandwidth: this.levels[level]?.bitrate ?? Infinity });
  }
  get startLevel() {
    return this.#own.startLevel ?? -1;
  }
  get capLevelToPlayerSize() {
    return !!this.#own.capLevelToPlayerSize;
  }
  set capLevelToPlayerSize(on) {
    this.#own = { ...this.#own, capLevelToPlayerSize: on };
    this.#player?.configure({ capToElement: !!on });
  }
  get latency() {
    return this.#stats.latency ?? 0;
  }
  get targetLatency() {
    return this.#stats.targetLatency ?? null;
  }
  get liveSyncPosition() {
    const { behind } = this.#stats;
    return behind == null || !this.media ? null : this.media.currentTime + behind;
  }
  get playingDate() {
    const at = this.#stats.playingDate;
    return at == null ? null : new Date(at);
  }
  get bandwidthEstimate() {
    const { throughputKbps } = this.#stats;
    return throughputKbps == null ? (this.#own.abrEwmaDefaultEstimate ?? NaN) : throughputKbps * 1000;
  }
  get lowLatencyMode() {
    return this.config.lowLatencyMode;
  }
}

const isSupported = () => !!(globalThis.MediaSource ?? globalThis.ManagedMediaSource);
const all = { isSupported, isMSESupported: isSupported, Events: EVENTS, ErrorTypes: TYPES, ErrorDetails: DETAILS, version: "1.7.4", DefaultConfig: { ...DEFAULTS } };
globalThis.Hls ??= Object.assign(function Hls(config) {
  return lenient("Hls", new HlsPlayer(config));
}, all);
