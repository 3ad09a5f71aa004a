//! The browser module's entry. On other targets it only says what it is.

fn main() {
    #[cfg(not(target_arch = "wasm32"))]
    println!("This is the browser module of Nearlive; build it with `make player`.");
}
