//! Makes JavaScript small by oxc: comments and white space go, names that no page sees become short.

use anyhow::{Result, bail};
use oxc_allocator::Allocator;
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_minifier::{Minifier, MinifierOptions};
use oxc_parser::Parser;
use oxc_span::SourceType;

/// What is run by `<script src>`: its top-level names are the page's.
pub(crate) fn script(text: &str) -> Result<String> {
    minified(text, SourceType::script())
}

/// What is run by `import`: only its exports have names.
pub(crate) fn module(text: &str) -> Result<String> {
    minified(text, SourceType::mjs())
}

fn minified(text: &str, kind: SourceType) -> Result<String> {
    let allocator = Allocator::default();
    let mut parsed = Parser::new(&allocator, text, kind).parse();
    if let Some(error) = parsed.diagnostics.first() {
        bail!("what was packed is no JavaScript: {error}");
    }
    let names = Minifier::new(MinifierOptions::default()).minify(&allocator, &mut parsed.program);
    let printer = Codegen::new()
        .with_options(CodegenOptions::minify())
        .with_scoping(names.scoping)
        .with_private_member_mappings(names.class_private_mappings);
    Ok(printer.build(&parsed.program).code + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_sees_keeps_its_name() {
        let text = "/* why */ const inner = (value) => value + 1;\nexport { inner as shown };\n";
        assert_eq!(module(text).unwrap(), "const e=e=>e+1;export{e as shown};\n");
        assert_eq!(script("var all = 1; // why\n").unwrap(), "var all=1;\n");
    }

    #[test]
    fn bundlers_still_find_the_address_of_the_module() {
        // They look for a text without substitutions, in quotes or backticks.
        let text = module("export default new URL(\"a.wasm\", import.meta.url).href;").unwrap();
        assert!(text.contains("new URL(`a.wasm`,import.meta.url)"), "{text}");
    }

    #[test]
    fn what_is_no_javascript_is_refused() {
        let error = script("const = 1;").unwrap_err().to_string();
        assert!(error.starts_with("what was packed is no JavaScript: "), "{error}");
    }
}
