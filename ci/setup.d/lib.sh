# Where set-up keeps things (as lib/places.ts has it), how it speaks and how it uses apt; sourced by the other parts and by images/build.

uid=$(id -u)
if [ -n "${FLANNEL_LAB_HOME-}" ]; then
	state=$FLANNEL_LAB_HOME run=$FLANNEL_LAB_HOME/run
elif [ "$uid" = 0 ]; then
	state=/var/lib/flannel-lab run=/run/flannel-lab
else
	state=${XDG_CACHE_HOME:-$HOME/.cache}/flannel-lab run=${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}/flannel-lab-$uid
fi
log=$state/setup.log
failed=0

# A user's PATH often lacks the folders of iptables and nft; ours come last, so that what the machine has is preferred.
engine_dir=$state/engine
PATH=$PATH:/usr/sbin:/sbin:$state/bin:$engine_dir/usr/bin:$engine_dir/usr/sbin
export PATH

have() { command -v "$1" >/dev/null 2>&1; }
say() { echo "setup: $*" >&2; }

die() { # what happened, [command that mends it]
	say "$1"
	[ -z "${2-}" ] || say "  mend it with: $2"
	exit 1
}

# A driver that cannot run here is skipped with its reason, unless REQUIRE lists it.
skip() { # driver, reason, command that gets it
	say "driver $1 skipped: $2"
	say "  get it with: $3"
	case ,${REQUIRE-}, in *,"$1",*)
		say "  driver $1 is required (REQUIRE=$REQUIRE)"
		failed=1
		;;
	esac
}

# Only one set-up at a time on a machine: they would unpack and start the same things.
take_turn() {
	have flock || return 0
	exec 9>"$state/lock"
	flock -n 9 && return
	say 'waiting for another set-up to finish'
	flock 9
}

logged() { # command…: run it with its output in the log; on failure show the end of that
	"$@" >>"$log" 2>&1 9>&- && return
	tail -n 15 "$log" | sed 's/^/  | /' >&2
	return 1
}

# --- apt: package lists may be missing or stale, so each use is tried again after an update

apt_quiet() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"; }

apt_again() { # function and arguments, run again after `apt-get update` if it fails
	"$@" >>"$log" 2>&1 9>&- && return
	[ "$uid" != 0 ] || logged apt_quiet update || return 1
	logged "$@"
}

apt_install() { apt_again apt_quiet install -y --no-install-recommends "$@"; }

download() { # folder, package…
	(cd "$1" && shift && apt-get -qq download "$@")
}

# Unpacks Debian packages without installing them: no service is started, and removing the folder removes all of it.
unpack() { # folder, package…
	unpack_to=$1
	shift
	rm -rf "$unpack_to.part"
	mkdir -p "$unpack_to.part/debs"
	apt_again download "$unpack_to.part/debs" "$@" || return 1
	for deb in "$unpack_to.part"/debs/*.deb; do dpkg -x "$deb" "$unpack_to.part" || return 1; done
	rm -rf "$unpack_to.part/debs" "$unpack_to"
	mv "$unpack_to.part" "$unpack_to"
}
