# iperf3, for the benches that carry traffic: the one in PATH, else Debian's package with its libraries, unpacked as etcd is.

need_iperf3() {
	! have iperf3 || return 0
	if ! have apt-get || ! have dpkg; then
		no_iperf3 'is not in PATH' 'your package manager, or https://github.com/esnet/iperf'
		return
	fi
	say 'iperf3: unpacking iperf3, libiperf0 and libsctp1'
	if ! unpack "$state/iperf3" iperf3 libiperf0 libsctp1; then
		no_iperf3 'could not be downloaded' 'apt-get update && sh ci/setup --bench'
		return
	fi
	mkdir -p "$state/bin"
	cat >"$state/bin/iperf3" <<TEXT
#!/bin/sh
LD_LIBRARY_PATH="$(dirname "$state"/iperf3/usr/lib/*/libiperf.so.0)" exec "$state/iperf3/usr/bin/iperf3" "\$@"
TEXT
	chmod +x "$state/bin/iperf3"
}

no_iperf3() { # what is wrong with it, command that gets it
	say "benches of traffic will be skipped: iperf3 $1"
	say "  get it with: $2"
}
