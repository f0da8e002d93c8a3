#!/usr/bin/env bash
# The tests on the R and lme4 of another Debian: .ci/debian_root.sh SUITE [--prepare | --build | pytest arguments]
#
# debootstrap makes a root directory of SUITE (forky, trixie), and `make setup` installs the project
# in it, as it does anywhere. The root is kept for the next run, in $PYLME_ROOTS or the user's
# cache, as long as this script and r_scripts/install.sh stay as they are, for 30 days at most.
# --prepare only installs debootstrap, --build stops before the tests. The status is pytest's, or 75 with the reason where the tests could
# not be started: no root user, no mirror, no right to mount, no space, packages that do not install.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly suite=${1:?which suite: forky or trixie}
shift
readonly roots=${PYLME_ROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/pylme/roots}
readonly root=$roots/$suite
readonly downloads=$roots/downloads-$suite
readonly place=/opt/pylme # of the working tree, in the root
readonly scripts=(.ci/debian_root.sh r_scripts/install.sh)

not_run() {
  printf '\nNOT RUN on %s: %s\n' "$suite" "$1" >&2
  exit 75
}

# All mounts are made in a name space of this process: they end with it, however it ends, and no
# cleaning up can reach through them into the files of this machine.
if [[ ${PYLME_ROOT_UNSHARED:-} != 1 ]]; then
  [[ $(uname -s) == Linux && $(id -u) == 0 ]] || not_run 'debootstrap and chroot need the root user of a Linux'
  unshare --mount true 2>/dev/null || not_run 'this container may not mount'
  PYLME_ROOT_UNSHARED=1 exec unshare --mount --propagation private "${BASH_SOURCE[0]}" "$suite" "$@"
fi

install_debootstrap() {
  command -v debootstrap >/dev/null && return
  command -v apt-get >/dev/null || not_run 'debootstrap is not installed'
  apt-get -q install -y --no-install-recommends debootstrap >/dev/null 2>&1 ||
    { apt-get -q update && apt-get -q install -y --no-install-recommends debootstrap; } >/dev/null ||
    not_run 'apt-get cannot install debootstrap'
}

# The mirror that apt uses here, if it is one of Debian's archive.
mirror() {
  local found=''
  if command -v apt-get >/dev/null; then
    # shellcheck disable=SC2016
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
      grep -E '^https?://.*/debian/?$' | head -n 1) || true
  fi
  printf '%s' "${PYLME_MIRROR:-${found:-http://deb.debian.org/debian}}"
}

