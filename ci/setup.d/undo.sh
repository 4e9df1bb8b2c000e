# Takes away what set-up made outside the project's folder; a Docker engine of the user's loses only what carries our label.

undo() {
	if [ -d "$state" ]; then take_turn; fi
	if [ -d "$state/docker" ]; then stop_engine; fi
	if find_engine; then
		remove_ours --filter label=flannel-lab
		remove_our_images
	fi
	say "removing $state and the engine's files in $run (installed system tools stay)"
	rm -rf --one-file-system "$run"/docker "$run"/docker.* "$state"
	rmdir "$run" 2>/dev/null || :
}

# Only the engine itself can remove its bridges, also those an earlier one left when it was killed.
stop_engine() {
	pid=$(engine_pid) || { mkdir -p "$run" && start_engine; } || say 'the private engine does not start to clean up'
	if pid=$(engine_pid); then
		say "stopping the private Docker engine (pid $pid)"
		(export DOCKER_HOST="unix://$run/docker.sock" && remove_ours)
		kill "$pid"
		wait_for_exit "$pid" || die "the private engine (pid $pid) does not stop" "kill -9 $pid; sh ci/setup --undo"
	fi
}

wait_for_exit() { # pid
	for _ in $(seq 300); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}

remove_ours() { # [--filter label=…]
	for id in $(docker container ls --all --quiet "$@"); do docker container rm --force --volumes "$id" >/dev/null; done
	for id in $(docker network ls --quiet --filter type=custom "$@"); do docker network rm "$id" >/dev/null; done
}

# A parent goes with its last child and is then found missing, so what is said about single images tells nothing.
remove_our_images() {
	# shellcheck disable=SC2046 # one word per image
	docker image rm --force $(docker image ls --quiet --filter label=flannel-lab | sort -u) >/dev/null 2>&1 || :
}
