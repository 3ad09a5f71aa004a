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

const nearlive = (() => {
  let compiled;
  // A page need not keep what create() gave it. A player holds its video, so that only destroy() ends them both.
  const players = new WeakMap();

  /** Compiles the module once; a failed download is tried again at the next call. */
  const start = () =>
    (compiled ??= wasm_bindgen(WASM_URL).then(
      () => undefined,
      (cause) => {
        compiled = undefined;
        throw unusable(cause);
      },
    ));

  /** In the shape of the player's own errors. */
  const unusable = (cause) => {
    const old = typeof WebAssembly !== "object";
    const message = old
      ? "This browser has no WebAssembly. Use a current Chrome, Edge, Firefox or Safari."
      : `The player itself could not be loaded from ${WASM_URL}. Check that this address can be reached from here, and reload.`;
    return Object.assign(new Error(message), {
      name: "NearliveError",
      code: old ? 4002 : 1001,
      category: old ? "browser" : "network",
      fatal: true,
      url: old ? undefined : WASM_URL,
      detail: String(cause?.message ?? cause),
    });
  };

  return {
    version: VERSION,
    get ready() {
      return start();
    },
    async create(video, options) {
      await start();
      players.get(video)?.destroy();
      const player = new wasm_bindgen.Player(video, options);
      players.set(video, player);
      // Once it is destroyed it must not be kept: it would keep its video, and that again it.
      player.destroy = () => {
        if (players.get(video) === player) players.delete(video);
        wasm_bindgen.Player.prototype.destroy.call(player);
      };
      return player;
    },
  };
})();
