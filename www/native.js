// A browser that has neither MediaSource nor ManagedMediaSource (an older iPhone) may play HLS by itself: the same face, over the
// element alone. loader.js takes it in the module's place, and downloads it where it is needed only.

const failure = (message, what) => Object.assign(new Error(message), { name: "NearliveError", detail: "" }, what);
const usage = (message, name = "NearliveError") => failure(message, { name, code: 5001, category: "usage", fatal: false });

export class Player {
  #video;
  #autoplay;
  #calls = []; // [name of an event, listener]
  #state = "idle";
  #here = new AbortController(); // of what is loaded: it removes the listeners on the video
  #refuse = () => {}; // rejects the promise of load()
  #errors = 0;

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
    if (typeof url !== "string") return Promise.reject(usage("load() needs the address of an .m3u8 file"));
    this.#end();
    return new Promise((resolve, reject) => {
      this.#refuse = reject;
      const on = (name, act) => video.addEventListener(name, act, { signal: this.#here.signal });
      on("loadedmetadata", () => {
        this.#emit("loaded", { qualities: [], live: video.duration === Infinity });
        resolve();
      });
      on("playing", () => this.#is("playing"));
      on("pause", () => this.#is("paused"));
      on("waiting", () => this.#state === "playing" && this.#is("stalled"));
      on("ended", () => this.#is("ended"));
      on("error", () => {
        const message = "The browser cannot play this address by itself, and it has no Media Source Extensions.";
        const error = failure(message, { code: 4002, category: "browser", fatal: true, url: video.src, detail: video.error?.message ?? "" });
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

  goLive() {
    const { seekable } = this.#video;
    if (seekable.length) this.#video.currentTime = seekable.end(seekable.length - 1);
  }

  stats() {
    const { buffered, currentTime, duration, playbackRate } = this.#video;
    const at = Array.from(buffered, (_, i) => i).find((i) => buffered.start(i) <= currentTime && currentTime <= buffered.end(i));
    const none = { count: 0, seconds: 0 };
    return {
      state: this.#state,
      via: "video",
      protocol: this.#state === "idle" ? "" : "hls",
      live: duration === Infinity,
      latency: null,
      targetLatency: null,
      behind: null,
      bufferAhead: at === undefined ? 0 : buffered.end(at) - currentTime,
      playbackRate,
      throughputKbps: null,
      quality: null,
      qualityReason: "the browser plays by itself",
      stalls: none,
      sourceStalls: none,
      switches: 0,
      bytes: 0,
      requests: 0,
      errors: this.#errors,
      droppedFrames: this.#video.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0,
      startupMs: null,
      waitingFor: "",
      trouble: "",
    };
  }

  destroy() {
    this.#end();
    this.#calls = [];
    this.#state = "idle";
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  #end() {
    this.#here.abort();
    this.#here = new AbortController();
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
