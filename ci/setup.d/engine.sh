# The Docker engine: finds one that answers, or runs a private one on a socket and data root of its own.

# The order is the harness's too: $DOCKER_HOST, the system's socket, ours.
find_engine() {
	have docker || return 1
	for host in ${DOCKER_HOST:-unix:///var/run/docker.sock "unix://$run/docker.sock"}; do
		answers "$host" || continue
		export DOCKER_HOST="$host"
		return
	done
	return 1
}

answers() { # engine's address
	case $1 in unix://*) [ -S "${1#unix://}" ] || return 1 ;; esac
	timeout 10 docker --host "$1" version >/dev/null 2>&1
}

need_engine() { # [--docker]
	engine=
	if [ -n "${DOCKER_HOST-}" ] || [ -S /var/run/docker.sock ]; then
		have docker || get_engine || say 'no docker command to build images with'
	fi
	if find_engine; then
		engine=$DOCKER_HOST
	elif [ -n "${DOCKER_HOST-}" ]; then
		skip docker "no engine answers on DOCKER_HOST=$DOCKER_HOST" 'unset DOCKER_HOST'
	elif [ "$uid" = 0 ] && [ -d "$state/docker" ] && have dockerd; then
		# Set up before, and ours to start again, after a reboot for example.
		try_engine
	elif [ "${1-}" != --docker ]; then
		return 0
	elif [ "$uid" != 0 ]; then
		skip docker 'no Docker engine answers, and only root can start one' 'sudo sh ci/setup --docker'
	elif ! have dockerd && ! have apt-get; then
		skip docker 'no Docker engine answers' 'install Docker (https://docs.docker.com/engine/install) and start it'
	else
		get_engine && try_engine || skip docker 'no Docker engine could be unpacked' 'apt-get update && sh ci/setup --docker'
	fi
}

# Unpacked, not installed: no service starts, no group or firewall rule is made, and --undo takes all of it away.
get_engine() {
	! have dockerd || ! have docker || return 0
	have apt-get || return 1
	say 'docker: unpacking the engine'
	apt_again plan_engine || return 1
	# shellcheck disable=SC2046 # one word per package
	unpack "$engine_dir" $(sed -n 's/^Inst \([^ ]*\).*/\1/p' "$state/engine.plan")
}

# docker.io and whatever it needs that this machine lacks; the command line is a package of its own in newer releases.
plan_engine() {
	cli=$(apt-cache --names-only search '^docker-cli$' | cut -d' ' -f1)
	# shellcheck disable=SC2086 # none or one word
	apt-get -s install --no-install-recommends docker.io $cli >"$state/engine.plan"
}

try_engine() {
	say "docker: starting a private engine on $run/docker.sock"
	if pid=$(engine_pid); then
		skip docker "the private engine (pid $pid) runs but does not answer" "kill $pid, then sh ci/setup --docker"
	elif start_engine; then
		export DOCKER_HOST="unix://$run/docker.sock"
		engine=$DOCKER_HOST
	else
		tail -n 15 "$run/docker.log" | sed 's/^/  | /' >&2
		skip docker 'the private engine does not start' "sh ci/setup --docker, after what $run/docker.log says"
	fi
}

start_engine() {
	stop_strays
	# Copies, so that the engine can do without this folder.
	cp images/node/runc-bounded ci/setup.d/run-engine "$state/"
	setsid sh "$state/run-engine" "$state" "$run" </dev/null >"$run/docker.log" 2>&1 9>&- &
	for _ in $(seq 300); do
		answers "unix://$run/docker.sock" && return
		kill -0 "$!" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

# An engine that was killed leaves its containerd and the containers' shims behind; their command line names our folder.
# Its pid files would make the next one wait for a containerd that is gone.
stop_strays() {
	for folder in /proc/[0-9]*; do
		stray=${folder#/proc/}
		command_line "$stray" | grep -q "^[^ ]*containerd.* $run/docker/containerd/" || continue
		say "stopping $(cat "$folder/comm"), left behind by the engine (pid $stray)"
		pkill -KILL -P "$stray" || :
		kill -KILL "$stray" || :
	done
	rm -f "$run/docker.pid" "$run/docker/containerd/containerd.pid"
}

# The private engine's pid, only if that process is really ours.
engine_pid() {
	[ -s "$run/docker.pid" ] || return 1
	pid=$(cat "$run/docker.pid")
	command_line "$pid" | grep -qF -- "--pidfile $run/docker.pid" || return 1
	echo "$pid"
}

command_line() { { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null; }
