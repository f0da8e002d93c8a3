#!/usr/bin/env bash
# The tests of the extra [marginaleffects], in an environment of its own: .ci/marginaleffects.sh
#
# The library needs polars before version 2, which the other tests have, and JAX. uv makes
# .venv-marginaleffects; PYTHON names another Python. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly uv=${UV:-.venv/bin/uv}
readonly python=${PYTHON:-python3}
readonly home=.venv-marginaleffects
readonly ours=$home/bin/python

"$uv" venv --quiet --clear --python "$python" "$home"
"$uv" pip install --quiet --python "$ours" --editable '.[marginaleffects]' hypothesis pytest
"$uv" pip list --quiet --python "$ours" | grep -E '^(jax|marginaleffects|numpy|pandas|polars) '

if (($# == 0)); then
  set -- tests/inference/means/test_marginaleffects.py
fi
PYLME_REQUIRE_MARGINALEFFECTS=1 "$ours" -m pytest -q -p no:cacheprovider -m 'not needs_r' "$@"
