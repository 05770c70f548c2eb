#!/bin/sh
# Builds the ISO C library of the guest: newlib from Debian's newlib-source package, with the cross compiler that the
# kernel uses too.
#
#   newlib.sh BUILD_DIR [JOBS]
#
# Result: BUILD_DIR/include, BUILD_DIR/lib/{libc.a,libm.a}. Does nothing when the result is newer than this script, so
# that a build may call it every time. Needs clang-19 and llvm-19.
set -eu

build=${1:?usage: newlib.sh BUILD_DIR [JOBS]}
jobs=${2:-2}
archive=${NEWLIB_ARCHIVE:-}
target=x86_64-elf

if [ -z "$archive" ]; then
    for candidate in /usr/src/newlib/newlib-*.tar.xz; do archive=$candidate; done
fi
if [ ! -r "$archive" ]; then
    echo "newlib.sh: $archive is missing: install the package newlib-source" >&2
    exit 1
fi
for tool in clang-19 llvm-ar-19 llvm-ranlib-19 make; do
    if ! command -v "$tool" >/dev/null; then
        echo "newlib.sh: $tool is missing: install the packages clang-19, llvm-19 and make" >&2
        exit 1
    fi
done

mkdir -p "$build"
build=$(cd "$build" && pwd)
stamp=$build/.built
if [ -e "$stamp" ] && [ "$stamp" -nt "$0" ] && [ "$stamp" -nt "$archive" ]; then
    exit 0
fi

rm -rf "$build/source" "$build/objects" "$build/include" "$build/lib" "$stamp"
mkdir -p "$build/source" "$build/objects"
tar -xJf "$archive" -C "$build/source" --strip-components=1

# MISSING_SYSCALL_NAMES: newlib calls write(), not _write(): the runtime defines the POSIX names once.
# SIGNAL_PROVIDED: no simulated signals. __DYNAMIC_REENT__: errno and stdio state come from __getreent(), so that each
# thread has its own. The guest's own POSIX headers come first in a program's include path, newlib's own are used here.
flags="-O2 -g1 -nostdlibinc -fno-pic -fno-stack-protector -ffunction-sections -fdata-sections"
flags="$flags -ftls-model=local-exec -w -Wno-implicit-function-declaration"
flags="$flags -DMISSING_SYSCALL_NAMES -DSIGNAL_PROVIDED -D__DYNAMIC_REENT__ -D_READ_WRITE_RETURN_TYPE=_ssize_t"
flags="$flags -D_READ_WRITE_BUFSIZE_TYPE=__SIZE_TYPE__"
compiler="clang-19 --target=x86_64-unknown-none-elf"
if command -v ccache >/dev/null; then compiler="ccache $compiler"; fi

log=$build/build.log
run() {
    if ! "$@" >>"$log" 2>&1; then
        echo "newlib.sh: building newlib failed; the end of $log:" >&2
        tail -n 20 "$log" >&2
        exit 1
    fi
}
: >"$log"
cd "$build/objects"
run env CONFIG_SHELL=/bin/sh \
    CC_FOR_TARGET="$compiler" AS_FOR_TARGET="$compiler -c" \
    AR_FOR_TARGET=llvm-ar-19 RANLIB_FOR_TARGET=llvm-ranlib-19 NM_FOR_TARGET=llvm-nm-19 \
    STRIP_FOR_TARGET=llvm-strip-19 OBJDUMP_FOR_TARGET=llvm-objdump-19 READELF_FOR_TARGET=llvm-readelf-19 \
    CFLAGS_FOR_TARGET="$flags" \
    CC="${HOST_CC:-clang-19}" \
    ../source/configure --target=$target --prefix="$build/install" \
    --disable-multilib --disable-libgloss --disable-newlib-supplied-syscalls --disable-nls \
    --enable-newlib-io-c99-formats --enable-newlib-io-long-long --enable-newlib-io-long-double \
    --enable-newlib-retargetable-locking --enable-newlib-global-stdio-streams=no
run make -j"$jobs" all-target-newlib
run make install-target-newlib

mv "$build/install/$target/include" "$build/include"
mv "$build/install/$target/lib" "$build/lib"
rm -rf "$build/source" "$build/objects" "$build/install"
touch "$stamp"
