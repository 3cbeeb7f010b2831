#!/usr/bin/env bash
# clang-tidy. `tidy.sh FILE...`: these files, every check. `tidy.sh --newest N`: the .cpp files that the newest commits changed,
# newest first and at most N, without the analyzer (which takes five times as long): what `make test` runs. `tidy.sh --all`: every
# file like that. Without arguments: the files that differ from the last commit, every check.
set -euo pipefail
cd "$(dirname "$0")/.."
quick=(--checks=-clang-analyzer-\*)
checks=()
case "${1:-}" in
  --all)
    checks=("${quick[@]}")
    mapfile -t files < <(git ls-files -- 'src/*.cpp' 'programs/*.cpp')
    ;;
  --newest)
    checks=("${quick[@]}")
    mapfile -t changed < <(git log -n 30 --format= --name-only --diff-filter=d -- 'src/*.cpp' 'programs/*.cpp' | awk '!seen[$0]++')
    files=()
    for f in "${changed[@]}"; do
      [ ${#files[@]} -lt "$2" ] && [ -e "$f" ] && files+=("$f")
    done
    ;;
  "") mapfile -t files < <(git diff --name-only --diff-filter=d HEAD -- '*.cpp'; git ls-files --others --exclude-standard -- '*.cpp') ;;
  *) files=("$@") ;;
esac
[ ${#files[@]} -gt 0 ] || { echo "no files to check"; exit 0; }
# What is generated and what is parsed beforehand is all that it needs of a build: `make test` has one already.
preset=${NUBECITA_TIDY_PRESET:-dev}
cmake --preset "$preset" > /dev/null
mapfile -t made < <(ninja -C "build/$preset" -t targets all | sed -n 's/: CUSTOM_COMMAND$//p' | grep -E 'generated/.*\.(hpp|cpp)$|^tiny/')
ninja -C "build/$preset" "${made[@]}" common_headers common_test_headers > /dev/null
echo "clang-tidy: ${#files[@]} files"
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 clang-tidy-19 -p "build/$preset" --quiet "${checks[@]}" 2> >(grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -' >&2)