# Suites that this debootstrap is too young to know are made as sid is.
make_root() {
  local as='' from
  from=$(mirror)
  [[ -e /usr/share/debootstrap/scripts/$suite ]] || as=sid
  printf 'Making a root of %s from %s\n' "$suite" "$from"
  rm -rf --one-file-system "$root" "$root.unfinished"
  mkdir -p "$root.unfinished" "$downloads/debs"
  debootstrap --variant=minbase --cache-dir="$(realpath "$downloads/debs")" \
    --include=ca-certificates,make,python3 \
    "$suite" "$root.unfinished" "$from" ${as:+"$as"} >"$roots/$suite.log" 2>&1 || {
    tail -n 5 "$roots/$suite.log" >&2
    not_run "debootstrap cannot make a root from $from"
  }
  # A root for tests may lose its last writes with the machine, and nobody reads its manuals.
  printf '%s\n' force-unsafe-io path-exclude=/usr/share/doc/* path-exclude=/usr/share/man/* \
    path-exclude=/usr/share/locale/* >"$root.unfinished/etc/dpkg/dpkg.cfg.d/pylme"
  # Mirrors that are frozen, or seldom made new, have a Release file past its date.
  printf '%s\n' 'Acquire::Check-Valid-Until "false";' 'APT::Install-Recommends "false";' \
    'APT::Keep-Downloaded-Packages "true";' 'Binary::apt-get::APT::Keep-Downloaded-Packages "true";' \
    >"$root.unfinished/etc/apt/apt.conf.d/99pylme"
  mv "$root.unfinished" "$root"
}

mount_root() {
  mkdir -p "$downloads/debs/partial" "$downloads/pip" "$root/root/.cache/pip"
  { mount --rbind /dev "$root/dev" && mount --rbind /sys "$root/sys"; } 2>/dev/null ||
    not_run 'this container may not mount /dev and /sys'
  mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc" 2>/dev/null ||
    not_run 'this container may not mount /proc'
  mount --bind "$downloads/debs" "$root/var/cache/apt/archives"
  mount --bind "$downloads/pip" "$root/root/.cache/pip"
  # Only what pip downloaded is shared: wheels that it built belong to one Python and one R.
  local fetched=${PIP_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pip}/http-v2
  mkdir -p "$fetched" "$root/root/.cache/pip/http-v2"
  mount --bind "$fetched" "$root/root/.cache/pip/http-v2"
  # The network of this machine: its name servers, and the certificates that it trusts.
  cp --dereference --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
  if [[ -s /etc/ssl/certs/ca-certificates.crt ]]; then
    cp --dereference --remove-destination /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/host.crt"
  fi
}

# A command in the root, with an environment of its own.
within() {
  local kept=() name
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL \
    PIP_EXTRA_INDEX_URL PIP_DEFAULT_TIMEOUT OPENBLAS_CORETYPE CI; do
    [[ -z ${!name:-} ]] || kept+=("$name=${!name}")
  done
  [[ ! -e $root/etc/ssl/certs/host.crt ]] || kept+=(PIP_CERT=/etc/ssl/certs/host.crt)
  chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM=dumb DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 PYLME_REQUIRE_R=1 \
    ${kept[@]+"${kept[@]}"} /bin/sh -c "cd $place && exec \"\$@\"" sh "$@"
}

# What git would commit, and no more: .venv and all that was made here belong to another Python.
copy_tree() {
  mkdir -p "$root$place"
  find "$root$place" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files -z --cached --others --exclude-standard |
      while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
      tar --null --files-from=- --create --file=-
  else
    tar --exclude='./.*_cache' --exclude=./.hypothesis --exclude='./.venv*' --exclude=__pycache__ \
      --exclude=./docs/_build --create --file=- .
  fi | tar --no-same-owner --extract --file=- --directory="$root$place"
}

if [[ ${1:-} == --prepare ]]; then
  install_debootstrap
  exit 0
fi
mkdir -p "$roots"
(($(df --output=avail --block-size=1M "$roots" | tail -n 1) > 5000)) ||
  not_run "less than 5 GB are free where the roots are, in $roots"
exec 9>"$roots/$suite.lock"
flock --nonblock 9 || { printf 'Waiting for another run on %s\n' "$suite" && flock 9; }

stamp=$(sha256sum "${scripts[@]}" | sha256sum | cut -d ' ' -f 1)
if [[ $(cat "$root/.stamp" 2>/dev/null) != "$stamp" ||
  -n $(find "$root/.stamp" -mtime +30 2>/dev/null) ]]; then
  install_debootstrap
  make_root
  mount_root
  copy_tree
  # What can fail here belongs to the mirror, or to a Debian in the making.
  { within apt-get -qq update && within r_scripts/install.sh --test; } >>"$roots/$suite.log" 2>&1 || {
    tail -n 15 "$roots/$suite.log" >&2
    not_run 'its packages cannot be installed'
  }
  printf '%s\n' "$stamp" >"$root/.stamp"
else
  mount_root
  copy_tree
fi
within make --silent setup || not_run 'make setup failed there'
# shellcheck disable=SC2016
within Rscript -e 'cat("On", R.version.string, "with lme4", format(packageVersion("lme4")), "\n")'
if [[ ${1:-} == --build ]]; then
  exit 0
fi
status=0
within .venv/bin/pytest "$@" || status=$?
exit "$status"
