#!/bin/sh
# Builds build/arm64-runtimes: an AArch64 Debian to run programs of another processor in, without a board.
#
#   root   Debian bookworm for arm64: Python 3.11 and the C++ runtime, unpacked, nothing configured
#   site   numpy, ONNX Runtime and LiteRT for it, in the versions of requirements.lock
#   qemu   an emulator: the one installed if it is version 8 or later, else that of Debian trixie.
#          Older ones crash in ONNX Runtime as it loads.
#
# Needs Debian with mmdebstrap. Done once (a minute and 400 MB); parts that are there are kept.
set -eu
cd "$(dirname "$0")/../.."
out=build/arm64-runtimes
python="${PYTHON:-.venv/bin/python}"
mkdir -p "$out"

command -v mmdebstrap >/dev/null || { echo "mmdebstrap is not installed: apt-get install mmdebstrap" >&2; exit 3; }

unpacked() { # DIR ARCH SUITE PACKAGES
    test -d "$1" && return
    rm -rf "$1.part"
    mmdebstrap --quiet --arch="$2" --variant=extract --include="$4" "$3" "$1.part"
    mv "$1.part" "$1"
}

unpacked "$out/root" arm64 bookworm python3,libpython3.11-stdlib,libstdc++6,libgomp1,zlib1g

if ! test -d "$out/site"; then
    rm -rf "$out/site.part" "$out/wheels"
    for name in numpy onnxruntime ai-edge-litert; do
        wanted=$(sed -n "s/^\($name==[^ ;\\\\]*\).*/\1/p" requirements.lock | head -1) # the first is for the oldest Python
        "$python" -m pip download -q --no-deps --only-binary=:all: --python-version 3.11 \
            --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
            --platform manylinux_2_17_aarch64 --dest "$out/wheels" "$wanted"
    done
    mkdir "$out/site.part"
    for wheel in "$out"/wheels/*.whl; do
        "$python" -m zipfile -e "$wheel" "$out/site.part"
    done
    mv "$out/site.part" "$out/site"
fi

if ! test -e "$out/qemu-aarch64"; then
    installed=$(command -v qemu-aarch64 || command -v qemu-aarch64-static || true)
    major=$(${installed:-true} --version 2>/dev/null | sed -n 's/.*version \([0-9]*\).*/\1/p;q')
    if test "${major:-0}" -ge 8; then
        ln -s "$installed" "$out/qemu-aarch64"
    else
        unpacked "$out/qemu" "$(dpkg --print-architecture)" trixie qemu-user
        ln -s qemu/usr/bin/qemu-aarch64 "$out/qemu-aarch64"
    fi
fi
"$out/qemu-aarch64" -L "$out/root" "$out/root/usr/bin/python3.11" -c \
    'import platform; print("build/arm64-runtimes:", platform.machine(), "Python", platform.python_version())'
