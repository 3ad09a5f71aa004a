//! The command `nearlive-server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    nearlive_server::run::main()
}
