// The object that pages see. What this file can use, and what it must declare: www/pack/src/bundle.rs.

const nearlive = {
  version: VERSION,
  /** Resolves when the module is compiled. */
  ready: wasm_bindgen({ module_or_path: WASM_URL }).then(() => undefined),
};
