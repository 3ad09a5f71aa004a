// A trap in the module: what loader.js makes of it. No browser is needed for this one.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

// (module (func (export "boom") unreachable) (func (export "fault")))
const MODULE = [
  [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  [0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
  [0x03, 0x03, 0x02, 0x00, 0x00],
  [0x07, 0x10, 0x02, 0x04, ...Buffer.from("boom"), 0x00, 0x00, 0x05, ...Buffer.from("fault"), 0x00, 0x01],
  [0x0a, 0x08, 0x02, 0x03, 0x00, 0x00, 0x0b, 0x02, 0x00, 0x0b],
].flat();

async function guarded(exports) {
  const source = await readFile(new URL("../../www/loader.js", import.meta.url), "utf8");
  const told = [];
  const console = { error: (...all) => told.push(["console", ...all]) };
  const dispatchEvent = (event) => told.push([event.type, event.detail]);
  const guard = new Function("VERSION", "console", "dispatchEvent", `${source}; return guarded;`)("0", console, dispatchEvent);
  return { exports: guard(exports), told };
}

test("a trap is told to the module, to the console and to the page, and goes on to the caller", async () => {
  const { instance } = await WebAssembly.instantiate(new Uint8Array(MODULE));
  let noted = 0;
  const real = { boom: instance.exports.boom, fault: () => (noted += 1), memory: "not a function" };
  const { exports, told } = await guarded(real);
  assert.equal(exports.memory, "not a function");
  assert.throws(() => exports.boom(), WebAssembly.RuntimeError);
  assert.equal(noted, 1);
  assert.deepEqual(told.map(([what]) => what), ["console", "nearlive-fault"]);
  assert.match(told[1][1], /unreachable/);
});

test("an error that the page's own code throws through the module is no fault", async () => {
  const { exports, told } = await guarded({
    call: (a, b) => {
      throw new TypeError(`${a}${b}`);
    },
  });
  assert.throws(() => exports.call(1, 2), { name: "TypeError", message: "12" });
  assert.deepEqual(told, []);
});
