// What the wall and a camera's page share: the list of cameras, asked for again and again, and a camera's state in words.

const EVERY_MS = 2000;
const WORDS = { live: "Live", connecting: "Connecting", offline: "Offline" };

/**
 * Calls `show(cameras)` now and every two seconds while the page is visible. When the server does not answer, `notice`
 * says so, and says nothing again as soon as it does.
 */
export function follow(url, notice, show) {
  let timer;
  const ask = async () => {
    clearTimeout(timer);
    try {
      const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(EVERY_MS * 2) });
      if (!answer.ok) throw new Error(`it answered with status ${answer.status}`);
      show(await answer.json());
      notice.hidden = true;
    } catch (error) {
      notice.textContent = `The server does not tell how its cameras are: ${reason(error)}. Asking again.`;
      notice.hidden = false;
    }
    if (!document.hidden) timer = setTimeout(ask, EVERY_MS);
  };
  document.addEventListener("visibilitychange", () => !document.hidden && ask());
  ask();
}

const reason = (error) =>
  error.name === "TimeoutError" ? "no answer in time" : error.name === "TypeError" ? "it cannot be reached" : error.message;

/**
 * Puts a camera's state into `part`: "Live", "Offline since 12:04:31". Beside a player, which says how live the picture is,
 * `of` makes clear of what that is said: "Camera live".
 */
export function showState(part, camera, of = "") {
  part.hidden = false;
  part.dataset.state = camera.state;
  const alone = WORDS[camera.state] ?? camera.state;
  const word = of ? `${of} ${alone.toLowerCase()}` : alone;
  const since = camera.state === "live" || !camera.since ? "" : ` since ${new Date(camera.since).toLocaleTimeString()}`;
  if (part.textContent === word + since) return;
  const more = Object.assign(document.createElement("span"), { className: "since", textContent: since });
  part.replaceChildren(word, more);
}
