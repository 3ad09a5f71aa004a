// <nearlive-player>: the picture, and what is to be said over it. It makes no decision about playback: it shows the player's
// events and stats(), and calls the player when the viewer does something. Its attributes: www/nearlive.d.ts.
//
//   .frame > video, .veil, .spinner, .still, .start, .unmute, .message; of controls.js: .stats-panel, .bar
//
// The controls are a script of their own, which is loaded when there is a picture to control: the first picture need not wait
// for it.

/** How often the figures are shown anew, and how long the bar stays after the last movement, both in ms. */
const REFRESH_MS = 500;
const BAR_MS = 3000;
/** Up to these widths, in CSS pixels, there is room for the most needed only. */
const WIDTHS = { small: 520, smaller: 340, smallest: 260 };
/** After a fatal error of the network or of the media it loads again by itself, after so many seconds: longer each time. */
const RETRY_S = [5, 10, 20, 40, 60];

const EVENTS = ["state", "loaded", "quality", "error", "stall", "source", "autoplay"];

const ICONS = {
  play: `<path class="f" d="M7 4.5v15L19.5 12z"/>`,
  silent: `<path class="f" d="M3.5 9v6h4l5 4.5v-15L7.5 9z"/><path d="m16 9.5 5 5m0-5-5 5"/>`,
};
const icon = (name) => `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`;
const span = (s) => (s < 60 ? `${Math.round(s)} s` : s < 3600 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h`);

const MARKUP = `
<div class="frame" tabindex="0" role="group" aria-label="Video player">
  <video playsinline></video>
  <div class="veil"></div>
  <div class="spinner" hidden></div>
  <p class="still" hidden><b role="status"></b> <span></span></p>
  <button type="button" class="start" aria-label="Play" hidden>${icon("play")}</button>
  <button type="button" class="unmute pill" hidden>${icon("silent")}<span>Unmute</span></button>
  <div class="message" role="alert" hidden>
    <h2></h2><p></p><small></small>
    <button type="button" class="retry pill"></button>
  </div>
</div>`;

/** Sets a text only if it differs: a screen reader speaks each change, and this runs twice a second. */
const put = (part, words) => part.textContent === words || (part.textContent = words);

/** The states of a player that has, or had, a picture. */
const PICTURE = ["playing", "paused", "stalled", "ended"];

const TITLES = {
  network: "The stream cannot be loaded",
  manifest: "This stream cannot be played",
  media: "The picture cannot be decoded",
  browser: "This browser cannot show it",
  usage: "The player is not set up correctly",
};

class NearlivePlayer extends (globalThis.HTMLElement ?? Object) {
  static observedAttributes = ["src", "muted", "controls", "latency", "autoplay", "poster"];

  /** The player of this element, the same that `nearlive.create()` gives; null before it is made. */
  player = null;

  #at = {}; // the parts, by class
  #stats = null;
  #error = null;
  #cause = ""; // why no new picture comes from the camera
  #stillSince = 0; // the picture has stood still since then (performance.now); 0 while it moves
  #played = false; // there was a moving picture since the last load
  #resume = false; // it played, or was to play, before the error: so it plays when it is loaded again
  #blocked = false; // the browser wants a click before it plays
  #hushed = false; // the browser allowed it to play without sound only
  #controls = null; // the bar, the menu, the statistics, the keys, once they are loaded
  #loading = null; // a promise of them
  #attempts = 0;
  #retryAt = 0;
  #life = 0; // counts loads: results of an earlier one are ignored
  #timer = 0;
  #barTimer = 0;
  #here = null; // an AbortController while it is in a document; it removes the listeners on window and document
  #size = new ResizeObserver(([{ contentRect }]) => {
    for (const [name, width] of Object.entries(WIDTHS)) this.#at.frame.classList.toggle(name, contentRect.width <= width);
  });

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.innerHTML = `<style>${STYLE}</style>${MARKUP}`;
    for (const part of root.querySelectorAll("[class]")) if (part.className.length) this.#at[part.classList[0]] ??= part;
    this.#at.video = root.querySelector("video");
    this.#listen();
  }

  connectedCallback() {
    this.#here = new AbortController();
    const { signal } = this.#here;
    addEventListener("nearlive-fault", () => this.#fault(), { signal });
    document.addEventListener("fullscreenchange", () => this.#render(), { signal });
    this.#timer = setInterval(() => this.#refresh(), REFRESH_MS);
    this.#size.observe(this);
    this.#load();
  }

  disconnectedCallback() {
    this.#here.abort();
    this.#here = null;
    clearInterval(this.#timer);
    clearTimeout(this.#barTimer);
    this.#size.disconnect();
    this.#end();
  }

  attributeChangedCallback(name, before, now) {
    if (before === now) return;
    const { video } = this.#at;
    if (name === "controls" && this.#here) this.#render();
    if (name === "muted") video.muted = now !== null;
    if (name === "poster") video.poster = now ?? "";
    if (this.#here && (name === "src" || name === "latency")) this.#load();
  }

  get src() {
    return this.getAttribute("src");
  }
  set src(url) {
    this.setAttribute("src", url);
  }
  /** The media element inside. */
  get video() {
    return this.#at.video;
  }

  // ---- the player

  async #load() {
    const { video } = this.#at;
    this.#resume = !!this.#error && (this.#resume || !video.paused);
    this.#end();
    const life = this.#life;
    if (!this.src) return this.#render();
    const latency = this.getAttribute("latency");
    const options = { autoplay: this.#resume || this.hasAttribute("autoplay") };
    if (latency !== null) options.latency = latency === "auto" ? latency : Number(latency);
    this.#stillSince = performance.now();
    try {
      const player = await nearlive.create(video, options, this.src);
      if (life !== this.#life) return player.destroy();
      this.player = player;
      for (const name of EVENTS) player.on(name, (detail) => this.#onEvent(name, detail));
      this.#controls?.begins(player);
      await player.load(this.src);
    } catch (error) {
      // Fatal errors of the player itself come as events too.
      if (life === this.#life && !this.#error) this.#failed(error);
    }
    this.#refresh();
  }

  #end() {
    this.#life++;
    this.player?.destroy();
    this.player = this.#stats = this.#error = null;
    this.#cause = "";
    this.#stillSince = this.#retryAt = 0;
    this.#played = this.#blocked = this.#hushed = false;
  }

  #onEvent(name, detail) {
    if (name === "source") this.#cause = detail.cause;
    if (name === "error" && detail.fatal) this.#failed(detail);
    if (name === "autoplay") {
      this.#blocked = detail.blocked;
      this.#hushed = detail.muted && !this.hasAttribute("muted");
    }
    if (name === "state") {
      if (detail.state === "playing") {
        if (!this.#played) this.#wake();
        this.#played = true;
        this.#blocked = this.#resume = false;
        this.#attempts = 0;
      }
      const stands = detail.state === "stalled" || detail.state === "starting";
      this.#stillSince = stands ? this.#stillSince || performance.now() : 0;
    }
    if (name === "loaded") this.#controls?.loaded(detail.qualities);
    this.#refresh();
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #failed(error) {
    this.#error = error;
    const passes = error.category === "network" || error.category === "media";
    const wait = RETRY_S[Math.min(this.#attempts++, RETRY_S.length - 1)];
    this.#retryAt = passes ? performance.now() + wait * 1000 : 0;
    this.#render();
  }

  #fault() {
    this.#error = { fault: true, message: "The player stopped because of a fault of its own. Load the page again to go on." };
    this.#retryAt = 0;
    this.#render();
  }

  #refresh() {
    if (this.#retryAt && performance.now() >= this.#retryAt) return this.#load();
    if (!this.#error?.fault) this.#stats = this.player?.stats() ?? null;
    this.#render();
  }

  // ---- what the viewer does

  #listen() {
    const at = this.#at;
    const on = (part, name, act) => part.addEventListener(name, act);
    on(at.start, "click", () => this.#toggle());
    on(at.unmute, "click", () => this.#sound(true));
    on(at.retry, "click", () => (this.#error?.fault ? location.reload() : this.#load()));
    on(at.frame, "keydown", (event) => this.#key(event));
    on(at.frame, "pointermove", () => this.#wake());
    on(at.frame, "focusin", () => this.#wake());
    // A touch fires "pointerleave" at each tap, before its click.
    on(at.frame, "pointerleave", (event) => event.pointerType === "mouse" && this.#sleep());
    for (const part of [at.video, at.veil]) {
      on(part, "click", (event) => (event.pointerType === "touch" ? this.#tap() : this.#toggle()));
      on(part, "dblclick", (event) => event.pointerType !== "touch" && this.#full());
    }
    for (const name of ["play", "pause", "volumechange", "seeked", "durationchange", "ended"]) on(at.video, name, () => this.#render());
  }

  #toggle() {
    const { video } = this.#at;
    // If the browser refuses, the event "autoplay" comes, or `paused` stays true.
    if (video.paused) video.play().catch(() => {});
    else video.pause();
  }

  #sound(loud) {
    const { video } = this.#at;
    video.muted = !loud;
    if (loud && !video.volume) video.volume = 1;
    this.#hushed = false;
    this.#render();
  }

  #full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.requestFullscreen) this.requestFullscreen().catch(() => {});
    else this.#at.video.webkitEnterFullscreen?.(); // an iPhone
  }

  /** What the viewer pressed before there were controls, they get when they are there. */
  #key(event) {
    if (this.#controls) return this.#controls.key(event);
    if (event.key !== " " || !event.target.matches("button")) this.#equip().then(() => this.#controls?.key(event));
  }

  /** Loads the controls. Where that fails, the browser's own serve. */
  #equip() {
    const use = ({ Controls }) => {
      this.#controls = new Controls(this, this.#at.frame, {
        toggle: () => this.#toggle(),
        sound: (loud) => this.#sound(loud),
        full: () => this.#full(),
        wake: () => this.#wake(),
        render: () => this.#render(),
        words: { ICONS, icon, span },
      });
      this.#render();
    };
    const without = (error) => {
      console.warn(`nearlive: the controls could not be loaded from ${MODULES.controls}`, error);
      this.#at.veil.hidden = this.#at.video.controls = this.hasAttribute("controls");
    };
    return (this.#loading ??= import(MODULES.controls).then(use).catch(without));
  }

  #wake() {
    clearTimeout(this.#barTimer);
    this.#at.frame.classList.remove("resting");
    this.#barTimer = setTimeout(() => this.#sleep(), BAR_MS);
  }

  #sleep() {
    const { frame, video } = this.#at;
    const busy = video.paused || frame.querySelector(".menu:not([hidden]), .bar :focus-visible");
    frame.classList.toggle("resting", !busy);
  }

  #tap() {
    if (this.#at.frame.classList.contains("resting")) this.#wake();
    else this.#sleep();
  }

  // ---- what is shown

  #render() {
    const at = this.#at;
    const { video } = at;
    const stats = this.#stats;
    const error = this.#error;
    const state = stats?.state ?? "idle";
    const stoodMs = this.#stillSince && performance.now() - this.#stillSince;
    const waits = video.paused && !error && !this.#played && state !== "idle" && (this.#blocked || !this.hasAttribute("autoplay"));

    at.frame.classList.toggle("failed", !!error);
    at.start.hidden = !waits;
    at.spinner.hidden = !!error || waits || !this.src || !(stoodMs > 0);
    this.#showStill(error, stats, stoodMs, waits);
    at.unmute.hidden = !this.#hushed || !video.muted || !!error || waits || !at.still.hidden;
    this.#showMessage(error);
    this.#controls?.render(stats, this.#cause, waits || !!error);
    if (this.hasAttribute("controls") && PICTURE.includes(state)) this.#equip();
  }

  /** The picture stands still: why, and how old it is. */
  #showStill(error, stats, stoodMs, waits) {
    const { still, frame } = this.#at;
    const cause = this.#cause || (stoodMs > 1500 && stats?.trouble) || "";
    const waiting = stats?.state === "stalled" && stoodMs > 1500;
    const shown = !error && !waits && (!!cause || waiting);
    still.hidden = !shown;
    frame.classList.toggle("is-still", shown);
    if (!shown) return;
    const [head, note] = still.children;
    put(head, cause || "Waiting for the stream");
    const age = stats?.latency ?? null;
    put(note, age === null ? "" : `Picture of ${new Date(Date.now() - age * 1000).toLocaleTimeString()}, ${span(age)} old`);
  }

  #showMessage(error) {
    const { message, retry } = this.#at;
    message.hidden = !error;
    if (!error) return;
    const [title, text, small] = message.children;
    put(title, error.fault ? "Something broke" : (TITLES[error.category] ?? "It cannot be played"));
    put(text, error.message);
    put(small, error.code ? `Error ${error.code}${error.url ? ` · ${error.url}` : ""}` : "");
    const left = Math.ceil((this.#retryAt - performance.now()) / 1000);
    put(retry, error.fault ? "Reload the page" : left > 0 ? `Try again (${left} s)` : "Try again");
  }

}

if (globalThis.customElements && !customElements.get("nearlive-player")) customElements.define("nearlive-player", NearlivePlayer);
