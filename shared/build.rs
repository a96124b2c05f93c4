//! Compiles `infra/collections.toml` in: what is wrong there stops the build, with its line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[path = "src/collection"]
mod collection {
    #[expect(unreachable_pub, reason = "the crate itself shows them")]
    pub(crate) mod file;
    #[expect(
        unreachable_pub,
        dead_code,
        reason = "the crate itself uses and shows what is left over here"
    )]
    pub(crate) mod policy;
}

const FILE: &str = "../infra/collections.toml";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed={FILE}");
    println!("cargo::rerun-if-changed=src/collection");
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("cargo::error={why}");
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), String> {
    let text = std::fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
    let table = collection::file::parse(&text).map_err(|error| format!("infra/collections.toml: {error}"))?;
    // Debug output of plain structs is Rust but for its slices, and no text in the file may hold a bracket.
    let rust = format!("{table:?}").replace(": [", ": &[");
    let to: PathBuf = Path::new(&out_dir()?).join("collections.rs");
    std::fs::write(&to, rust).map_err(|error| format!("{}: {error}", to.display()))
}

#[expect(clippy::disallowed_methods, reason = "Cargo says so by this variable")]
fn out_dir() -> Result<String, String> {
    std::env::var("OUT_DIR").map_err(|error| error.to_string())
}
