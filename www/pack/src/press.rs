//! What a file weighs on the wire.

use anyhow::Result;

/// Its size, pressed by brotli as servers do it beforehand.
pub(crate) fn brotli(bytes: &[u8]) -> Result<usize> {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut out, &params)?;
    Ok(out.len())
}
