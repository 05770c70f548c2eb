#!/usr/bin/env bash
# Tests of ./orrery: each case runs a copy of the launcher in an empty tree, with a PATH on which only chosen programs
# exist, some of them fakes that say what a broken machine would say.
#
# Usage: launcher_test.sh SOURCE_DIRECTORY CASE      (no CASE: list them)
set -euo pipefail

source_directory=$1
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
tree=$scratch/tree
path=$scratch/path

# ---- a machine made of fakes ---------------------------------------------------------------------------------------

# fake <name>: standard input is the body of a program on the PATH.
fake() {
    rm -f "$path/$1"
    {
        echo "#!$(command -v bash)"
        cat
    } >"$path/$1"
    chmod +x "$path/$1"
}
remove() { rm -f "$path/$1"; }

package_names() { sed -E '/^[[:space:]]*(#|$)/d; s/[[:space:]].*//' "$tree/cmake/packages.txt"; }

# fake_packages <version of everything> [package version]...: what dpkg-query says is installed
fake_packages() {
    local version=$1 name
    shift
    declare -A special=()
    while [ $# -ge 2 ]; do
        special[$1]=$2
        shift 2
    done
    package_names | while read -r name; do
        [ "${special[$name]:-}" = none ] || printf '%s\tinstalled\t%s\n' "$name" "${special[$name]:-$version}"
    done >"$scratch/installed"
    fake dpkg-query <<<"cat '$scratch/installed'"
}

# A healthy machine: all packages, new tools, plenty of disk; cmake "builds" programs that print their arguments.
healthy_machine() {
    mkdir -p "$tree/cmake" "$tree/os" "$path"
    cp "$source_directory/orrery" "$tree/"
    cp "$source_directory/cmake/packages.txt" "$tree/cmake/"
    cp "$source_directory/CMakePresets.json" "$tree/"
    local tool
    for tool in bash env readlink dirname sed awk grep sort head tail mkdir rm cat tr cut flock xargs dpkg touch chmod sleep tput; do
        ln -s "$(command -v "$tool")" "$path/$tool"
    done
    fake_packages 99:99
    fake id <<<'echo 0'
    fake df <<<'printf "head\n/dev/x 9 9 99999999 9%% /\n"'
    fake clang++-19 <<<'echo "Debian clang version 19.1.7"'
    fake qemu-system-x86_64 <<<'echo "QEMU emulator version 7.2.22 (Debian 1:7.2)"'
    fake apt-get <<<'echo "apt-get must not run: nothing is missing" >&2; exit 99'
    fake cmake <<'BODY'
if [ "$1" = --version ]; then echo "cmake version 3.25.1"; exit; fi
echo "cmake $*" >>"$PWD/cmake.calls"
case "$*" in *--build*/release)
    bin=${*: -1}/bin
    mkdir -p "$bin"
    for program in orrery-cli orrery-inspector orrery-bench; do
        printf '#!%s\necho "%s:" "$@"\nexit 7\n' "$BASH" "$program" >"$bin/$program"
        chmod +x "$bin/$program"
    done
esac
BODY
}

# launch [arguments...]: runs the launcher; sets status, $scratch/out and $scratch/err.
launch() {
    status=0
    (cd "$scratch" && env -i HOME="$scratch" PATH="$path" ${display:+DISPLAY="$display"} ${platform:+QT_QPA_PLATFORM="$platform"} \
        ${packages:+ORRERY_PACKAGES="$packages"} "$tree/orrery" "$@") >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
}

complain() {
    printf '%s\n--- exit status %s, standard error:\n' "$1" "$status"
    cat "$scratch/err"
    printf -- '--- standard output:\n'
    cat "$scratch/out"
    exit 1
}
expect_status() { [ "$status" = "$1" ] || complain "expected exit status $1"; }
expect_error_line() { grep -qF -- "$1" "$scratch/err" || complain "standard error lacks: $1"; }
# The one sentence, and nothing but it.
expect_only_error() {
    expect_status 2
    expect_error_line "$1"
    [ "$(wc -l <"$scratch/err")" = 1 ] || complain "more than one line on standard error"
    [ ! -s "$scratch/out" ] || complain "standard output is not empty"
}
expect_output() { [ "$(cat "$scratch/out")" = "$1" ] || complain "expected the output: $1"; }

# ---- the cases -----------------------------------------------------------------------------------------------------

case_help_without_arguments() {
    launch
    expect_status 0
    grep -q 'run --headless' "$scratch/out" || complain "the help does not name run --headless"
}

case_unknown_verb() {
    launch dance
    expect_only_error "There is no verb 'dance'"
}

case_not_debian() {
    remove dpkg-query
    launch build
    expect_only_error "This is not Debian"
}

