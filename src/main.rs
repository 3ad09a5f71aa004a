//! The browser module's entry. On other targets it only says what it is.

#[cfg(target_arch = "wasm32")]
mod web;

fn main() {
    #[cfg(target_arch = "wasm32")]
    web::start();
    #[cfg(not(target_arch = "wasm32"))]
    println!("This is the browser module of Nearlive; build it with `make player`.");
}
