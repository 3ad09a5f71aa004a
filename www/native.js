// What the browser plays by itself: a single file (MP4, WebM), and HLS where there is neither MediaSource nor ManagedMediaSource
// (an older iPhone). The same face, over the element alone. loader.js takes it in the module's place, and downloads it where it is
// needed only.

const failure = (message, what) => Object.assign(new Error(message), { name: "NearliveError", detail: "" }, what);
const usage = (message, name = "NearliveError") => failure(message, { name, code: 5001, category: "usage", fatal: false });

/** An address as it may be shown: without user and password. */
const shown = (address) => {
  const url = new URL(address);
  url.username = url.password = "";
  return url.href;
};

export class Player {
  #video;
  #autoplay;
  #calls = []; // [name of an event, listener]
  #state = "idle";
  #here = new AbortController(); // of what is loaded: it removes the listeners on the video
  #refuse = () => {}; // rejects the promise of load()
  #errors = 0;
  #protocol = "";
  #stalls = { count: 0, seconds: 0 };
  #stoodSince = 0; // performance.now(); 0 while it moves
  #startup = null; // in ms

  constructor(video, options) {
    this.#video = video;
    this.#autoplay = options?.autoplay ?? true;
  }

  on(name, call) {
    this.#check(name, call);
    this.#calls.push([name, call]);
  }

  off(name, call) {
    this.#check(name, call);
    this.#calls = this.#calls.filter((it) => it[0] !== name || it[1] !== call);
  }

  load(url) {
    const video = this.#video;
    if (typeof url !== "string") return Promise.reject(usage("load() needs an address"));
    this.#end();
    this.#protocol = /\.m3u8($|[?#])/i.test(url) ? "hls" : "file";
    const began = performance.now();
    return new Promise((resolve, reject) => {
      this.#refuse = reject;
      const on = (name, act) => video.addEventListener(name, act, { signal: this.#here.signal });
      on("loadedmetadata", () => {
        this.#emit("loaded", { qualities: [], live: video.duration === Infinity });
        resolve();
      });
      on("playing", () => {
        this.#startup ??= Math.round(performance.now() - began);
        this.#moves();
        this.#is("playing");
      });
      on("pause", () => {
        this.#moves(); // whoever pauses does not wait
        this.#is("paused");
      });
      on("waiting", () => {
        if (this.#state !== "playing" || video.seeking) return;
        this.#stoodSince = performance.now();
        this.#stalls.count++;
        this.#is("stalled");
      });
      on("ended", () => this.#is("ended"));
      on("error", () => {
        this.#moves();
        const [code, category, message] = this.#fault(video.error?.code);
        const error = failure(message, { code, category, fatal: true, url: shown(video.src), detail: video.error?.message ?? "" });
        this.#errors++;
        this.#is("failed");
        this.#emit("error", error);
        reject(error);
      });
      video.src = new URL(url, document.baseURI).href;
      this.#is("starting");
      if (this.#autoplay) this.#play();
    });
  }

  qualities() {
    return [];
  }

  setQuality() {} // the browser chooses

  configure() {} // likewise

  goLive() {
    const { seekable } = this.#video;
    if (seekable.length) this.#video.currentTime = seekable.end(seekable.length - 1);
  }

  stats() {
    const { buffered, currentTime, duration, playbackRate } = this.#video;
    const at = Array.from(buffered, (_, i) => i).find((i) => buffered.start(i) <= currentTime && currentTime <= buffered.end(i));
    const stood = this.#stoodSince && (performance.now() - this.#stoodSince) / 1000;
    return {
      state: this.#state,
      via: "video",
      protocol: this.#protocol,
      live: duration === Infinity,
      latency: null,
      playingDate: null,
      targetLatency: null,
      behind: null,
      bufferAhead: at === undefined ? 0 : buffered.end(at) - currentTime,
      playbackRate,
      throughputKbps: null,
      quality: null,
      qualityReason: "the browser plays by itself",
      stalls: { count: this.#stalls.count, seconds: this.#stalls.seconds + stood },
      sourceStalls: { count: 0, seconds: 0 },
      switches: 0,
      bytes: 0,
      requests: 0,
      errors: this.#errors,
      droppedFrames: this.#video.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0,
      startupMs: this.#startup,
      waitingFor: "",
      trouble: "",
    };
  }

  destroy() {
    this.#end();
    this.#calls = [];
    this.#state = "idle";
    this.#protocol = "";
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  /** Code, category and sentence for an error of the element (HTML, MediaError). */
  #fault(code) {
    if (code === 2) return [1001, "network", "The file broke off while it was loaded. Check the connection, and load it again."];
    if (this.#protocol === "hls") {
      return [4002, "browser", "The browser cannot play this address by itself, and it has no Media Source Extensions."];
    }
    return [4001, "browser", "The browser cannot play this file: it is not there, or its codecs are not known here."];
  }

  /** It moves again, if it stood. */
  #moves() {
    if (!this.#stoodSince) return;
    const seconds = (performance.now() - this.#stoodSince) / 1000;
    this.#stoodSince = 0;
    this.#stalls.seconds += seconds;
    this.#emit("stall", { seconds });
  }

  #end() {
    this.#here.abort();
    this.#here = new AbortController();
    this.#stalls = { count: 0, seconds: 0 };
    this.#stoodSince = 0;
    this.#startup = null;
    this.#refuse(usage("load() was interrupted by another load() or by destroy()", "AbortError"));
  }

  #check(name, call) {
    if (typeof name === "string" && typeof call === "function") return;
    throw usage("on() and off() need the name of an event and a function");
  }

  /** With sound, else without, else the viewer has to press a button. */
  async #play() {
    const video = this.#video;
    const refused = (error) => error.name === "NotAllowedError";
    const muted = video.muted;
    try {
      await video.play().catch((error) => {
        if (muted || !refused(error)) throw error;
        video.muted = true;
        return video.play().then(() => this.#emit("autoplay", { muted: true, blocked: false }));
      });
    } catch (error) {
      if (!refused(error)) return; // it was interrupted
      video.muted = muted;
      this.#emit("autoplay", { muted: false, blocked: true });
    }
  }

  #is(state) {
    this.#state = state;
    this.#emit("state", { state });
  }

  #emit(name, detail) {
    for (const [of, call] of this.#calls) {
      try {
        if (of === name) call(detail);
      } catch (thrown) {
        console.error("nearlive: an event listener of the page failed", thrown);
      }
    }
  }
}
