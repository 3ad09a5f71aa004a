// The controls of <nearlive-player>: the bar, the menu of qualities, the statistics, the keys. element.js loads this script when
// there is a picture to control, and renders it with the rest. It declares nothing that others use but `Controls`.
//
//   .frame > .stats-panel, .bar

const PICTURES = {
  pause: `<path class="f" d="M6 5h4v14H6zM14 5h4v14h-4z"/>`,
  sound: `<path class="f" d="M3.5 9v6h4l5 4.5v-15L7.5 9z"/><path d="M16 8.8a4.6 4.6 0 0 1 0 6.4M18.8 6a8.6 8.6 0 0 1 0 12"/>`,
  stats: `<path d="M5 20v-8M12 20V4M19 20v-5"/>`,
  pip: `<path d="M3 5h18v14H3z"/><path class="f" d="M12 12h7v5h-7z"/>`,
  close: `<path d="m6 6 12 12M18 6 6 18"/>`,
  full: `<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>`,
  small: `<path d="M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5"/>`,
};
/** A label without its key. */
const spoken = (label) => label.replace(/ \(.\)$/, "");
const button = (icon, name, label, image) =>
  `<button type="button" class="${name} tool" aria-label="${spoken(label)}" title="${label}">${icon(image)}</button>`;

const markup = (button) => `
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
</div>`;

export class Controls {
  #host; // the element
  #do; // what it does for the controls, and the words that it has in common with them
  #at = {}; // the parts, by class
  #stats = null;
  #cause = "";
  #chosen = "auto";

  constructor(host, frame, shell) {
    this.#host = host;
    this.#do = shell;
    const { ICONS, icon } = shell.words;
    Object.assign(ICONS, PICTURES);
    frame.insertAdjacentHTML("beforebegin", `<style>${STYLE}</style>`);
    frame.insertAdjacentHTML("beforeend", markup((...all) => button(icon, ...all)));
    for (const part of frame.querySelectorAll("[class]")) if (part.className.length) this.#at[part.classList[0]] ??= part;
    Object.assign(this.#at, { frame, video: host.video });
    this.#listen();
    this.#menu();
  }

  /** A player begins: it plays what the viewer chose in the one before. */
  begins(player) {
    if (this.#chosen !== "auto") player.setQuality(this.#chosen);
  }

  loaded(qualities) {
    // The quality was chosen in the stream before this one, and this one lacks it.
    if (this.#chosen !== "auto" && !qualities.some((it) => it.id === this.#chosen)) {
      this.#chosen = "auto";
      this.#host.player.setQuality("auto");
    }
    this.#menu();
  }

  #listen() {
    const at = this.#at;
    const on = (part, name, act) => part.addEventListener(name, act);
    on(at.toggle, "click", () => this.#do.toggle());
    on(at.mute, "click", () => this.#do.sound(at.video.muted || !at.video.volume));
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
    on(at.full, "click", () => this.#do.full());
    on(at.frame, "pointerdown", (event) => {
      if (at.bar.contains(event.target)) this.#do.wake();
      if (!at.choice.contains(event.target)) this.#open(false);
    });
    at.pip.hidden = !document.pictureInPictureEnabled;
  }

  #goLive() {
    this.#host.player?.goLive();
    if (this.#at.video.paused) this.#do.toggle();
  }

  #panel(open = this.#at["stats-panel"].hidden) {
    const { "stats-panel": panel, figures, bar, frame } = this.#at;
    const inside = panel.contains(this.#host.shadowRoot.activeElement);
    panel.hidden = !open;
    if (!open && inside) (bar.hidden ? frame : figures).focus();
    this.#do.render();
  }

  #pip() {
    const { video } = this.#at;
    const done = document.pictureInPictureElement ? document.exitPictureInPicture() : video.requestPictureInPicture?.();
    done?.catch(() => {}); // not before there is a picture
  }

  /** What a key does. */
  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    const { video } = this.#at;
    const inControl = event.target.matches("input, button, .stats-panel");
    const vod = this.#stats && !this.#stats.live;
    const act = {
      " ": () => this.#do.toggle(),
      k: () => this.#do.toggle(),
      m: () => this.#do.sound(video.muted || !video.volume),
      f: () => this.#do.full(),
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
    this.#do.wake();
    act();
  }

  // ---- the menu

  #menu() {
    const all = this.#host.player?.qualities() ?? [];
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
    else if (menu.contains(this.#host.shadowRoot.activeElement)) quality.focus();
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
    this.#host.player?.setQuality(id);
    this.#at.quality.focus();
    this.#open(false);
    this.#do.render();
  }

  // ---- what is shown

  /** Shows the player's figures; `cause`: why no new picture comes; `waits`: for a click, or it has failed. */
  render(stats, cause, waits) {
    const at = this.#at;
    this.#stats = stats;
    this.#cause = cause;
    at.bar.hidden = !this.#host.hasAttribute("controls");
    if (!at.bar.hidden) this.#showBar(stats, waits);
    if (!at["stats-panel"].hidden) this.#showStats(stats);
  }

  #showBar(stats, waits) {
    const at = this.#at;
    const { video } = at;
    const name = (part, label, image) => {
      if (part.title === label) return;
      part.title = label;
      part.setAttribute("aria-label", spoken(label));
      part.innerHTML = this.#do.words.icon(image);
    };
    name(at.toggle, video.paused ? "Play (k)" : "Pause (k)", video.paused ? "play" : "pause");
    const silent = video.muted || !video.volume;
    name(at.mute, silent ? "Unmute (m)" : "Mute (m)", silent ? "silent" : "sound");
    at.volume.value = silent ? 0 : video.volume;
    at.volume.style.setProperty("--part", `${at.volume.value * 100}%`);
    const full = document.fullscreenElement === this.#host;
    name(at.full, full ? "Leave full screen (f)" : "Full screen (f)", full ? "small" : "full");
    at.figures.setAttribute("aria-pressed", String(!at["stats-panel"].hidden));
    const now = rung(stats?.quality);
    const [mode, sign] = at.quality.children;
    const auto = this.#chosen === "auto";
    mode.textContent = !auto ? "" : now ? "Auto · " : "Auto";
    sign.textContent = auto ? now : rung(this.#host.player?.qualities().find((it) => it.id === this.#chosen)) || now;
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
    const note = latency === null || off ? "" : at ? seconds(latency) : behind || video.paused ? `−${this.#do.words.span(latency)}` : "";
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