case_no_apt() {
    fake_packages 99:99 ninja-build none
    remove apt-get
    launch build
    expect_only_error "This system has no apt-get"
}

case_neither_root_nor_sudo() {
    fake id <<<'echo 1000'
    fake_packages 99:99 ninja-build none spin none
    launch build
    expect_only_error "As root, run: apt-get install --no-install-recommends ninja-build spin"
}

case_sudo_refuses() {
    fake id <<<'echo 1000'
    fake sudo <<<'exit 1'
    fake_packages 99:99 ninja-build none
    launch build
    expect_only_error "sudo did not let you install packages"
}

case_package_too_old() {
    fake_packages 99:99 qt6-base-dev 6.2.4+dfsg-2
    launch build
    expect_only_error "The package qt6-base-dev is version 6.2.4+dfsg-2, and Orrery needs 6.4 or newer"
}

case_qemu_too_old() {
    fake qemu-system-x86_64 <<<'echo "QEMU emulator version 6.0.0"'
    launch build
    expect_only_error "qemu-system-x86_64 is version 6.0.0, and Orrery needs 7.2 or newer"
}

case_qemu_missing() {
    remove qemu-system-x86_64
    packages=skip launch build
    expect_only_error "qemu-system-x86_64 is not on the PATH"
}

case_qemu_says_nothing() {
    fake qemu-system-x86_64 <<<'echo garbage; exit 3'
    launch build
    expect_only_error "does not say its version"
}

case_clang_too_old() {
    fake clang++-19 <<<'echo "clang version 14.0.6"'
    launch build
    expect_only_error "clang++-19 is version 14.0.6, and Orrery needs 19 or newer"
}

case_disk_full_before_the_build() {
    fake df <<<'printf "head\n/dev/x 9 9 1024000 9%% /\n"'
    launch build
    expect_only_error "Only 1000 MiB are free in $tree, and the build needs 3072 MiB"
}

case_less_space_is_enough_for_the_next_build() {
    fake df <<<'printf "head\n/dev/x 9 9 1024000 9%% /\n"'
    mkdir -p "$tree/build/os"
    touch "$tree/build/os/initrd.tar"
    launch build
    expect_status 0
}

case_disk_full_before_the_packages() {
    fake_packages 99:99 $(package_names | sed 's/$/ none/')
    fake df <<<'printf "head\n/dev/x 9 9 1024000 9%% /\n"'
    launch build
    expect_only_error "Only 1000 MiB are free in /usr, and installing the packages needs 2048 MiB"
}

case_installation_fails() {
    fake_packages 99:99 ninja-build none
    fake apt-get <<<'echo "E: Failed to fetch: no route to host"; exit 100'
    launch build
    expect_status 2
    expect_error_line "E: Failed to fetch: no route to host"
    expect_error_line "Installing the packages failed"
    expect_error_line "$tree/build/log/packages.log"
}

case_installation_lies() {
    fake_packages 99:99 ninja-build none
    fake apt-get <<<'exit 0'
    launch build
    expect_status 2
    expect_error_line "these packages are still missing: ninja-build"
}

case_installs_after_updating_the_lists() {
    fake_packages 99:99 ninja-build none
    fake apt-get <<BODY
echo "apt-get \$*" >>"$scratch/apt.calls"
case "\$*" in
update) touch "$scratch/updated" ;;
*) [ -e "$scratch/updated" ] || { echo "E: Unable to locate package ninja-build"; exit 100; }
   printf 'ninja-build\tinstalled\t1\n' >>"$scratch/installed" ;;
esac
BODY
    launch build
    expect_status 0
    [ "$(grep -c install "$scratch/apt.calls")" = 2 ] || complain "expected: install, update, install"
    [ "$(grep -c '^apt-get update$' "$scratch/apt.calls")" = 1 ] || complain "expected one update"
}

case_installs_through_sudo() {
    fake id <<<'echo 1000'
    fake sudo <<<'if [ "$1" = -v ]; then exit 0; fi; shift; UNDER_SUDO=yes exec "$@"'
    fake_packages 99:99 ninja-build none
    fake apt-get <<<"[ \"\$UNDER_SUDO\" = yes ] || exit 1; printf 'ninja-build\tinstalled\t1\n' >>'$scratch/installed'"
    launch build
    expect_status 0
}

case_build_fails() {
    fake cmake <<<'if [ "$1" = --version ]; then echo "cmake version 3.25.1"; exit; fi; echo "error: expected unqualified-id"; exit 1'
    launch build
    expect_status 2
    expect_error_line "error: expected unqualified-id"
    expect_error_line "Building the guest failed (the lines above; the whole log: $tree/build/log/guest.log)"
}

