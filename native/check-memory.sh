#!/bin/sh
# Builds the addon under AddressSanitizer and UBSan and soaks it, with a kernel that behaves and one that does not; then
# runs the tests of the UDP leg on that build. Needs gcc with libasan. Usage: native/check-memory.sh [ROUNDS]; VALGRIND=1
# repeats a short soak under valgrind, which also sees what the sanitizer does not know, and takes minutes.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
rounds=${1:-200}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

headers=$(node -p 'require("node:path").join(process.execPath, "../../include/node")')
mkdir -p "$work/native/build/Release"
addon=$work/native/build/Release/rollcall_udp.node
compile() {
  gcc -std=c11 -g -Wall -Wextra -shared -fPIC -DNODE_GYP_MODULE_NAME=rollcall_udp "-I$headers" "$@" -o "$addon" "$root/native/udp_batch.c"
}
gcc -O1 -shared -fPIC -o "$work/faulty.so" "$root/native/check/faulty_sockets.c"
compile -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
sanitizer=$(gcc -print-file-name=libasan.so)
# V8 frees nothing at exit: leaks are looked for by the growth of memory instead
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1

echo "== AddressSanitizer and UBSan"
LD_PRELOAD=$sanitizer node --expose-gc "$root/native/check/soak.mjs" "$addon" "$rounds" 1
echo "== the same, one system call in three failing or cut short"
for seed in 1 2 3; do
  LD_PRELOAD=$sanitizer:$work/faulty.so FAULTS=33 SEED=$seed node --expose-gc "$root/native/check/soak.mjs" "$addon" "$rounds" "$seed"
done
echo "== tests of the leg on this build"
cp -r "$root/src" "$root/test" "$root/package.json" "$root/tsconfig.json" "$root/tsconfig.base.json" "$root/vitest.config.ts" "$work"
ln -s "$root/node_modules" "$work/node_modules"
(cd "$work" && LD_PRELOAD=$sanitizer node "$root/node_modules/vitest/vitest.mjs" run test/transport/udp)
if [ "${VALGRIND:-}" = 1 ]; then
  echo "== valgrind"
  compile -O1
  valgrind --quiet --error-exitcode=1 --smc-check=all-non-file --undef-value-errors=no \
    node --jitless --expose-gc "$root/native/check/soak.mjs" "$addon" 10 1
fi
