# Sourced by every script here: where things are kept and how to say what goes on.
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${KUBESTATS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kubestats}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
mkdir -p "$cache" "$CARGO_TARGET_DIR"
# Views of one type instead of thousands: a third less WebAssembly, quicker builds. It changes markers in the page, so
# that both halves must be built with it.
case ${RUSTFLAGS:-} in
  *erase_components*) ;;
  *) export RUSTFLAGS="${RUSTFLAGS:-}${RUSTFLAGS:+ }--cfg erase_components" ;;
esac

# Each step tells how long after the first it began; where a run keeps a list of its steps, it is written there too.
export KUBESTATS_BEGAN=${KUBESTATS_BEGAN:-$EPOCHSECONDS}
say() {
  local after=$((EPOCHSECONDS - KUBESTATS_BEGAN))
  after=$(printf '%d:%02d' $((after / 60)) $((after % 60)))
  printf '\033[1m== %s\033[0m (%s)\n' "$*" "$after" >&2
  [ -z "${KUBESTATS_STEPS:-}" ] || printf '%6s %s\n' "$after" "$*" >>"$KUBESTATS_STEPS"
}
fail() {
  printf '\033[31mkubestats: %s\033[0m\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Run a command quietly; show its output only when it fails, since then it is the explanation.
quietly() {
  local log
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then
    rm -f "$log"
  else
    local code=$?
    tail -n 60 "$log" >&2
    rm -f "$log"
    return $code
  fi
}

# Install Debian packages, as root or through sudo. Fails with the command to run by hand.
apt_install() {
  local sudo=()
  if [ "$(id -u)" != 0 ]; then
    sudo=(sudo)
    have sudo || fail "please install by hand (as root): apt-get install $*"
  fi
  have apt-get || fail "this is not Debian; please install what Debian calls: $*"
  say "installing $*"
  export DEBIAN_FRONTEND=noninteractive
  # Another step may be installing something too, for which apt-get would not wait.
  local get=(flock "$cache/apt.lock" "${sudo[@]}" apt-get)
  # A first try with the lists as they are saves a minute where they are fresh.
  quietly "${get[@]}" install -y --no-install-recommends "$@" 2>/dev/null && return
  quietly "${get[@]}" update || true
  quietly "${get[@]}" install -y --no-install-recommends "$@" ||
    fail "apt-get could not install: $*. Please install them by hand, then run this again"
}

# What `kubestats version` tells; two builds of one commit are the same.
# Where there is no .git, as in a container, whoever builds may tell.
build_info() {
  local time
  KUBESTATS_GIT_COMMIT=${KUBESTATS_GIT_COMMIT:-$(git -C "$root" rev-parse HEAD 2>/dev/null || true)}
  time=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || true)}
  KUBESTATS_BUILD_TIME=${time:+$(date --utc --date="@$time" +%Y-%m-%dT%H:%M:%SZ)}
  export KUBESTATS_GIT_COMMIT KUBESTATS_BUILD_TIME
}

# The version of a crate that Cargo.lock names.
locked() {
  awk -v name="$1" '$0 == "name = \"" name "\"" { getline; gsub(/"/, "", $3); print $3; exit }' "$root/Cargo.lock"
}

# `npm ci` in a folder, unless its lock file is what was installed there last.
npm_ci() {
  local dir=$1 stamp=$1/node_modules/.kubestats-installed
  have npm || apt_install nodejs npm
  if ! cmp -s "$dir/package-lock.json" "$stamp" 2>/dev/null; then
    say "installing npm packages of ${dir#"$root"/}"
    (cd "$dir" && quietly npm ci --no-audit --no-fund --ignore-scripts) || fail "npm ci failed in $dir"
    cp "$dir/package-lock.json" "$stamp"
  fi
}
