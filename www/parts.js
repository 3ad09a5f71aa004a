// A module comes in two parts (www/pack/src/cut/). The player begins with the first; the second follows at low priority. If the
// first part calls it before it is there, it is loaded at once, and the page stands still meanwhile. Declares `compiled` and
// `secondPart`.

/** Downloads and compiles. What comes as another type than `application/wasm` is read to the end first, as browsers want it. */
const compiled = async (url, priority = "auto") => {
  const response = await fetch(url, { priority });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const streams = WebAssembly.compileStreaming && response.headers.get("content-type") === "application/wasm";
  return streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
};

/** Whether a page can compile while it stands still: Chrome before 114 refuses more than 4 kB. */
const compilesAtOnce = () => {
  const empty = new Uint8Array(5011); // a module of one section that means nothing
  empty.set([0, 97, 115, 109, 1, 0, 0, 0, 0, 136, 39]);
  try {
    return !!new WebAssembly.Module(empty);
  } catch {
    return false;
  }
};

/** `imports` are those of the first part; they gain `later.load`, which it calls for the second. */
const secondPart = (url, imports) => {
  let first; // the first part's exports
  let flag; // that the second is there
  const all = () => ({ ...imports, first });
  const take = async () => {
    const module = await compiled(url, "low");
    if (flag.value) return;
    await WebAssembly.instantiate(module, all());
    flag.value = 1;
  };
  imports.later = {
    load() {
      try {
        const request = new XMLHttpRequest();
        request.open("GET", url, false);
        request.overrideMimeType("text/plain; charset=x-user-defined"); // bytes as characters: one that waits gives nothing else
        request.send();
        if (request.status !== 200) throw new Error(`status ${request.status}`);
        const bytes = Uint8Array.from(request.responseText, (it) => it.charCodeAt());
        new WebAssembly.Instance(new WebAssembly.Module(bytes), all());
        flag.value = 1;
      } catch (cause) {
        throw new WebAssembly.RuntimeError(`the rest of the player could not be loaded from ${url}: ${cause.message}`);
      }
    },
  };
  const come = async () => {
    for (let pause = 500; !flag.value; pause = Math.min(2 * pause, 60_000)) {
      try {
        await take();
      } catch (cause) {
        console.warn(`nearlive: the rest of the player is not yet here: ${url}:`, cause); // there may be no network
        await new Promise((again) => setTimeout(again, pause));
      }
    }
  };
  /** The first part is there. Resolves when the player may begin. */
  return async (exports) => {
    first = exports;
    flag = Object.entries(exports).find(([name]) => name.startsWith("later"))?.[1];
    if (!flag) return; // it is whole
    if (compilesAtOnce()) come();
    else await take();
  };
};
