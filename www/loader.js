// The object that pages see. What this file can use, and what it must declare: www/pack/src/bundle.rs. No logic: that is in
// the module. The reference of everything here: www/nearlive.d.ts.

/** The module's exports, with an eye on traps (src/web/fault.rs says what they mean). */
const guarded = (exports) => {
  const guard = (it) => (...all) => {
    try {
      return it(...all);
    } catch (thrown) {
      if (thrown instanceof WebAssembly.RuntimeError) {
        exports.fault();
        console.error("nearlive: a fault in the player itself; please report it", thrown);
        dispatchEvent(new CustomEvent("nearlive-fault", { detail: String(thrown) }));
      }
      throw thrown;
    }
  };
  const entries = Object.entries(exports).map(([name, it]) => [name, typeof it === "function" ? guard(it) : it]);
  return Object.fromEntries(entries);
};

/** A reader that gives together what comes within 20 ms, up to 64 kB: to take each small piece by itself is dear. */
const gathered = (body) => {
  const reader = body.getReader();
  let due = 0;
  let next; // a read that is under way, or has failed
  return {
    async read() {
      const parts = [];
      let length = 0;
      let late;
      try {
        while (!length || (length < 0x10000 && performance.now() < due)) {
          if (length) late ??= new Promise((over) => setTimeout(over, due - performance.now()));
          const came = await Promise.race([(next ??= reader.read()), late ?? next]);
          if (came?.done ?? true) break;
          next = null;
          parts.push(came.value);
          length += came.value.length;
        }
      } catch (failed) {
        if (!length) throw failed;
      }
      due = performance.now() + 20;
      if (parts.length < 2) return { done: !length, value: parts[0] };
      const all = new Uint8Array(length);
      for (const part of parts.reverse()) all.set(part, (length -= part.length));
      return { done: false, value: all };
    },
  };
};

