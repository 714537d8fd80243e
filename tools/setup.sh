# shellcheck shell=bash
# setup.sh: sourced by ./run and ./test: installs missing packages and builds. Needs Debian 12, and root or sudo to install.

BUILD_PACKAGES="gcc ninja-build cmake pkg-config ccache python3 libgmp-dev libpcre2-dev libutf8proc-dev libedit-dev zlib1g-dev
  libssl-dev libbz2-dev liblzma-dev libexpat1-dev libffi-dev libsqlite3-dev libuv1-dev unicode-data libpython3.11-stdlib"
TEST_PACKAGES="libpython3.11-testsuite clang libclang-rt-14-dev python3-pytest python3-toolz python3-more-itertools python3-hyperlink
  python3-hypothesis python3-pypeg2 python3-parsley python3-pyflakes python3-simpy3 python3-pygments python3-docutils python3-mako python3-click
  python3-uvloop python3-websockets openssl netbase make python3-tornado
  python3-async-generator python3-aiostream python3-janus python3-aiofiles"

setup_install() {   # names of packages; installs those that are missing
  local missing=() name
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "installing: ${missing[*]}" >&2
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2 &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
}

setup_build() {     # preset name (release, debug, asan); builds when a source is newer than the program
  local preset=$1 dir=build
  [ "$preset" = release ] || dir=build-$preset
  if [ -x "$dir/cede" ] && [ -z "$(find src include lib tools CMakeLists.txt CMakePresets.json -newer "$dir/cede" -print -quit)" ]; then
    return 0
  fi
  echo "building ($preset) ..." >&2
  mkdir -p "$dir"
  { [ -f "$dir/build.ninja" ] || cmake --preset "$preset"; } >"$dir/build.log" 2>&1 &&
    ninja -C "$dir" >>"$dir/build.log" 2>&1 && touch "$dir/cede" && return 0
  tail -n 40 "$dir/build.log" >&2
  return 1
}
