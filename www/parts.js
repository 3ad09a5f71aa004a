// A module comes in two parts (www/pack/src/cut/). A page begins with the first; the second follows when there is a picture.
// What needs the second before it is there ends in a trap, and all is begun anew, with both: nothing waits within the module.
// Declares `guarded` and `parts`.

/** The second part is asked for when there is a picture, or after so many ms without one. */
const NO_PICTURE = 15_000;
/** The pauses between tries where it is needed, in ms: there may be no network. */
const TRIES = [500, 1000, 2000, 4000];

const pause = (ms) => new Promise((over) => setTimeout(over, ms));

/** Downloads and compiles. What comes as another type than `application/wasm` is read to the end first, as browsers want it. */
const compiled = async (url, priority) => {
  const response = await fetch(url, { priority });
  if (!response.ok) throw Object.assign(new Error(`status ${response.status}`), { answered: true });
  const streams = WebAssembly.compileStreaming && response.headers.get("content-type") === "application/wasm";
  return streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
};

/** The exports of an instance, with an eye on traps (src/web/fault.rs says what they mean). */
const guarded = (exports, life) => {
  const guard = (it) => (...all) => {
    if (life.over) return;
    try {
      return it(...all);
    } catch (thrown) {
      const trap = thrown instanceof WebAssembly.RuntimeError;
      if (trap) exports.fault();
      if (trap && !life.whole) life.end();
      if (life.over) return;
      if (trap) {
        console.error("nearlive: a fault in the player itself; please report it", thrown);
        dispatchEvent(new CustomEvent("nearlive-fault", { detail: String(thrown) }));
      }
      throw thrown;
    }
  };
  const entries = Object.entries(exports).map(([name, it]) => [name, typeof it === "function" ? guard(it) : it]);
  return Object.fromEntries(entries);
};

/**
 * A module by the addresses of its parts: gives what begins an instance of it, with the first part alone or with both. That
 * gives a promise of the instance's glue, with its `life`. `ended` is called when it has ended, and begins another one.
 */
const parts = (url, later) => {
  const first = compiled(url, "auto");
  let second; // a promise of it, unless it could not be had
  const rest = (priority) => (second ??= compiled(later, priority).catch((cause) => ((second = null), Promise.reject(cause))));
  /** The same, tried again: without end while there is no network, some times if the server refuses. */
  const patient = async (priority, life) => {
    for (let tries = 0; ; tries++) {
      try {
        return await rest(priority);
      } catch (cause) {
        if (life.over || (cause.answered && tries >= TRIES.length)) throw cause;
        if (!tries) console.warn(`nearlive: the rest of the player is not here yet: ${later}:`, cause);
        await pause(TRIES[tries] ?? TRIES.at(-1));
      }
    }
  };

  return async (both, ended) => {
    const requests = new Set();
    const timers = new Set();
    let own, imports; // the first part's exports, and what it was given
    let follows;
    const join = (module) => WebAssembly.instantiate(module, { ...imports, first: own });
    const life = {
      /** Of each player what begins it anew. */
      players: new Set(),
      /** The second part is there, or there is none. */
      whole: false,
      /** It needed the second part before. Nothing is asked of it any more. */
      over: false,
      async begins(given) {
        const module = await first;
        imports = given;
        own = (await WebAssembly.instantiate(module, imports)).exports;
        life.whole = !Object.keys(own).some((name) => name.startsWith("t-"));
        if (both && !life.whole) {
          await join(await patient("auto", life));
          life.whole = true;
        }
        if (!life.whole) setTimeout(life.follow, NO_PICTURE);
        return guarded(own, life);
      },
      /** Has the second part come. */
      follow: () => (follows ??= follow().catch(() => (follows = null))),
      end() {
        if (life.over) return;
        life.over = true;
        requests.forEach((request) => request.abort());
        timers.forEach(clearInterval);
        ended().catch(() => {});
        life.players.forEach((anew) => anew());
        // Whatever is on the stack goes on until then.
        setTimeout(() => glue.forget());
      },
    };
    const follow = async () => {
      if (life.whole) return;
      const module = await patient("low", life);
      if (life.over) return;
      await join(module);
      life.whole = true;
      [requests, timers, life.players].forEach((it) => it.clear());
    };
    // What has to be ended with the instance.
    const Abort = class extends AbortController {
      constructor() {
        super();
        if (life.over) this.abort();
        if (life.whole) return;
        requests.add(this);
        if (requests.size > 100) requests.delete(requests.values().next().value);
      }
    };
    const interval = (...all) => {
      const timer = setInterval(...all);
      if (!life.whole) timers.add(timer);
      return timer;
    };
    const glue = wasm_bindgen(Abort, interval);
    await glue(life);
    return Object.assign(glue, { life });
  };
};
