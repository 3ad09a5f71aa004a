//! Puts the player (`dist/`) and the page (`www/`) into the server, where they are there.
//!
//! Writes `embedded.rs`: a table of name, bytes, the same bytes in gzip and in Brotli where that is
//! smaller, and a tag that changes with the bytes. Without `dist/` the table is simply shorter, and the server
//! says how to build the player.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What is embedded of `www/`: the pages, with their modules and their style. The rest of it is
/// packed into `dist/`.
const PAGES: [&str; 7] = ["css", "html", "ico", "mjs", "png", "svg", "webmanifest"];
/// What is embedded of `dist/`.
const PLAYER: [&str; 7] = ["css", "js", "map", "mjs", "mts", "ts", "wasm"];

fn main() -> io::Result<()> {
    let out =
        PathBuf::from(std::env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR"))?);
    let mut table = String::from("pub(super) static FILES: &[Embedded] = &[\n");
    for (folder, endings) in [("../dist", &PLAYER[..]), ("../www", &PAGES[..])] {
        // A folder that is not there counts as changed on every build when it is named, so its
        // parent is watched for it to appear.
        println!(
            "cargo::rerun-if-changed={}",
            if Path::new(folder).is_dir() { folder } else { ".." }
        );
        for path in files(Path::new(folder), endings) {
            entry(&mut table, &path, &out)?;
        }
    }
    table.push_str("];\n");
    fs::write(out.join("embedded.rs"), table)
}

fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .map(|entries| entries.filter_map(|e| Some(e.ok()?.path())).collect())
        .unwrap_or_default();
    found.retain(|p| {
        p.is_file() && p.extension().and_then(|e| e.to_str()).is_some_and(|e| endings.contains(&e))
    });
    found.sort();
    found
}

fn entry(table: &mut String, path: &Path, out: &Path) -> io::Result<()> {
    let path = path.canonicalize()?;
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let bytes = fs::read(&path)?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let smaller = |packed: Vec<u8>, ending| {
        if packed.len() >= bytes.len() {
            return Ok::<_, io::Error>("None".to_owned());
        }
        let path = out.join(format!("{name}.{ending}"));
        fs::write(&path, packed)?;
        Ok(format!("Some(include_bytes!({path:?}))"))
    };
    let (gzip, brotli) = (smaller(gzip(&bytes)?, "gz")?, smaller(brotli(&bytes)?, "br")?);
    let _ = writeln!(
        table,
        "    Embedded {{ name: {name:?}, plain: include_bytes!({path:?}), gzip: {gzip}, brotli: {brotli}, tag: \"\\\"{:016x}\\\"\" }},",
        hasher.finish()
    );
    Ok(())
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes)?;
    gzip.finish()
}

/// As small as it gets, which takes seconds, where the program is built to be used.
fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let quality = if std::env::var("PROFILE").is_ok_and(|p| p == "release") { 11 } else { 4 };
    let params = brotli::enc::BrotliEncoderParams { quality, lgwin: 22, ..Default::default() };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut out, &params)?;
    Ok(out)
}
