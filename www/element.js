// <nearlive-player>: the picture and the controls over it. It makes no decision about playback: it shows the player's events and
// stats(), and calls the player when the viewer does something. Its attributes: www/nearlive.d.ts.
//
//   .frame > video, .veil, .spinner, .still, .start, .unmute, .message, .stats, .bar

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
  pause: `<path class="f" d="M6 5h4v14H6zM14 5h4v14h-4z"/>`,
  sound: `<path class="f" d="M3.5 9v6h4l5 4.5v-15L7.5 9z"/><path d="M16 8.8a4.6 4.6 0 0 1 0 6.4M18.8 6a8.6 8.6 0 0 1 0 12"/>`,
  silent: `<path class="f" d="M3.5 9v6h4l5 4.5v-15L7.5 9z"/><path d="m16 9.5 5 5m0-5-5 5"/>`,
  stats: `<path d="M5 20v-8M12 20V4M19 20v-5"/>`,
  pip: `<path d="M3 5h18v14H3z"/><path class="f" d="M12 12h7v5h-7z"/>`,
  close: `<path d="m6 6 12 12M18 6 6 18"/>`,
  full: `<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>`,
  small: `<path d="M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5"/>`,
};
const icon = (name) => `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`;
/** A label without its key. */
const spoken = (label) => label.replace(/ \(.\)$/, "");
const button = (name, label, image) =>
  `<button type="button" class="${name} tool" aria-label="${spoken(label)}" title="${label}">${icon(image)}</button>`;

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
  <div class="stats-panel" role="region" aria-label="Statistics" tabindex="0" hidden>
    ${button("close", "Close the statistics (i)", "close")}
    <dl class="rows"></dl>
  </div>
  <div class="bar" hidden>
    <input class="seek" type="range" min="0" step="0.1" aria-label="Position" hidden>
    <div class="tools">
      ${button("toggle", "Pause (k)", "pause")}
      ${button("mute", "Mute (m)", "sound")}
      <input class="volume" type="range" min="0" max="1" step="0.05" aria-label="Volume">
      <button type="button" class="live" hidden><i></i><span></span></button>
      <span class="time" hidden></span>
      <span class="space"></span>
      <div class="choice" hidden>
        <button type="button" class="quality" aria-haspopup="menu" aria-expanded="false"><i></i><span></span></button>
        <div class="menu" role="menu" aria-label="Quality" hidden></div>
      </div>
      ${button("figures", "Statistics (i)", "stats")}
      ${button("pip", "Picture in picture (p)", "pip")}
      ${button("full", "Full screen (f)", "full")}
    </div>
  </div>
