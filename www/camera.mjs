// A camera's page: which camera is said by the address, /{camera}/.

import { follow, showState } from "./cameras.mjs";

const part = (id) => document.getElementById(id);
const id = decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1) ?? "");
const here = (path) => new URL(path, location.href).href;

const SOUND = { pcm_mulaw: "G.711", pcm_alaw: "G.711", aac: "AAC", adpcm_g726: "G.726", opus: "Opus" };

part("name").textContent = document.title = id;
part("dash").textContent = here("index.mpd");
part("hls").textContent = here("index.m3u8");
part("embed").textContent = `<script src="${here("../nearlive.js")}"></script>
<nearlive-player src="${here("index.mpd")}" autoplay muted controls></nearlive-player>`;

follow("../api/cameras", part("notice"), (cameras) => {
  const camera = cameras.find((it) => it.id === id);
  if (!camera) return;
  part("name").textContent = camera.name;
  document.title = camera.name;
  showState(part("state"), camera, "Camera");
  const { video } = camera;
  const facts = [];
  // Why there is no picture stands over the player.
  if (video) {
    const size = video.width ? `, ${video.width}×${video.height}` : "";
    const sound = camera.audio ? `sound in ${SOUND[camera.audio] ?? camera.audio}` : "no sound";
    facts.push(`The camera sends ${video.codec}${size}, ${sound}.`);
  }
  if (video?.copied === false)
    facts.push("Browsers cannot be relied on to show that, so the server encodes it anew, in smaller pictures.");
  if (id === "demo" && camera.name === "Demo camera")
    facts.push("The blocks along the top of the picture are a clock that the benchmark reads.");
  part("facts").textContent = facts.join(" ");
});

// The page has one player: its keys work wherever nothing else has the focus.
const player = document.querySelector("nearlive-player");
document.addEventListener("keydown", (event) => {
  if (event.target !== document.body) return;
  const { key, ctrlKey, altKey, metaKey, shiftKey } = event;
  const init = { key, ctrlKey, altKey, metaKey, shiftKey, cancelable: true };
  const taken = !player?.shadowRoot?.querySelector(".frame")?.dispatchEvent(new KeyboardEvent("keydown", init));
  if (taken) event.preventDefault();
});
