//! The `blockscope` program: everything is in the library.

use blockscope::{alloc, cli, exit, terminal};

#[global_allocator]
static ALLOCATOR: alloc::Remembering = alloc::Remembering;

fn main() {
    alloc::keep_large_blocks();
    exit::prepare(terminal::session::abandon);
    let code = std::panic::catch_unwind(cli::main).unwrap_or(exit::PANIC);
    exit::now(code)
}
