# The system tools both daemon and harness call; installed as root on Debian and Ubuntu, named otherwise.

need_tools() {
	missing=
	want ip iproute2
	want iptables iptables
	want nft nftables
	want ping iputils-ping
	want sysctl procps
	want nsenter util-linux
	want flock util-linux
	[ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] || missing="$missing ca-certificates"
	[ -z "$missing" ] || install_missing || skip netns "missing tools, by their Debian package:$missing" "$command"
}

# Only for backend wireguard: its scenarios are skipped without.
need_wireguard() {
	missing=
	want wg wireguard-tools
	want wireguard-go wireguard-go
	[ -z "$missing" ] || install_missing || say "backend wireguard is not tested without$missing; get it with: $command"
}

install_missing() {
	command="apt-get update && apt-get install -y$missing"
	if ! have apt-get; then
		command='your package manager'
		return 1
	elif [ "$uid" != 0 ]; then
		command="sudo sh -c '$command'"
		return 1
	fi
	say "system tools: apt-get install$missing"
	# shellcheck disable=SC2086 # one word per package
	apt_install $missing
}

want() { # command, package
	have "$1" || case "$missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}
