#!/bin/sh
# Installs what is declared beside it, as root, while an image is being extended.
# $1: `run` or `build`. $mirror, $recommends: arguments of the Dockerfile.
# Ends with 65 where the app is at fault, 69 where machine or network are, 70 for all else.
set -u
kind=$1
here=${0%/*}
record=/usr/share/cnbkit/run-image
services=/usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
unset LANGUAGE

end() { # end STATUS TEXT...
    status=$1
    shift
    for text; do echo "Error: $text"; done
    exit "$status"
}

command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
    end 69 "the $kind image has no apt; take a run image that has, build with \`cnbkit build\`, which lends it one, or set BP_APT_MODE=layer"

# The image's own sources, perhaps by another host, and those of the app.
mkdir -p "$here/sources/parts"
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    target=$here/sources/parts/${file##*/}
    [ "$file" != /etc/apt/sources.list ] || target=$here/sources/parts/system.list
    if [ -n "${mirror-}" ]; then
        sed -E "s|https?://[^/[:space:]]+|$mirror|" "$file" >"$target"
    else
        cat "$file" >"$target"
    fi
done
[ ! -s "$here/app.list" ] || cat "$here/app.list" >"$here/sources/parts/app.list"
: >"$here/sources/none"

set -- -q -y -o "Dir::Etc::sourcelist=$here/sources/none" -o "Dir::Etc::sourceparts=$here/sources/parts" \
    -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root \
    -o APT::Install-Suggests=0 -o APT::Update::Error-Mode=any
if [ "${recommends-}" = True ]; then
    set -- "$@" -o APT::Install-Recommends=1
else
    set -- "$@" -o APT::Install-Recommends=0
fi
for folder in man info locale; do
    set -- "$@" -o "Dpkg::Options::=--path-exclude=/usr/share/$folder/*"
done
set -- "$@" -o 'Dpkg::Options::=--path-exclude=/usr/share/doc/*' \
    -o 'Dpkg::Options::=--path-include=/usr/share/doc/*/copyright'

echo "Reading the lists of packages"
apt-get "$@" update >"$here/said" 2>&1 || {
    cat "$here/said"
    end 69 "the lists of packages cannot be fetched; check the network, BP_APT_MIRROR and the app's own sources"
}

words() { # words LIST: names and files to install; a .deb of elsewhere is fetched once
    while read -r place word file; do
        plain=${word%%#*}
        sum=
        case $word in *'#sha256='*) sum=${word##*sha256=} ;; esac
        case $word in
        *://*)
            file=debs/${plain##*/}
            mkdir -p "$here/debs"
            if [ ! -f "$here/$file" ]; then
                echo "Fetching $plain" >&2
                /usr/lib/apt/apt-helper "$@" download-file "$plain" "$here/$file" >"$here/said" 2>&1 || {
                    cat "$here/said" >&2
                    echo "Error: $place: $plain cannot be fetched" >&2
                    exit 69
                }
            fi
            ;;
        esac
        if [ -n "$file" ]; then
            if [ -n "$sum" ] && [ "$(sha256sum "$here/$file" | cut -d' ' -f1)" != "$sum" ]; then
                echo "Error: $place: $plain is another file than it should be" >&2
                exit 65
            fi
            echo "$here/$file"
        else
            echo "$word"
        fi
    done
}

listed=$(words "$@" <"$here/$kind.txt") || exit $?
[ -n "$listed" ] || echo "Nothing is declared for the $kind image"
if [ -n "$listed" ]; then
    # shellcheck disable=SC2086 # one word each
    apt-get "$@" install --simulate $listed >"$here/said" 2>&1 || {
        cat "$here/said"
        while read -r place word file; do
            name=${word%%[=:]*}
            ! grep -qxF "E: Unable to locate package $name" "$here/said" ||
                echo "Error: $place: there is no package $name"
            ! grep -qF "'$name' has no installation candidate" "$here/said" ||
                echo "Error: $place: $name is known by name only"
            ! grep -qF "for '$name' was not found" "$here/said" ||
                echo "Error: $place: $name has no version ${word#*=}"
        done <"$here/$kind.txt"
        grep -q 'E: \(Unable\|Package\|Version\)' "$here/said" || echo "Error: these packages cannot be installed together"
        exit 65
    }
fi

# What the run image gets, so that later buildpacks know of it: its own list counts as installed.
: >"$here/added"
if [ "$kind" = build ] && [ -f $record/status ] && [ -s "$here/run.txt" ]; then
    listed_for_run=$(words "$@" <"$here/run.txt") || exit $?
    # shellcheck disable=SC2086
    apt-get "$@" -o Dir::State::status=$record/status -o Dir::Cache::pkgcache= \
        install --simulate $listed_for_run 2>/dev/null |
        sed -n 's/^Inst \([^ :]*\).*/\1/p' >"$here/added"
fi

if [ -n "$listed" ]; then
    # No service is started while an image is made.
    if [ ! -e $services ]; then
        printf '#!/bin/sh\nexit 101\n' >$services
        chmod 755 $services
        trap 'rm -f $services' EXIT
    fi
    # shellcheck disable=SC2086
    apt-get "$@" install $listed >"$here/said" 2>&1 || {
        cat "$here/said"
        ! grep -q 'Failed to fetch\|Unable to fetch' "$here/said" ||
            end 69 "packages cannot be fetched; check the network"
        ! grep -q 'No space left' "$here/said" || end 69 "the disk is full"
        end 70 "a package cannot be installed"
    }
    grep -E '^(Setting up|[0-9]+ upgraded)' "$here/said"
fi

if [ "$kind" = build ]; then
    mkdir -p /usr/share/cnbkit/apt-image
    cat "$here/identity" >/usr/share/cnbkit/apt-image/installed
    while read -r name; do
        { echo && dpkg-query --status "$name"; } >>$record/status
        dpkg-query --listfiles "$name" |
            grep -E '^(/usr)?/lib(64|/[^/]+-linux-gnu)?/[^/]+\.so(\.[^/]*)?$' >>$record/libraries
    done <"$here/added"
    [ ! -f $record/libraries ] || sort -u -o $record/libraries $record/libraries
fi

apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/lib/dpkg/*-old \
    /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/cache/ldconfig/aux-cache "$here"
