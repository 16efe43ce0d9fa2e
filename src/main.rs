//! The `blockscope` program: everything is in the library.

fn main() -> std::process::ExitCode {
    blockscope::alloc::keep_large_blocks();
    blockscope::cli::main()
}
