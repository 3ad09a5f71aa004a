// The object that pages see. What this file can use, and what it must declare: www/pack/src/bundle.rs. No logic: that is in
// the module. The reference of everything here: www/nearlive.d.ts.

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

  /** By the same names: what begins a module, once an instance has ended for want of the second part. */
  const begins = {};

  const compile = async (name) => {
    const both = !!begins[name];
    try {
      if (!MODULES.later[name]) return await import(MODULES[name]);
      const begin = begins[name] ?? parts(MODULES[name], MODULES.later[name]);
      const ended = () => {
        begins[name] = begin;
        return (modules[name] = compile(name));
      };
      return await begin(both, ended);
    } catch (cause) {
      delete modules[name];
      throw unusable(cause, both ? MODULES.later[name] : MODULES[name]);
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
      let module = await start(name);
      // One that needed a longer download must not end what came after it.
      if (calls.has(video) && calls.get(video) !== call) throw interrupted();
      players.get(video)?.destroy();
      let inner; // null from when its module has ended until the next one is there
      let ended; // the module that is being followed by another
      let listeners = []; // [name of an event, what the module calls, the page's listener]
      let loads = 0;
      let over = false;
      /** The address that was loaded last, and its second try. */
      let address, again;
      let promised = []; // what resolves and rejects the promise of the last load
      let quality; // what the page chose since
      let live; // whether what is loaded is, once that is known
      let figures;

      /** Makes the player in the module that there is. */
      const begin = (options = settings) => {
        try {
          inner = new module.Player(video, options);
          inner.on("error", (error) => isForAll(error) && tryAll().catch(refuse));
          inner.on("loaded", (detail) => (live = detail.live));
          listeners.forEach(([name, called]) => inner.on(name, called));
        } catch (thrown) {
          if (!module.life?.over) throw thrown;
        }
        player.stats();
        module.life?.players.add(anew);
        video?.addEventListener?.("loadeddata", follow);
        if (module.life?.over) anew();
      };
      const leave = () => {
        module.life?.players.delete(anew);
        video.removeEventListener("loadeddata", follow);
        ask("destroy");
        if (module.life?.over) release();
      };
      const follow = () => module.life?.follow();
      /** Takes the picture of an instance that has ended out of the video. */
      const release = () => {
        video.removeAttribute("src");
        video.load();
      };

      /** Calls the inner player. Nothing comes of it where there is none, nor if it ends by that. */
      const ask = (does, ...all) => {
        const { life } = module;
        try {
          const answer = inner?.[does](...all);
          if (!life?.over) return answer;
        } catch (thrown) {
          if (!life?.over) throw thrown;
        }
      };

      /** Its module needed its second part before that was there: all goes on in one that has it. */
      const anew = async () => {
        if (ended === module) return;
        const from = (ended = module);
        inner = null;
        const load = loads;
        const at = live === false ? video.currentTime : 0;
        const played = video.played.length > 0;
        const { src } = video;
        figures = { ...figures, trouble: "The rest of the player is being loaded; check the network if that takes long." };
        try {
          const next = await start(name);
          if (over || module !== from) return;
          module = next;
          begin(played || !video.paused ? { ...settings, autoplay: !video.paused } : settings);
          URL.revokeObjectURL(src);
        } catch (error) {
          if (over || module !== from) return;
          promised[1]?.(error);
          refuse(error);
        } finally {
          if (ended === from) ended = null;
        }
        if (!inner || address === undefined) return;
        const [resolve, reject] = promised;
        const now = module;
        await ask("load", address)?.then(resolve, reject);
        // It is as it was, unless something else was loaded meanwhile, or nothing.
        if (over || module !== now || load !== loads || live === undefined) return;
        if (at) video.currentTime = at;
        if (quality !== undefined) ask("setQuality", quality);
      };

      /** Loads the address, in the inner player or in the one that follows it. */
      const loaded = () =>
        new Promise((...both) => {
          promised[1]?.(interrupted());
          promised = both;
          live = undefined;
          if (inner) ask("load", address)?.then(...both);
          else anew();
        });

      /** What plays `kind` takes over. Loading something else, or the end, comes in between. */
      const turnTo = async (kind) => {
        const load = loads;
        const next = moduleFor(kind);
        const other = await start(next);
        if (load !== loads) throw interrupted();
        leave();
        [module, name] = [other, next];
        begin();
      };

      /** What is at the address may be something else than its ending says: the module that plays all has a look. */
      const isForAll = (error) =>
        (name === "mpd" || name === "m3u8") && error?.fatal && (error.category === "manifest" || error.category === "browser");
      const tryAll = () => (again ??= turnTo("all").then(loaded));
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
          [address, again, quality] = [url, null];
          try {
            return await loaded();
          } catch (error) {
            if (load !== loads || !(again || isForAll(error))) throw error;
            return tryAll();
          }
        },
        on(name, listener) {
          const hears = name === "error" && typeof listener === "function";
          const called = hears ? (error) => isForAll(error) || listener(error) : listener;
          ask("on", name, called);
          if (typeof name === "string" && typeof listener === "function") listeners.push([name, called, listener]);
        },
        off(name, listener) {
          const same = (it) => it[0] === name && it[2] === listener;
          const gone = listeners.filter(same);
          if (!gone.length) ask("off", name, listener);
          gone.forEach((it) => ask("off", name, it[1]));
          listeners = listeners.filter((it) => !same(it));
        },
        qualities: () => ask("qualities") ?? [],
        setQuality(id) {
          ask("setQuality", id);
          if (typeof id === "string") quality = id;
        },
        configure(options) {
          const { fetch, transport, ...rest } = options ?? {};
          if (fetch ?? transport) console.warn("nearlive: fetch and transport are options of create() alone");
          if (settings) Object.assign(settings, rest);
          ask("configure", rest);
        },
        goLive: () => ask("goLive"),
        stats: () => (figures = ask("stats") ?? figures),
        // Once it is destroyed it must not be kept: it would keep its video, and that again it.
        destroy() {
          if (over) return;
          over = true;
          loads++;
          listeners = [];
          if (players.get(video) === player) players.delete(video);
          leave();
          promised[1]?.(interrupted());
        },
      };
      begin();
      players.set(video, player);
      return player;
    },
  };
})();
