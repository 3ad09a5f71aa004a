//! Puts the pieces together into one script, and into one module. Pure: text in, text out.
//!
//! The pieces share one function scope, in this order; `loader.js` and `element.js` are no modules:
//!
//! | piece | declares |
//! |---|---|
//! | prologue | `VERSION` (string), `STYLE` (the text of `www/nearlive.css`), `MODULES` (the address of the module that plays all, by the ending of a manifest of the one that plays it, and those of `www/native.js`, `www/xhr.js` and the controls) |
//! | glue | `wasm_bindgen`: gives the glue of a module. Called with the module's address that gives a promise; the exports are its properties |
//! | `www/loader.js` | `guarded`, through which the glue takes the module's exports; `gathered`, which the module calls; `nearlive`, the object that pages see; starts nothing before it is asked or `ready` is read |
//! | `www/element.js` | nothing that others use; defines `<nearlive-player>` |
//! | epilogue | the script: the global `nearlive`, unless there is one; the module: its exports |
//!
//! The controls are a module of their own: `VERSION` and `STYLE` (the text of `www/controls.css`), `www/figures.js`, which
//! puts figures into words, and `www/controls.js`, which exports `Controls`.
//!
//! The address of a module is that of the script with another name, its query kept, so that a cache is got round
//! for both at once: `nearlive.js?v=2` loads `nearlive.wasm?v=2`.

use crate::strip;

/// What a page gets, besides the glue.
pub(crate) struct Sources {
    pub(crate) version: &'static str,
    pub(crate) loader: String,
    pub(crate) native: String,
    pub(crate) xhr: String,
    pub(crate) element: String,
    pub(crate) style: String,
    /// `figures.js` and `controls.js`, and their style.
    pub(crate) controls: String,
    pub(crate) controls_style: String,
}

/// `dist/nearlive.js`: for `<script src>`.
pub(crate) fn script(sources: &Sources, glue: &str) -> String {
    let url = r#"const MODULES = (() => {
const at = new URL(document.currentScript?.src || "nearlive.js", document.baseURI);
const module = (name) => new URL(name + at.search, at).href;
return { all: module("nearlive.wasm"), mpd: module("nearlive-dash.wasm"), m3u8: module("nearlive-hls.wasm"),
alone: module("nearlive-native.mjs"), xhr: module("nearlive-xhr.mjs"), controls: module("nearlive-controls.mjs") };
})();"#;
    let body = body(sources, glue, url);
    format!("(() => {{\n\"use strict\";\n{body}globalThis.nearlive ??= nearlive;\n}})();\n")
}

/// `dist/nearlive.mjs`: for `import`. The address is written as bundlers look for it.
pub(crate) fn module(sources: &Sources, glue: &str) -> String {
    let url = r#"const MODULES = (() => {
const module = (at) => ((at.search ||= new URL(import.meta.url).search), at.href);
return {
all: module(new URL("nearlive.wasm", import.meta.url)),
mpd: module(new URL("nearlive-dash.wasm", import.meta.url)),
m3u8: module(new URL("nearlive-hls.wasm", import.meta.url)),
alone: module(new URL("nearlive-native.mjs", import.meta.url)),
xhr: module(new URL("nearlive-xhr.mjs", import.meta.url)),
controls: module(new URL("nearlive-controls.mjs", import.meta.url)),
};
})();"#;
    body(sources, glue, url) + "export { nearlive as default, nearlive };\n"
}

/// `dist/nearlive-controls.mjs`: what the element loads when there is a picture.
pub(crate) fn controls(sources: &Sources) -> String {
    constants(sources, &sources.controls_style) + &sources.controls
}

/// `dist/nearlive-NAME.js`: another player's API on top of `dist/nearlive.mjs`, which it loads itself. `shell`: what all of
/// these share.
pub(crate) fn facade(shell: &str, text: &str) -> String {
    format!("(() => {{\n\"use strict\";\n{shell}{text}}})();\n")
}

/// The first line of each of these files.
pub(crate) fn banner(sources: &Sources) -> String {
    format!("/*! Nearlive {} | MIT OR Apache-2.0 */\n", sources.version)
}

fn body(sources: &Sources, glue: &str, url: &str) -> String {
    let constants = constants(sources, &sources.style);
    format!("{constants}{url}\n{glue}{}{}", sources.loader, sources.element)
}

fn constants(sources: &Sources, style: &str) -> String {
    let (version, style) = (quote(sources.version), quote(&strip::css(style)));
    format!("const VERSION = {version}, STYLE = {style};\n")
}

/// A JavaScript string literal. `<` is escaped so that the script may be pasted into a page as well.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '<' => out.push_str("\\x3c"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        Sources {
            version: "1.2.3",
            loader: "const nearlive = { version: VERSION };\n".into(),
            native: String::new(),
            xhr: String::new(),
            element: "customElements.define(\"x-y\", class {});\n".into(),
            style: ".a { content: \"\\201c\"; }".into(),
            controls: "export class Controls {}\n".into(),
            controls_style: ".bar { left: 0; }".into(),
        }
    }

    #[test]
    fn the_script_leaks_nothing_but_its_global() {
        let code = script(&sources(), "let wasm_bindgen = 1;\n");
        assert!(code.starts_with("(() => {\n\"use strict\";\n"), "{code}");
        assert!(code.ends_with("globalThis.nearlive ??= nearlive;\n})();\n"), "{code}");
        let place =
            |piece: &str| code.find(piece).unwrap_or_else(|| panic!("{piece} is missing: {code}"));
        assert!(place("const VERSION = \"1.2.3\"") < place("let wasm_bindgen"));
        assert!(place("let wasm_bindgen") < place("const nearlive"));
        assert!(place("const nearlive") < place("customElements"));
    }

    #[test]
    fn the_module_exports_and_sets_no_global() {
        let text = module(&sources(), "let wasm_bindgen = 1;\n");
        assert!(text.contains("new URL(\"nearlive-dash.wasm\", import.meta.url)"), "{text}");
        assert!(text.contains("export { nearlive as default, nearlive };"), "{text}");
        assert!(!text.contains("globalThis.nearlive"), "{text}");
    }

    #[test]
    fn the_controls_are_a_module_with_a_style_of_their_own() {
        let text = controls(&sources());
        let head = "const VERSION = \"1.2.3\", STYLE = \".bar{left:0}\";\n";
        assert_eq!(text, format!("{head}export class Controls {{}}\n"));
    }

    #[test]
    fn the_style_survives_as_a_string() {
        assert!(script(&sources(), "").contains(r#"STYLE = ".a{content:\"\\201c\"}""#));
        assert_eq!(quote("</script>\n"), r#""\x3c/script>\n""#);
    }
}