case_disk_full_during_the_build() {
    fake cmake <<<'if [ "$1" = --version ]; then echo "cmake version 3.25.1"; exit; fi; echo "LLVM ERROR: IO failure: No space left on device"; exit 1'
    launch build
    expect_only_error "The disk became full while building the guest"
}

# Even root can't write through a file or into a directory's name, so these hold whoever runs the tests.
case_build_directory_impossible() {
    touch "$tree/build"
    launch build
    expect_only_error "Can't create $tree/build"
}

case_lock_impossible() {
    mkdir -p "$tree/build/.lock"
    launch build
    expect_only_error "Can't write $tree/build/.lock"
}

case_log_impossible() {
    mkdir -p "$tree/build/log/guest.log"
    launch build
    expect_only_error "Can't write $tree/build/log/guest.log"
}

case_unknown_build() {
    launch build debug
    expect_only_error "There is no build called 'debug'"
}

case_no_display() {
    launch run
    expect_only_error "neither DISPLAY nor WAYLAND_DISPLAY is set"
    local way
    for way in './orrery run --headless' 'ssh -X' 'xvfb-run ./orrery run' 'QT_QPA_PLATFORM=offscreen'; do
        expect_error_line "$way"
    done
    [ ! -e "$tree/build" ] || complain "it built before it looked for the display"
}

case_display_out_of_reach() {
    display=:54321 launch run
    expect_only_error "the display DISPLAY=:54321 can't be reached"
}

case_nonsense_display() {
    display=nonsense launch run
    expect_only_error "the display DISPLAY=nonsense can't be reached"
}

case_window_without_a_screen() {
    platform=offscreen launch run --attach "a b"
    expect_status 7
    expect_output "orrery-inspector: --attach a b"
}

case_headless_passes_arguments_and_status() {
    launch run --headless --json "two words" '*'
    expect_status 7
    expect_output "orrery-cli: run --json two words *"
}

case_verbs_reach_the_command_line_tool() {
    local verb
    for verb in inspect step trace grade; do
        launch "$verb" --json
        expect_status 7
        expect_output "orrery-cli: $verb --json"
    done
    launch bench --markdown
    expect_output "orrery-bench: --markdown"
}

case_test_builds_and_passes_arguments_to_ctest() {
    fake ctest <<<'echo "ctest: $*"; exit 8'
    launch test -R signal
    expect_status 8
    expect_output "ctest: --test-dir $tree/build/test --parallel 2 --output-on-failure --no-tests=error -R signal"
    grep -q -- "--build $tree/build/os" "$scratch/cmake.calls" || complain "it did not build the guest"
    grep -q -- "--build $tree/build/test" "$scratch/cmake.calls" || complain "it did not build the test preset"
}

case_works_through_a_link_and_writes_only_in_build() {
    ln -s "$tree/orrery" "$scratch/link"
    (cd "$tree" && find . | sort) >"$scratch/before"
    status=0
    (cd "$path" && env -i PATH="$path" "$scratch/link" build) >"$scratch/out" 2>"$scratch/err" || status=$?
    expect_status 0
    rm -f "$path/cmake.calls"
    [ -x "$tree/build/release/bin/orrery-cli" ] || complain "nothing was built beside the launcher that the link names"
    (cd "$tree" && find . -path ./build -prune -o -print | sort) >"$scratch/after"
    cmp "$scratch/before" "$scratch/after" || complain "the tree changed outside build/"
    launch clean
    [ ! -e "$tree/build" ] || complain "clean left build/"
}

case_a_second_launcher_waits() {
    local holder second line
    mkdir -p "$tree/build"
    mkfifo "$scratch/release" "$scratch/held" "$scratch/messages"
    flock "$tree/build/.lock" bash -c "echo held >'$scratch/held'; read -r _ <'$scratch/release'" &
    holder=$!
    read -r _ <"$scratch/held"
    (cd "$scratch" && env -i PATH="$path" "$tree/orrery" build) >"$scratch/out" 2>"$scratch/messages" &
    second=$!
    status=0
    exec 8<"$scratch/messages"
    read -r line <&8
    echo "$line" >"$scratch/err"
    expect_error_line "waiting for another ./orrery that is building"
    [ ! -e "$tree/build/release" ] || complain "it built although the other held the lock"
    echo >"$scratch/release"
    cat <&8 >>"$scratch/err"
    wait "$holder"
    wait "$second" || status=$?
    expect_status 0
}

# --------------------------------------------------------------------------------------------------------------------

if [ $# -lt 2 ]; then
    declare -F | sed -n 's/^declare -f case_//p'
    exit
fi
display="" platform="" packages="" status=0
healthy_machine
"case_$2"
