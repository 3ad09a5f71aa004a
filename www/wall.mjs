// The camera wall. HTTP/1.1 gives a browser six connections to a host, for all its tabs together, and a live player holds
// up to two of them. So at most two tiles play; the others show a still that is fetched again now and then. The tile under
// the pointer or with the focus plays first.

import { follow, showState } from "./cameras.mjs";

const PLAYING = 2;
const STILL_MS = 4000;

const wall = document.getElementById("wall");
const tiles = new Map();
let wanted = null; // the tile that the viewer points at

class Tile {
  #camera;
  #player = null;
  #still = Object.assign(new Image(), { alt: "" });

  constructor(camera) {
    this.#camera = camera;
    this.item = document.createElement("li");
    this.item.className = "tile";
    this.item.innerHTML = `<a><div class="picture"></div><div class="caption"><b></b><span class="state" hidden></span><span class="cause" hidden></span></div></a>`;
    this.link = this.item.firstChild;
    this.link.href = camera.page ?? `${camera.id}/`;
    [this.picture, this.caption] = this.link.children;
    this.#still.hidden = true;
    this.#still.onload = () => (this.#still.hidden = false);
    this.#still.onerror = () => (this.#still.hidden = true);
    this.picture.append(this.#still);
    const want = (it) => {
      wanted = it;
      share();
    };
    this.item.addEventListener("pointerenter", () => want(this));
    this.item.addEventListener("focusin", () => want(this));
    this.item.addEventListener("pointerleave", () => wanted === this && want(null));
  }

  get playable() {
    return this.#camera.playable !== false;
  }

  show(camera) {
    this.#camera = camera;
    const [name, state, cause] = this.caption.children;
    name.textContent = camera.name;
    showState(state, camera);
    // A visible player shows the cause over its picture.
    const said = this.#player?.style.visibility === "";
    const sentence = camera.state === "live" || said ? "" : (camera.cause ?? "");
    cause.textContent = sentence;
    cause.hidden = !sentence;
  }

  set playing(play) {
    if (play === !!this.#player) return;
    if (play) {
      this.#player = document.createElement("nearlive-player");
      for (const name of ["autoplay", "muted"]) this.#player.setAttribute(name, "");
      this.#player.setAttribute("src", this.#camera.dash ?? `${this.#camera.id}/index.mpd`);
      this.#player.setAttribute("tabindex", "-1");
      // The still shows through until there is a picture.
      this.#player.style.visibility = "hidden";
      this.#player.addEventListener("state", ({ detail }) => detail.state === "playing" && (this.#player.style.visibility = ""));
      this.#player.addEventListener("error", ({ detail }) => detail.fatal && (this.#player.style.visibility = ""));
      this.picture.append(this.#player);
    } else {
      this.#player.remove();
      this.#player = null;
      this.refresh();
    }
  }

  refresh() {
    if (!this.#player && this.playable) this.#still.src = `${this.link.getAttribute("href")}snapshot.jpg?${Date.now()}`;
  }
}

/** Gives the places of those that play to the tile that is pointed at, then from the first on. */
function share() {
  const playable = [...tiles.values()].filter((it) => it.playable);
  const order = wanted && playable.includes(wanted) ? [wanted, ...playable.filter((it) => it !== wanted)] : playable;
  const chosen = document.hidden ? [] : order.slice(0, PLAYING);
  // First those that stop, so that their connections are free.
  for (const tile of tiles.values()) if (!chosen.includes(tile)) tile.playing = false;
  for (const tile of chosen) tile.playing = true;
}

follow("api/cameras", document.getElementById("notice"), (cameras) => {
  const known = new Set(cameras.map((it) => it.id));
  for (const [id, tile] of tiles) {
    if (known.has(id)) continue;
    tile.playing = false;
    tile.item.remove();
    tiles.delete(id);
  }
  for (const camera of cameras) {
    let tile = tiles.get(camera.id);
    if (!tile) {
      tile = new Tile(camera);
      tiles.set(camera.id, tile);
      wall.append(tile.item);
      tile.show(camera);
      tile.refresh();
    }
    tile.show(camera);
  }
  wall.classList.toggle("one", cameras.length === 1);
  document.getElementById("empty").hidden = cameras.length > 0;
  share();
});
document.addEventListener("visibilitychange", share);
setInterval(() => document.hidden || tiles.forEach((it) => it.refresh()), STILL_MS);
