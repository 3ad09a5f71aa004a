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

/** The players whose module plays one protocol alone. */
const partial = new WeakSet();

const nearlive = (() => {
  // The modules by what they play ("all", or the ending of a manifest), and the script for a browser that plays "alone": a
  // promise of what has the `Player` of each.
  const modules = {};
  // A page need not keep what create() gave it. A player holds its video, so that only destroy() ends them both.
  const players = new WeakMap();

  /** The browser plays HLS by itself, and nothing else can be made to play in it. */
  const playsAlone = (video) =>
    !globalThis.MediaSource && !globalThis.ManagedMediaSource && !!video?.canPlayType?.("application/vnd.apple.mpegurl");

  /** Which module plays what is at this address. */
  const moduleFor = (video, src) => {
    if (playsAlone(video)) return "alone";
    const ending = /\.(mpd|m3u8)$/i.exec(String(src).split(/[?#]/, 1));
    return modules.all || !ending ? "all" : ending[1].toLowerCase();
  };

  /** Compiles a module once; a failed download is tried again at the next call. */
  const start = (name) => (modules[name] ??= compile(name));

  const compile = async (name) => {
    try {
      if (name === "alone") return await import(MODULES[name]);
      const glue = wasm_bindgen();
      await glue(MODULES[name]);
      return glue;
    } catch (cause) {
      delete modules[name];
      throw unusable(cause, MODULES[name]);
    }
  };

  /** In the shape of the player's own errors. */
  const unusable = (cause, url) => {
    const old = typeof WebAssembly !== "object";
    const message = old
      ? "This browser has no WebAssembly. Use a current Chrome, Edge, Firefox or Safari."
      : `The player itself could not be loaded from ${url}. Check that this address can be reached from here, and reload.`;
    return Object.assign(new Error(message), {
      name: "NearliveError",
      code: old ? 4002 : 1001,
      category: old ? "browser" : "network",
      fatal: true,
      url: old ? undefined : url,
      detail: String(cause?.message ?? cause),
    });
  };

  return {
    version: VERSION,
    get ready() {
      return start("all").then(() => {});
    },
    async create(video, options, src) {
      const name = moduleFor(video, src);
      const { Player } = await start(name);
      players.get(video)?.destroy();
      const player = new Player(video, options);
      if (name === "mpd" || name === "m3u8") partial.add(player);
      players.set(video, player);
      // Once it is destroyed it must not be kept: it would keep its video, and that again it.
      player.destroy = () => {
        if (players.get(video) === player) players.delete(video);
        Player.prototype.destroy.call(player);
      };
      return player;
    },
  };
})();
