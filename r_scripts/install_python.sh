#!/usr/bin/env bash
# Makes .venv and installs pylme in it, to be edited in place, with the rpy2 that fits the R here:
#   r_scripts/install_python.sh [dependency group ...]
#
# The groups (test, lint, docs, bench) are those of pyproject.toml. PYTHON names another Python.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly python=${PYTHON:-python3}
readonly ours=.venv/bin/python

fail() {
  printf '\ninstall_python.sh: %s\n' "$1" >&2
  exit 1
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  fail "pylme needs Python 3.11 or newer, and $python is not; name one: PYTHON=python3.12 make ..."

r_version=$(Rscript -e 'cat(as.character(getRversion()))' 2>/dev/null) ||
  fail "R was not found; run r_scripts/install.sh first"
IFS=. read -r major minor _ <<<"$r_version"
release=$((major * 100 + minor))
if ((release < 402)); then
  fail "R $r_version is too old: pylme needs R 4.2 or newer"
elif ((release < 405)); then
  # From 3.6.6 on rpy2-rinterface needs a symbol that R has since 4.5.
  rinterface='rpy2-rinterface<3.6.6'
else
  rinterface='rpy2-rinterface>=3.6'
fi

[[ -x $ours ]] || "$python" -m venv .venv || fail "$python cannot make a virtual environment"

# Dependency groups are known to pip since 25.1.
$ours -c 'import pip, sys; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (25, 1))' ||
  $ours -m pip install --quiet --upgrade 'pip>=25.1'

groups=()
for group in "$@"; do
  groups+=(--group "$group")
done
printf 'Installing pylme%s for R %s (%s)\n' "${*:+ with $*}" "$r_version" "$rinterface"
$ours -m pip install --quiet --editable '.[r,plot]' "$rinterface" ${groups[@]+"${groups[@]}"}
