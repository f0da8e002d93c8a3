#!/usr/bin/env bash
# Installs R, lme4, and the fast BLAS that R runs on: r_scripts/install.sh [--test | --docs]
#
# Only what is missing, with apt, as root or by sudo; a second run looks and leaves, without a
# network. --test adds the R packages that the tests compare with, --docs the browser that reads the
# pages and the data of a replication. Where there is no apt, an R with lme4 that is already there is
# taken, and else the commands to install one are printed.
set -euo pipefail

readonly r_packages=(r-base-core r-base-dev r-cran-lme4 libopenblas0-pthread)
# What the tests compare with, by its name in R; in Debian it is r-cran-, and the name in small letters.
# Not every Debian has all of them: trixie is without performance. The tests of one that is not there
# are skipped.
readonly peers=(broom.mixed car emmeans glmmTMB insight jsonlite lmerTest mlmRev pbkrtest performance RLRsim)
# What the documentation needs: afex has the data of a published analysis.
readonly documents=(chromium r-cran-afex)
readonly python=${PYTHON:-python3}

fail() {
  printf '\ninstall.sh: %s\n' "$1" >&2
  exit 1
}

installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Whether apt knows where to get a package, from the lists that it has.
known() {
  [[ -n $(apt-cache madison "$1" 2>/dev/null) ]]
}

# Whether the R on the PATH has these packages, whoever installed them.
r_has() {
  command -v Rscript >/dev/null &&
    Rscript -e 'for (name in commandArgs(TRUE)) loadNamespace(name)' "$@" >/dev/null 2>&1
}

print_commands() {
  cat >&2 <<'EOF'
R with lme4 is not here, and this system has no apt. Install it, then run this again:

  Debian, Ubuntu   sudo apt-get install -y --no-install-recommends \
                     r-base-core r-base-dev r-cran-lme4 libopenblas0-pthread \
                     python3-venv python3-dev
  Fedora, RHEL     sudo dnf install -y R
                   Rscript -e "install.packages('lme4', repos='https://cloud.r-project.org')"
  macOS            brew install r
                   Rscript -e "install.packages('lme4', repos='https://cloud.r-project.org')"
  conda            conda install -y -c conda-forge r-base r-lme4 c-compiler
  Windows          winget install -e --id RProject.R
                   Rscript -e "install.packages('lme4', repos='https://cloud.r-project.org')"
EOF
  fail "R with lme4 is missing"
}

wanted=()
testing=no
documenting=no
for argument in "$@"; do
  case $argument in
    --test) testing=yes ;;
    --docs) documenting=yes ;;
    *) fail "unknown argument $argument; there are --test and --docs" ;;
  esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  r_has lme4 || print_commands
  [[ $testing == no ]] || r_has "${peers[@]}" ||
    fail "the tests compare with R packages: Rscript -e 'install.packages(commandArgs(TRUE))' ${peers[*]}"
  exit 0
fi

# An R from elsewhere (rig, a build of one's own) is not given a second R beside it.
if installed r-base-core || ! r_has lme4; then
  wanted+=("${r_packages[@]}")
fi
if [[ $testing == yes ]] && { installed r-base-core || ! r_has "${peers[@]}"; }; then
  for peer in "${peers[@]}"; do wanted+=("r-cran-${peer,,}"); done
fi
if [[ $documenting == yes ]]; then wanted+=("${documents[@]}"); fi
"$python" -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3-venv)
# rpy2-rinterface is compiled on installation.
"$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
  wanted+=(python3-dev)

# A peer that this Debian does not have is not missing; before apt has fetched lists that is not known.
missing=()
look() {
  local package
  missing=()
  for package in ${wanted[@]+"${wanted[@]}"}; do
    if installed "$package"; then continue; fi
    case $package in
      r-cran-lme4) ;;
      r-cran-*) if known r-base-core && ! known "$package"; then continue; fi ;;
    esac
    missing+=("$package")
  done
}

look
if ((${#missing[@]} == 0)); then
  exit 0
fi

as_root=()
if [[ $(id -u) != 0 ]]; then
  command -v sudo >/dev/null ||
    fail "run this as root: apt-get install -y --no-install-recommends ${missing[*]}"
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
apt() { ${as_root[@]+"${as_root[@]}"} apt-get -q "$@"; }
apt update || fail "apt-get update failed; is there a network?"
look
printf 'Installing %s\n' "${missing[*]}"
apt install -y --no-install-recommends "${missing[@]}" ||
  fail "apt-get could not install ${missing[*]}"
