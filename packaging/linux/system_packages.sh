#!/bin/sh
# Puts in place what pip cannot: the system libraries that Qt loads, the interface font and, with "test" or "serve", the
# servers that the tests or the server talk to (installed, and not started: each use starts its own). Looks first and installs only what is missing, by apt, as root or with a sudo that asks
# nothing. Where that cannot be, one line names what to install, and the work goes on: a desk without a display
# needs only some of it.
#
# usage: [PYTHON=python3] system_packages.sh run|serve|test
set -eu

# What must be there, and the Debian and Ubuntu package that brings it.
libraries="
libdbus-1.so.3             libdbus-1-3
libEGL.so.1                libegl1
libfontconfig.so.1         libfontconfig1
libfreetype.so.6           libfreetype6
libGL.so.1                 libgl1
libglib-2.0.so.0           libglib2.0-0
libwayland-client.so.0     libwayland-client0
libwayland-cursor.so.0     libwayland-cursor0
libwayland-egl.so.1        libwayland-egl1
libX11-xcb.so.1            libx11-xcb1
libxcb-cursor.so.0         libxcb-cursor0
libxcb-icccm.so.4          libxcb-icccm4
libxcb-image.so.0          libxcb-image0
libxcb-keysyms.so.1        libxcb-keysyms1
libxcb-randr.so.0          libxcb-randr0
libxcb-render-util.so.0    libxcb-render-util0
libxcb-shape.so.0          libxcb-shape0
libxcb-shm.so.0            libxcb-shm0
libxcb-sync.so.1           libxcb-sync1
libxcb-xfixes.so.0         libxcb-xfixes0
libxcb-xkb.so.1            libxcb-xkb1
libxkbcommon.so.0          libxkbcommon0
libxkbcommon-x11.so.0      libxkbcommon-x11-0
"
run_packages="fonts-inter"
serve_packages="postgresql redis-server"
test_packages="xvfb $serve_packages"

missing=""

case "${1:-}" in
    run) packages=$run_packages ;;
    serve) packages=$serve_packages; libraries="" ;;
    test) packages="$run_packages $test_packages" ;;
    *) echo "usage: $0 run|serve|test" >&2; exit 2 ;;
esac

present=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p)
while read -r library package; do
    case "$present" in
        *"$library"*) ;;
        *) missing="$missing $package" ;;
    esac
done <<LIST
$(printf '%s' "$libraries" | sed '/^$/d')
LIST

if command -v dpkg-query >/dev/null; then
    for package in $packages; do
        dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
            missing="$missing $package"
    done
fi
if [ ! -x .venv/bin/python ] && ! "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null; then
    missing="$missing python3-venv"
fi

[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Missing here, by their Debian names:$missing. Install them with the package tool of this system."
    exit 0
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif command -v sudo >/dev/null && sudo --non-interactive true 2>/dev/null; then
    as_root="sudo --non-interactive"
else
    echo "Install what is missing first: sudo apt-get install$missing"
    exit 0
fi

# Debian starts a server as soon as it is installed, and keeps it running. Nobody here has asked for that: a cluster is not
# made, nothing is started while these packages are installed (unless this system has a rule of its own for that), and Redis
# does not come with the next start of the machine.
policy=/usr/sbin/policy-rc.d
case "$missing" in
    *postgresql*|*redis-server*)
        $as_root mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] ||
            echo "create_main_cluster = false" | $as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
        if [ ! -e "$policy" ]; then
            printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
            $as_root chmod 755 "$policy"
            # shellcheck disable=SC2064  # the words are meant as they are now
            trap "$as_root rm -f $policy" EXIT
        fi
        ;;
esac

echo "Installing by apt:$missing"
apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get --quiet=2 --option DPkg::Lock::Timeout=120"
apt="$apt --option Dpkg::Options::=--force-confold"  # what was written above stays
# shellcheck disable=SC2086  # both hold several words
if ! { $apt update && $apt install --yes --no-install-recommends $missing </dev/null >/dev/null; }; then
    echo "apt could not install:$missing. Without them the desk may not open a window."
fi
case "$missing" in
    *redis-server*) command -v systemctl >/dev/null && $as_root systemctl --quiet disable redis-server 2>/dev/null || true ;;
esac
