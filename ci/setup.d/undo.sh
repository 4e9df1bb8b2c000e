# Takes away what set-up made outside the project's folder; a Docker engine of the user's loses only what carries our label.

undo() {
	if [ -d "$state" ]; then take_turn; fi
	if pid=$(engine_pid); then
		say "stopping the private Docker engine (pid $pid)"
		kill "$pid"
		wait_for_exit "$pid" || die "the private engine (pid $pid) does not stop" "kill -9 $pid; sh ci/setup --undo"
	fi
	stop_strays
	if find_engine; then remove_labelled; fi
	say "removing $state and the engine's files in $run (installed system tools stay)"
	rm -rf --one-file-system "$run"/docker "$run"/docker.* "$state"
	rmdir "$run" 2>/dev/null || :
}

wait_for_exit() { # pid
	for _ in $(seq 300); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}

# An engine that was killed leaves its containerd and the containers' shims behind; their command line names our folder.
stop_strays() {
	for folder in /proc/[0-9]*; do
		stray=${folder#/proc/}
		command_line "$stray" | grep -q "^[^ ]*containerd.* $run/docker/containerd/" || continue
		say "stopping $(cat "$folder/comm"), left behind by the engine (pid $stray)"
		pkill -KILL -P "$stray" || :
		kill -KILL "$stray" || :
	done
}

remove_labelled() {
	for kind in container network volume image; do
		case $kind in container) remove='rm --force --volumes' ;; image) remove='rm --force' ;; *) remove=rm ;; esac
		case $kind in container | image) list='ls --all --quiet' ;; *) list='ls --quiet' ;; esac
		# shellcheck disable=SC2086 # options are words
		for id in $(docker $kind $list --filter label=flannel-lab | sort -u); do
			docker $kind $remove "$id" >/dev/null 2>&1 && say "removed $kind $id" || say "could not remove $kind $id"
		done
	done
}
