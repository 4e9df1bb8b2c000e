# etcd and etcdctl: those in PATH, else Debian's packages unpacked beside everything else of ours, no service started.

need_etcd() {
	! have etcd || return 0
	if ! have apt-get || ! have dpkg; then
		skip netns 'no etcd in PATH' 'your package manager, or a release from https://github.com/etcd-io/etcd/releases'
		return
	fi
	say 'etcd: unpacking etcd-server and etcd-client'
	if ! unpack "$state/etcd" etcd-server etcd-client; then
		skip netns 'no etcd in PATH, and its packages could not be downloaded' 'apt-get update && sh ci/setup'
		return
	fi
	mkdir -p "$state/bin"
	ln -sf "$state/etcd/usr/bin/etcd" "$state/etcd/usr/bin/etcdctl" "$state/bin/"
}