</div>`;

/** Sets a text only if it differs: a screen reader speaks each change, and this runs twice a second. */
const put = (part, words) => part.textContent === words || (part.textContent = words);

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
  #chosen = "auto";
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
    const { video, bar } = this.#at;
    if (name === "controls") bar.hidden = now === null;
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
      if (this.#chosen !== "auto") player.setQuality(this.#chosen);
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
    if (name === "error" && detail.fatal) {
      if (this.#takeWhole(detail)) return;
      this.#failed(detail);
    }
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
    if (name === "loaded") this.#loaded(detail.qualities);
    this.#refresh();
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #loaded(qualities) {
    // The quality was chosen in the stream before this one, and this one lacks it.
    if (this.#chosen !== "auto" && !qualities.some((it) => it.id === this.#chosen)) {
      this.#chosen = "auto";
      this.player.setQuality("auto");
    }
    this.#menu();
  }

  /** What is at the address may be something else than its ending says: the module that plays all has a look. */
  #takeWhole({ category }) {
    if (!partial.has(this.player) || (category !== "manifest" && category !== "browser")) return false;
    nearlive.ready.catch(() => {}); // create() says what went wrong
    this.#load();
    return true;
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
    on(at.toggle, "click", () => this.#toggle());
    on(at.unmute, "click", () => this.#sound(true));
    on(at.mute, "click", () => this.#sound(at.video.muted || !at.video.volume));
    on(at.volume, "input", () => {
      at.video.volume = at.volume.valueAsNumber;
      at.video.muted = !at.video.volume;
    });
    on(at.live, "click", () => this.#goLive());
    on(at.seek, "input", () => (at.video.currentTime = at.seek.valueAsNumber));
    on(at.quality, "click", () => this.#open(at.menu.hidden));
    on(at.menu, "click", (event) => this.#choose(event.target.closest("[data-id]")?.dataset.id));
    on(at.menu, "keydown", (event) => this.#inMenu(event));
    on(at.figures, "click", () => this.#panel());
    on(at.close, "click", () => this.#panel(false));
    on(at.pip, "click", () => this.#pip());
    on(at.full, "click", () => this.#full());
    on(at.retry, "click", () => (this.#error?.fault ? location.reload() : this.#load()));
    on(at.frame, "keydown", (event) => this.#key(event));
    on(at.frame, "pointermove", () => this.#wake());
    on(at.frame, "focusin", () => this.#wake());
    // A touch fires "pointerleave" at each tap, before its click.
    on(at.frame, "pointerleave", (event) => event.pointerType === "mouse" && this.#sleep());
    on(at.frame, "pointerdown", (event) => {
      if (at.bar.contains(event.target)) this.#wake();
      if (!at.choice.contains(event.target)) this.#open(false);
    });
    for (const part of [at.video, at.veil]) {
      on(part, "click", (event) => (event.pointerType === "touch" ? this.#tap() : this.#toggle()));
      on(part, "dblclick", (event) => event.pointerType !== "touch" && this.#full());
    }
    for (const name of ["play", "pause", "volumechange", "seeked", "durationchange", "ended"]) on(at.video, name, () => this.#render());
    at.pip.hidden = !document.pictureInPictureEnabled;
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

  #goLive() {
    this.player?.goLive();
    if (this.#at.video.paused) this.#toggle();
  }

  #panel(open = this.#at["stats-panel"].hidden) {
    const { "stats-panel": panel, figures, bar, frame } = this.#at;
    const inside = panel.contains(this.shadowRoot.activeElement);
    panel.hidden = !open;
    if (!open && inside) (bar.hidden ? frame : figures).focus();
    this.#render();
  }

  #pip() {
    const { video } = this.#at;
    const done = document.pictureInPictureElement ? document.exitPictureInPicture() : video.requestPictureInPicture?.();
    done?.catch(() => {}); // not before there is a picture
  }

  #full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.requestFullscreen) this.requestFullscreen().catch(() => {});
    else this.#at.video.webkitEnterFullscreen?.(); // an iPhone
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    const { video } = this.#at;
    const inControl = event.target.matches("input, button, .stats-panel");
    const vod = this.#stats && !this.#stats.live;
    const act = {
      " ": () => this.#toggle(),
      k: () => this.#toggle(),
      m: () => this.#sound(video.muted || !video.volume),
      f: () => this.#full(),
      i: () => this.#panel(),
      p: () => this.#pip(),
      ArrowUp: () => (video.volume = Math.min(1, video.volume + 0.1)),
      ArrowDown: () => (video.volume = Math.max(0, video.volume - 0.1)),
      ArrowLeft: vod && (() => (video.currentTime -= 5)),
      ArrowRight: vod && (() => (video.currentTime += 5)),
      j: vod && (() => (video.currentTime -= 10)),
      l: () => (vod ? (video.currentTime += 10) : this.#goLive()),
      Home: vod && (() => (video.currentTime = 0)),
      End: () => (vod ? (video.currentTime = video.duration) : this.#goLive()),
      Escape: () => (this.#at.menu.hidden ? this.#panel(false) : this.#open(false)),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || (inControl && (event.key === " " || event.key.startsWith("Arrow")))) return;
    event.preventDefault();
    this.#wake();
    act();
  }

  #wake() {
    clearTimeout(this.#barTimer);
    this.#at.frame.classList.remove("resting");
    this.#barTimer = setTimeout(() => this.#sleep(), BAR_MS);
  }

  #sleep() {
    const { frame, video, menu } = this.#at;
    const busy = video.paused || !menu.hidden || frame.querySelector(".bar :focus-visible");
    frame.classList.toggle("resting", !busy);
  }

  #tap() {
    if (this.#at.frame.classList.contains("resting")) this.#wake();
    else this.#sleep();
  }

  // ---- the menu

  #menu() {
    const all = this.player?.qualities() ?? [];
    const twice = new Set(all.map(rung)).size < all.length;
    const item = (id, text, note) => {
      const made = document.createElement("button");
      Object.assign(made, { type: "button", tabIndex: -1 });
      made.setAttribute("role", "menuitemradio");
      made.setAttribute("aria-checked", String(id === this.#chosen));
      made.dataset.id = id;
      made.append(text, Object.assign(document.createElement("small"), { textContent: note }));
      return made;
    };
    const now = rung(this.#stats?.quality);
    this.#at.menu.replaceChildren(
      item("auto", "Auto", this.#chosen === "auto" ? now : ""),
      ...all.map((q) => item(q.id, q.height && twice ? `${q.width}×${q.height}` : rung(q), q.height ? rate(q.bandwidth) : "")),
    );
    this.#at.choice.hidden = all.length < 2;
  }

  #open(open) {
    const { menu, quality } = this.#at;
    if (menu.hidden === !open) return;
    if (open) this.#menu();
    menu.hidden = !open;
    quality.setAttribute("aria-expanded", String(open));
    if (open) menu.querySelector("[aria-checked=true]")?.focus();
    else if (menu.contains(this.shadowRoot.activeElement)) quality.focus();
  }

  #inMenu(event) {
    const items = [...this.#at.menu.children];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Tab") return this.#open(false); // from the button, on which the focus is then
    if (event.key === "Escape") this.#open(false);
    else if (step) items.at((items.indexOf(event.target) + step) % items.length)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #choose(id) {
    if (id === undefined) return;
    this.#chosen = id;
    this.player?.setQuality(id);
    this.#at.quality.focus();
    this.#open(false);
    this.#render();
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
    if (!at.bar.hidden) this.#showBar(stats, waits || !!error);
    if (!at["stats-panel"].hidden) this.#showStats(stats);
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

  #showBar(stats, waits) {
    const at = this.#at;
    const { video } = at;
    const name = (part, label, image) => {
      if (part.title === label) return;
      part.title = label;
      part.setAttribute("aria-label", spoken(label));
      part.innerHTML = icon(image);
    };
    name(at.toggle, video.paused ? "Play (k)" : "Pause (k)", video.paused ? "play" : "pause");
    const silent = video.muted || !video.volume;
    name(at.mute, silent ? "Unmute (m)" : "Mute (m)", silent ? "silent" : "sound");
    at.volume.value = silent ? 0 : video.volume;
    at.volume.style.setProperty("--part", `${at.volume.value * 100}%`);
    const full = document.fullscreenElement === this;
    name(at.full, full ? "Leave full screen (f)" : "Full screen (f)", full ? "small" : "full");
    at.figures.setAttribute("aria-pressed", String(!at["stats-panel"].hidden));
    const now = rung(stats?.quality);
    const [mode, sign] = at.quality.children;
    const auto = this.#chosen === "auto";
    mode.textContent = !auto ? "" : now ? "Auto · " : "Auto";
    sign.textContent = auto ? now : rung(this.player?.qualities().find((it) => it.id === this.#chosen)) || now;
    at.quality.setAttribute("aria-label", `Quality: ${at.quality.textContent}`);

    at.live.hidden = !stats?.live || waits;
    if (!at.live.hidden) this.#showLive(stats);
    const length = video.duration;
    const vod = !!stats && !stats.live && Number.isFinite(length);
    at.seek.hidden = at.time.hidden = !vod;
    if (!vod) return;
    at.seek.max = length;
    at.seek.value = video.currentTime;
    at.seek.style.setProperty("--part", `${(video.currentTime / length) * 100}%`);
    at.time.textContent = `${clock(video.currentTime)} / ${clock(length)}`;
    at.seek.setAttribute("aria-valuetext", `${clock(video.currentTime)} of ${clock(length)}`);
  }

  /** At the edge it says so, and how far behind life that is; where something newer can be had, a click jumps to it. */
  #showLive({ state, latency, targetLatency, behind: newer }) {
    const { live, video } = this.#at;
    const behind = newer > Math.max(1, targetLatency);
    const off = !!this.#cause;
    const at = !off && !behind && state === "playing" && !video.paused;
    const word = off ? "Offline" : at ? "Live" : state === "stalled" ? "Waiting" : state === "starting" ? "Starting" : "Go live";
    const note = latency === null || off ? "" : at ? seconds(latency) : behind || video.paused ? `−${span(latency)}` : "";
    live.className = `live ${off ? "off" : at ? "at" : "behind"}`;
    live.lastChild.textContent = note ? `${word} ${note}` : word;
    live.title = off ? "No new picture comes from the camera" : at ? "At the live edge; the figure is the delay" : "Jump to the live edge";
    live.setAttribute("aria-label", off ? word : at ? `Live, ${note} behind` : `${word}: jump to the live edge`);
  }

  #showStats(stats) {
    const part = (kind, textContent, className) => Object.assign(document.createElement(kind), { textContent, className });
    this.#at.rows.replaceChildren(
      ...figures(stats).flatMap(([name, value]) => [part("dt", name, ""), part("dd", value, name ? "" : "note")]),
    );
  }
}

if (globalThis.customElements && !customElements.get("nearlive-player")) customElements.define("nearlive-player", NearlivePlayer);
