//! Cuts a WebAssembly module into what every page needs and a part for each lazy page, and writes the JavaScript glue:
//! `bindgen IN.wasm OUT_DIR NAME`.
//!
//! The libraries under `wasm-bindgen` and `wasm-split` build in a third of their command lines' time, and this is all of
//! them that we need. Left in OUT_DIR: NAME.js, NAME_bg.wasm, split.js, the parts, and parts.json, which tells the parts
//! that each lazy page needs.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [input, out_dir, name] = &args[..] else {
        eprintln!("usage: bindgen IN.wasm OUT_DIR NAME");
        std::process::exit(2);
    };
    if let Err(error) = run(Path::new(input), Path::new(out_dir), name) {
        eprintln!("{error:?}");
        std::process::exit(1);
    }
}

fn run(input: &Path, out_dir: &Path, name: &str) -> Result<(), Box<dyn Error>> {
    // Parts of an earlier module would be taken for this one's.
    if out_dir.exists() {
        fs::remove_dir_all(out_dir)?;
    }
    fs::create_dir_all(out_dir)?;
    let wasm = fs::read(input)?;
    let main = out_dir.join("main.wasm");
    let glue = format!("./{name}.js");
    let mut options = wasm_split_cli_support::Options::new(&wasm);
    options.output_dir = out_dir;
    options.main_out_path = &main;
    options.main_module = &glue;
    options.link_name = "./split.js";
    let split = wasm_split_cli_support::transform(options)?;
    let parts: BTreeMap<_, _> = split.prefetch_map.into_iter().collect();
    fs::write(out_dir.join("parts.json"), serde_json::to_string_pretty(&parts)?)?;

    wasm_bindgen_cli_support::Bindgen::new()
        .input_path(&main)
        .out_name(name)
        .web(true)?
        .typescript(false)
        .remove_producers_section(true)
        // The parts find what they share with the main module by these.
        .keep_lld_exports(true)
        .demangle(false)
        .generate(out_dir)?;
    fs::remove_file(main)?;
    Ok(())
}