const nearlive = (() => {
  // The modules by what they play ("all", or the ending of a manifest), and the script for what the browser plays "alone": a
  // promise of what has the `Player` of each.
  const modules = {};
  // A page need not keep what create() gave it. A player holds its video, so that only destroy() ends them both.
  const players = new WeakMap();
  /** The newest call of create() for each video. */
  const calls = new WeakMap();

  /** The browser plays HLS by itself, and nothing else can be made to play in it. */
  const playsAlone = (video) =>
    !globalThis.MediaSource && !globalThis.ManagedMediaSource && !!video?.canPlayType?.("application/vnd.apple.mpegurl");

  /** What is needed for what is at this address: a single file needs only the browser. */
  const kindOf = (video, src) => {
    const path = String(src).split(/[?#]/, 1)[0];
    if (playsAlone(video) || /\.(mp4|m4v|webm)$/i.test(path)) return "alone";
    return /\.(mpd|m3u8)$/i.exec(path)?.[1].toLowerCase() ?? "all";
  };

  /** The module for it: one that is here already serves for all. */
  const moduleFor = (kind) => (modules.all && kind !== "alone" ? "all" : kind);

  /** Compiles a module once; a failed download is tried again at the next call. */
  const start = (name) => (modules[name] ??= compile(name));

  const compile = async (name) => {
    try {
      if (name === "alone" || name === "xhr") return await import(MODULES[name]);
      const glue = wasm_bindgen();
      await glue(MODULES[name]);
      return glue;
    } catch (cause) {
      delete modules[name];
      throw unusable(cause, MODULES[name]);
    }
  };

  const failure = (message, what) => Object.assign(new Error(message), { name: "NearliveError", detail: "" }, what);

  /** In the shape of the player's own errors. */
  const unusable = (cause, url) => {
    const old = typeof WebAssembly !== "object";
    const message = old
      ? "This browser has no WebAssembly. Use a current Chrome, Edge, Firefox or Safari."
      : `The player itself could not be loaded from ${url}. Check that this address can be reached from here, and reload.`;
    return failure(message, {
      code: old ? 4002 : 1001,
      category: old ? "browser" : "network",
      fatal: true,
      url: old ? undefined : url,
      detail: String(cause?.message ?? cause),
    });
  };

  /** The page's function in place of fetch(): it always gives a promise, of what the module can read. */
  const checked = (fetch) => async (...all) => {
    const answer = await fetch(...all);
    if (answer?.headers?.get && !answer.bodyUsed) return answer;
    throw new TypeError("the option fetch has to give a Response that nobody has read");
  };

  const interrupted = () =>
    failure("it was interrupted by another load() or create(), or by destroy()", { name: "AbortError", code: 5001, category: "usage", fatal: false });

  /** Lines of the picture that are enough for a viewer whose browser saves data. */
  const SAVED = 360;

  /** The options as the module takes them: what carries the requests is a function, or the browser's fetch(). */
  const carried = async (options) => {
    if (options != null && typeof options !== "object") return options; // the module names it in the console
    const streams = "body" in (globalThis.Response?.prototype ?? {});
    const { transport = streams ? "fetch" : "xhr", fetch, ...rest } = options ?? {};
    if (globalThis.navigator?.connection?.saveData) rest.maxHeight ??= SAVED;
    if (fetch) rest.fetch = typeof fetch === "function" ? checked(fetch) : fetch;
    else if (transport === "xhr") rest.fetch = (await start("xhr")).overXhr();
    else if (transport !== "fetch") console.warn('nearlive: ignoring the option transport, which has to be "fetch" or "xhr"; given:', transport);
    return rest;
  };

  return {
    version: VERSION,
    get ready() {
      return start("all").then(() => {});
    },
    async create(video, options, src) {
      const call = {};
      if (video && typeof video === "object") calls.set(video, call);
      const settings = await carried(options);
      let name = moduleFor(kindOf(video, src));
      const { Player } = await start(name);
      // One that needed a longer download must not end what came after it.
      if (calls.has(video) && calls.get(video) !== call) throw interrupted();
      players.get(video)?.destroy();
      let inner = new Player(video, settings);
      let listeners = []; // [name of an event, what the module calls, the page's listener]
      let loads = 0;
      let over = false;
      /** The address that was loaded last, and its second try. */
      let address, again;

      /** What plays `kind` takes over. Loading something else, or the end, comes in between. */
      const turnTo = async (kind) => {
        const load = loads;
        const next = moduleFor(kind);
        const { Player } = await start(next);
        if (load !== loads) throw interrupted();
        inner.destroy();
        inner = new Player(video, settings);
        name = next;
        watch();
        listeners.forEach(([name, listener]) => inner.on(name, listener));
      };

      /** What is at the address may be something else than its ending says: the module that plays all has a look. */
      const isForAll = (error) =>
        (name === "mpd" || name === "m3u8") && error?.fatal && (error.category === "manifest" || error.category === "browser");
      const tryAll = () => (again ??= turnTo("all").then(() => inner.load(address)));
      const watch = () => inner.on("error", (error) => isForAll(error) && tryAll().catch(refuse));
      /** The module itself cannot be had. What the module says comes as its own event. */
      const refuse = (error) => {
        if (error.code !== 1001 && error.code !== 4002) return;
        listeners.filter((it) => it[0] === "error").forEach((it) => it[2](error));
      };

      const player = {
        async load(url) {
          if (over) throw interrupted();
          const load = ++loads;
          const kind = typeof url === "string" ? kindOf(video, url) : name;
          if (kind !== name && (name !== "all" || kind === "alone")) await turnTo(kind);
          [address, again] = [url, null];
          try {
            return await inner.load(url);
          } catch (error) {
            if (load !== loads || !(again || isForAll(error))) throw error;
            return tryAll();
          }
        },
        on(name, listener) {
          const hears = name === "error" && typeof listener === "function";
          const called = hears ? (error) => isForAll(error) || listener(error) : listener;
          inner.on(name, called);
          listeners.push([name, called, listener]);
        },
        off(name, listener) {
          const same = (it) => it[0] === name && it[2] === listener;
          const gone = listeners.filter(same);
          if (!gone.length) inner.off(name, listener);
          gone.forEach((it) => inner.off(name, it[1]));
          listeners = listeners.filter((it) => !same(it));
        },
        qualities: () => inner.qualities(),
        setQuality: (id) => inner.setQuality(id),
        configure(options) {
          const { fetch, transport, ...rest } = options ?? {};
          if (fetch ?? transport) console.warn("nearlive: fetch and transport are options of create() alone");
          if (settings) Object.assign(settings, rest);
          inner.configure(rest);
        },
        goLive: () => inner.goLive(),
        stats: () => inner.stats(),
        // Once it is destroyed it must not be kept: it would keep its video, and that again it.
        destroy() {
          if (over) return;
          over = true;
          loads++;
          listeners = [];
          if (players.get(video) === player) players.delete(video);
          inner.destroy();
        },
      };
      watch();
      players.set(video, player);
      return player;
    },
  };
})();
