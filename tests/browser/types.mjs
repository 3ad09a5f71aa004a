// The members that a .d.ts file declares, and whether an object of a page has them: what is checked of the facades' types. It reads as
// much of TypeScript as those files use.

import { readFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "./harness.mjs";

/** The classes and interfaces of `dist/NAME.d.ts` by name; each a list of { name, isStatic, args, type }, `args` null for a property. */
export function declared(name) {
  const text = readFileSync(path.join(ROOT, "dist", `${name}.d.ts`), "utf8").replace(/\/\*[^]*?\*\/|\/\/.*/g, "");
  const all = {};
  for (const { 1: name, index, 0: head } of text.matchAll(/(?:class|interface) (\w+) \{/g)) {
    all[name] = parts(text.slice(index + head.length), ";").map(member).filter(Boolean);
  }
  return all;
}

function member(text) {
  const [, isStatic, name, args, type] = /^(static )?(?:readonly )?(\w+|\[.*?\])\??(\(.*?\))?: ([^]*)$/.exec(text.trim()) ?? [];
  return name && { name, isStatic: !!isStatic, args: args ?? null, type };
}

/** What stands between the separators outside of brackets, up to the bracket that closes the whole. */
function parts(text, separator) {
  const all = [""];
  let depth = 0;
  for (const c of text) {
    if ("{([".includes(c)) depth++;
    if ("})]".includes(c) && --depth < 0) break;
    if (c === separator && depth === 0) all.push("");
    else all[all.length - 1] += c;
  }
  return all;
}

/**
 * Runs in the page. What is wrong with `of`, an object of the type `name`: members that it lacks or that are of another type, and
 * members that the types do not have. Of methods, the results of those in `calls` are looked at: { name: arguments }.
 */
export function mistakes({ types, name, of, calls = {} }) {
  const it = new Function(`return ${of}`)();
  const fits = (type, value) =>
    type.split("|").some((one) => {
      const type = one.trim();
      if (type === "any") return true;
      if (type === "null") return value === null;
      if (type === "never[]") return Array.isArray(value) && !value.length;
      if (type.startsWith("{")) return typeof value === "object" && value !== null;
      if (type.endsWith("[]")) return Array.isArray(value) && value.length && value.every((it) => fits(type.slice(0, -2), it));
      if (["string", "number", "boolean", "undefined", "object"].includes(type)) return typeof value === type && value !== null;
      const known = types[type.split(".").at(-1)];
      return known ? typeof value === "object" && value !== null && wrong(known, value).length === 0 : value instanceof globalThis[type];
    });
  const wrong = (members, value) => {
    const open = members.find((it) => it.name.startsWith("["));
    const own = Object.keys(value).filter((name) => !members.some((it) => it.name === name) && !(open && fits(open.type, value[name])));
    const lacks = members.filter((it) => it !== open && it.name in value && !fits(it.type, value[it.name]));
    return [...own, ...lacks.map((it) => it.name)];
  };
  const members = types[name].filter((it) => !it.isStatic);
  const all = [];
  for (const { name, args, type } of members) {
    if (!(name in it)) all.push(`${name} is not there`);
    else if (args !== null && typeof it[name] !== "function") all.push(`${name} is no method`);
    else if (args === null && !fits(type, it[name])) all.push(`${name} is no ${type}`);
    else if (calls[name]) {
      const result = it[name](...calls[name]);
      if (!fits(type, result)) all.push(`${name}() gives ${JSON.stringify(result)}, which is no ${type}`);
    }
  }
  const has = [...Object.keys(it), ...Object.getOwnPropertyNames(Object.getPrototypeOf(it))];
  const more = has.filter((name) => name !== "constructor" && !members.some((it) => it.name === name));
  return [...all, ...more.map((name) => `${name} is not declared`)];
}
