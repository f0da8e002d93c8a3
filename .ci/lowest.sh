#!/usr/bin/env bash
# The tests of the NumPy side with the lowest versions that pyproject.toml allows: .ci/lowest.sh
#
# uv makes .venv-lowest; PYTHON names another Python, which should be the lowest that pylme allows.
# Arguments go to pytest, in place of the folders that are tested otherwise.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly uv=${UV:-.venv/bin/uv}
readonly python=${PYTHON:-python3}
readonly home=.venv-lowest
readonly ours=$home/bin/python

# Rooms that need no R in most of their tests, and that use all of the dependencies.
readonly rooms=(
  tests/frame tests/datasets tests/covariance tests/results tests/render tests/families
  tests/model_matrix/test_design.py tests/model_matrix/test_new_rows.py
  tests/reference/test_closed_forms.py tests/reference/test_published_values.py
  tests/reference/problem tests/reference/optimize/test_certificate.py
  tests/plot tests/simulation/draw tests/simulation/store tests/simulation/test_study.py tests/cli
)

"$uv" venv --quiet --clear --python "$python" "$home"
"$uv" pip install --quiet --python "$ours" --resolution lowest-direct --editable '.[plot,altair,parquet,lazy,tables]'
# The tools of the tests may be of any version that goes with these.
"$uv" pip freeze --quiet --python "$ours" --exclude-editable >"$home/lowest.txt"
"$uv" pip install --quiet --python "$ours" --constraint "$home/lowest.txt" \
  hypothesis mpmath polars psutil pytest
printf 'The lowest versions: %s\n' \
  "$(grep -iE '^(altair|cattrs|cyclopts|duckdb|great.tables|joblib|lazy.loader|matplotlib|narwhals|numpy|pandas|pyarrow|scipy|threadpoolctl|tqdm)=' \
    "$home/lowest.txt" | tr '\n' ' ')"

if (($# == 0)); then
  set -- "${rooms[@]}"
fi
"$ours" -m pytest -q -p no:cacheprovider -m 'not needs_r and not slow' "$@"
