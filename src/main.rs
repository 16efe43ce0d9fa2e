//! The `blockscope` program: everything is in the library.

use blockscope::{alloc, cli, exit};

fn main() {
    alloc::keep_large_blocks();
    let code = std::panic::catch_unwind(cli::main).unwrap_or(exit::PANIC);
    exit::now(code)
}
