# npm packages, reinstalled when package-lock.json has changed since.

need_npm_packages() {
	stamp=node_modules/.package-lock.installed
	# Time stamps say "maybe" (a checkout touches files), the copy of what was installed says "really".
	if [ -e node_modules/.package-lock.json ]; then
		[ package-lock.json -nt node_modules/.package-lock.json ] || return 0
		cmp -s package-lock.json "$stamp" && return
	fi
	have npm || die 'npm is missing' 'install Node.js 18 or later, with npm, from your distribution or https://nodejs.org'
	say 'npm packages: npm ci'
	logged npm ci --no-audit --no-fund || die 'npm packages could not be installed' 'npm ci'
	cp package-lock.json "$stamp"
}
