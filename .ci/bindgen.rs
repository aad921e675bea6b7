//! Writes the JavaScript glue for a WebAssembly module: `bindgen IN.wasm OUT_DIR NAME`.
//!
//! The library under `wasm-bindgen` builds in a third of its command line's time, and this is all of it that we need.

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [input, out_dir, name] = &args[..] else {
        eprintln!("usage: bindgen IN.wasm OUT_DIR NAME");
        std::process::exit(2);
    };
    let generated = wasm_bindgen_cli_support::Bindgen::new()
        .input_path(input)
        .out_name(name)
        .web(true)
        .map(|b| b.typescript(false).remove_producers_section(true).generate(out_dir));
    if let Err(error) = generated.and_then(|done| done) {
        eprintln!("{error:?}");
        std::process::exit(1);
    }
}
