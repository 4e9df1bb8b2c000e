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
	[ -n "$missing" ] || return 0

	command="apt-get update && apt-get install -y$missing"
	if ! have apt-get; then
		skip netns "missing tools, by their Debian package:$missing" 'your package manager'
	elif [ "$uid" != 0 ]; then
		skip netns "missing tools:$missing" "sudo sh -c '$command'"
	else
		say "system tools: apt-get install$missing"
		# shellcheck disable=SC2086 # one word per package
		apt_install $missing || skip netns "missing tools:$missing" "$command"
	fi
}

want() { # command, package
	have "$1" || case "$missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}
