# Sourced: `wasm_toolchain` finds or makes a compiler for wasm32-unknown-unknown and leaves its command in `wasm_cargo`;
# `wasm_bindgen` builds what cuts the module into parts and writes its glue, and leaves its path in `bindgen`.
# shellcheck shell=bash disable=SC2034,SC2154

wasm_toolchain() {
  wasm_cargo=(cargo)
  local target=wasm32-unknown-unknown sysroot
  sysroot=$(rustc --print sysroot 2>/dev/null) || fail "no Rust: please install it by https://rustup.rs"
  # KUBESTATS_WASM=debian skips rustup, to try the other way where rustup would do.
  if [ "${KUBESTATS_WASM:-}" = debian ]; then
    debian_sysroot "$target"
    return
  fi
  [ -d "$sysroot/lib/rustlib/$target/lib" ] && return
  if have rustup && [ ! -e "$cache/no-rustup-target" ]; then
    say "adding the $target target by rustup"
    if (cd "$root" && timeout 180 rustup target add "$target" >/dev/null 2>&1); then return; fi
    touch "$cache/no-rustup-target"
    say "rustup cannot fetch the $target target here; building it from Debian's source of the standard library"
  fi
  debian_sysroot "$target"
}

# Debian ships rustc with the standard library's source. A sysroot of our own, linked to Debian's files, holds the
# target's library that we build from it, so nothing outside the cache is touched.
debian_sysroot() {
  local target=$1 own=$cache/wasm-sysroot
  local missing=() package
  for package in rustc-web cargo-web rust-web-src lld-22; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
  local version
  version=$(/usr/bin/rustc --version)
  wasm_cargo=(env "RUSTC=$own/rustc" "RUSTDOC=/usr/bin/rustdoc" /usr/bin/cargo)
  # What the library was built with; link-time optimisation needs its bitcode.
  local made="$version with bitcode"
  [ "$(cat "$own/ready" 2>/dev/null)" = "$made" ] && return

  say "building the standard library for $target (about a minute)"
  rm -rf "$own"
  local host
  host=$(/usr/bin/rustc -vV | sed -n 's/^host: //p')
  mkdir -p "$own/lib/rustlib/$host/bin" "$own/lib/rustlib/$target/lib" "$own/std/src"
  ln -s "/usr/lib/rustlib/$host/lib" "$own/lib/rustlib/$host/lib"
  ln -s /usr/lib/rustlib/src "$own/lib/rustlib/src"
  ln -s "$(command -v lld-22)" "$own/lib/rustlib/$host/bin/rust-lld"
  printf '#!/bin/sh\nexec /usr/bin/rustc --sysroot "%s" "$@"\n' "$own" >"$own/rustc"
  chmod +x "$own/rustc"

  printf '[package]\nname = "only-std"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$own/std/Cargo.toml"
  : >"$own/std/src/lib.rs"
  (
    cd "$own/std"
    RUSTC_BOOTSTRAP=1 RUSTFLAGS='-C embed-bitcode=yes' CARGO_TARGET_DIR=$own/std/target quietly "${wasm_cargo[@]}" build --release \
      -Z build-std=std,panic_abort,proc_macro,test --target "$target"
  ) || fail "the standard library for $target could not be built; with a network, run: rustup target add $target"
  find "$own/std/target/$target/release/deps" -name '*.rlib' ! -name 'libonly_std*' \
    -exec cp {} "$own/lib/rustlib/$target/lib/" \;
  rm -rf "$own/std"
  echo "$made" >"$own/ready"
}

wasm_bindgen() {
  local version
  version=$(locked wasm-bindgen)
  bindgen=$cache/bindgen-$version-$(sha256sum <"$root/.ci/bindgen.rs" | cut -c1-8)
  [ -x "$bindgen" ] && return
  say "building the generator of wasm-bindgen $version"
  local dir=$cache/bindgen-src
  mkdir -p "$dir/src"
  cp "$root/.ci/bindgen.rs" "$dir/src/main.rs"
  cat >"$dir/Cargo.toml" <<EOF
[package]
name = "bindgen"
version = "0.0.0"
edition = "2024"
[workspace]
[dependencies]
serde_json = "1"
wasm-bindgen-cli-support = "=$version"
wasm_split_cli_support = "=0.2.4"
[profile.dev]
opt-level = 1
debug = false
EOF
  (cd "$dir" && CARGO_TARGET_DIR=$dir/target quietly cargo build) ||
    fail "wasm-bindgen $version could not be built from crates.io"
  cp "$dir/target/debug/bindgen" "$bindgen.new"
  mv "$bindgen.new" "$bindgen"
  rm -rf "$dir"
}
