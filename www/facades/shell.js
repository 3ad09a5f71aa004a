// What the facades share. It stands before each of them, in one scope (www/pack/src/bundle.rs): `HERE`, `nearliveOf`,
// `warnOnce`, `lenient`, `emitter`.

/** The player's own script: the global where the page has it already, else the module beside this script. */
const HERE = document.currentScript?.src || new URL("nearlive.js", document.baseURI).href;
const nearliveOf = async () => globalThis.nearlive ?? (await import(new URL("nearlive.mjs", HERE))).nearlive;

const warned = new Set();
const warnOnce = (what) => {
  if (warned.has(what)) return;
  warned.add(what);
  console.warn(`nearlive: ${what} is not in this facade`);
};

/** Names that begin so are of methods. */
const VERB = /^(get|set|add|re|un|is|trigger|create|extend|pre|provide)/;

/** A page that uses what is not there gets a warning with its name, and nothing breaks. */
const lenient = (of, target) =>
  new Proxy(target, {
    get(it, name) {
      const value = Reflect.get(it, name, it);
      // A method sees the private fields of its own object only.
      if (typeof value === "function" && !Object.hasOwn(it, name)) return value.bind(it);
      if (name in it || typeof name === "symbol" || name === "then" || name === "toJSON") return value;
      if (VERB.test(name)) return () => warnOnce(`${of}.${name}()`);
      return void warnOnce(`${of}.${name}`);
    },
    set: (it, name, value) => Reflect.set(it, name, value, it) || (warnOnce(`setting ${of}.${name}`), true),
  });

/** Listeners by the name of an event. `told(name, data)`: what a listener gets. `never`: events that are not told of here. */
const emitter = (told, never) => {
  let all = []; // { name, listener, scope, once }
  return {
    add(name, listener, scope, once) {
      if (never.test(name)) warnOnce(`the event ${name}`);
      if (!all.some((it) => it.name === name && it.listener === listener && it.scope === scope)) all.push({ name, listener, scope, once });
    },
    /** Without a listener all of the event, without a name all. */
    remove(name, listener) {
      all = all.filter((it) => (name ? it.name !== name || (listener && it.listener !== listener) : listener));
    },
    emit(name, data) {
      for (const it of all.filter((it) => it.name === name)) {
        if (!all.includes(it)) continue; // a listener before it has removed it
        if (it.once) all = all.filter((other) => other !== it);
        try {
          it.listener.call(it.scope, ...told(name, data));
        } catch (thrown) {
          console.error("nearlive: an event listener of the page failed", thrown);
        }
      }
    },
  };
};
