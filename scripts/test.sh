#!/usr/bin/env bash
# make test: `scripts/test.sh [format|tidy|unit|asan|fuzz|system]`, all of them without an argument. Ends with
# "N passed, N failed" and the names of the steps that failed.
set -uo pipefail
cd "$(dirname "$0")/.."
what=${1:-all}
passed=0 failed=0 names=""
jobs=$(nproc)

step() { # step <name> <command...>
  local name=$1 started=$SECONDS
  shift
  echo "== $name"
  if "$@"; then
    passed=$((passed + 1))
    echo "== $name: passed ($((SECONDS - started)) s)"
  else
    failed=$((failed + 1)) names+="${names:+, }$name"
    echo "== $name: FAILED ($((SECONDS - started)) s)"
  fi
}

configure_and_build() { # preset, targets...
  local preset=$1
  shift
  cmake --preset "$preset" >/dev/null && nice -n 10 cmake --build --preset "$preset" -j "$jobs" "$@" | grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|Generating)'
  return "${PIPESTATUS[0]}"
}

unit() { configure_and_build dev && ctest --test-dir build/dev --output-on-failure -j "$jobs" --no-tests=error; }
sanitized() { # ctest arguments
  configure_and_build asan &&
    ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 ctest --test-dir build/asan --output-on-failure -j "$jobs" --no-tests=error "$@"
}
asan() { sanitized -LE fuzz; }
fuzz() { sanitized -L fuzz; }
system_tests() { .venv/bin/python -m pytest -q --timeout 600 -p no:cacheprovider "$@"; }
release() { make -s build; }
system() { release && system_tests tests; }
format() { git ls-files '*.cpp' '*.hpp' | xargs clang-format-19 --dry-run -Werror; }

# The blog's tests mostly wait for deployments: they run beside the sanitizers' build, which yields the machine to them.
# In a process group of their own: an interrupted `make test` interrupts them, too, and they clean up.
blog="" blog_log=$(mktemp)
trap '[ -z "$blog" ] || { kill -INT -- "-$blog"; wait "$blog"; }; rm -f "$blog_log"' EXIT
begin_blog() {
  set -m
  system_tests tests/blog >"$blog_log" 2>&1 &
  blog=$!
  set +m
}
end_blog() {
  local rc=0
  wait "$blog" || rc=$?
  blog=""
  cat "$blog_log"
  return $rc
}

tidy() { NUBECITA_TIDY_PRESET=asan scripts/tidy.sh --newest 6; }  # all of them are a matter of `make tidy FILES=--all`

# Without root, tests of namespaces, containers and databases would skip themselves: that is no pass.
[ "$(id -u)" = 0 ] || { echo "the tests make namespaces and containers: run them as root (sudo make test)" >&2; exit 1; }
scripts/deps.sh build || exit 1
scripts/deps.sh run || exit 1
scripts/deps.sh test || exit 1
case "$what" in
  all)
    step "format" format
    step "release build" release
    begin_blog
    step "unit tests under sanitizers" asan
    step "clang-tidy of what changed last" tidy
    step "fuzz targets" fuzz
    step "system tests: the blog (waiting for the rest of them)" end_blog
    step "system tests: all others" system_tests tests --ignore tests/blog
    ;;
  unit | asan | fuzz | system | format | tidy) step "$what" "$what" ;;
  *) echo "usage: $0 [format|tidy|unit|asan|fuzz|system]" >&2; exit 2 ;;
esac
echo
echo "$passed passed, $failed failed${names:+: $names}"
[ "$failed" = 0 ]
