#!/bin/sh
# mk-docker-opts: writes dockerd's options for the subnet of this node; takes the place of upstream's script.
# Needs no more than a POSIX shell and awk, so that it works wherever it is copied to. Nothing it reads is evaluated.
set -u
export LC_ALL=C

usage() {
	cat >&2 <<-'END'
		mk-docker-opts [-f FLANNEL-ENV-FILE] [-d DOCKER-ENV-FILE] [-i] [-c] [-m] [-6] [-k COMBINED-KEY]

		Writes Docker daemon options made from flannel's environment file.
		  -f  flannel's file, /run/flannel/subnet.env by default
		  -d  file to write, /run/docker_opts.env by default
		  -i  each option as a variable of its own, e.g. DOCKER_OPT_MTU="--mtu=1450"
		  -c  all options in one variable; with neither -i nor -c, both
		  -k  name of that variable, DOCKER_OPTS by default
		  -m  leave out --ip-masq
		  -6  options for IPv6, too, when the subnet file has an IPv6 subnet
	END
	exit 1
}

die() { # what went wrong
	printf 'mk-docker-opts: %s\n' "$1" >&2
	exit 1
}

flannel_file=/run/flannel/subnet.env docker_file=/run/docker_opts.env key=DOCKER_OPTS
individual=0 combined=0 ip_masq=1 ipv6=0
while getopts ':f:d:k:icm6' option; do
	case $option in
	f) flannel_file=$OPTARG ;;
	d) docker_file=$OPTARG ;;
	k) key=$OPTARG ;;
	i) individual=1 ;;
	c) combined=1 ;;
	m) ip_masq=0 ;;
	6) ipv6=1 ;;
	*) usage ;;
	esac
done
[ "$individual$combined" != 00 ] || individual=1 combined=1
case $key in '' | [0-9]* | *[!A-Za-z0-9_]*) die "${key:-\"\"} is not the name of a variable" ;; esac

# From the variables of the environment, and of the file on standard input, which count more, to the text to write.
make_options='
BEGIN {
	for (name in ENVIRON) value_of[name] = ENVIRON[name]
	quote = "\047"
}

# NAME=value, as a shell would read it when nothing in it asks for expansion; other lines are skipped.
{ sub(/\r$/, "") }
match($0, /^[ \t]*(export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*=/) {
	name = substr($0, 1, RLENGTH - 1)
	value = substr($0, RLENGTH + 1)
	sub(/^[ \t]*(export[ \t]+)?/, "", name)
	gsub(/^[ \t]+|[ \t]+$/, "", value)
	value_of[name] = unquoted(value)
}

END {
	for (name in value_of) if (index(name, "DOCKER_OPT_")) option[name] = value_of[name]
	set("BIP", "--bip", value_of["FLANNEL_SUBNET"])
	network = ipv6 ? network6(value_of["FLANNEL_IPV6_SUBNET"]) : ""
	if (network != "") {
		set("FIXED_CIDR_V6", "--fixed-cidr-v6", network)
		put("IPV6", "--ipv6", "--ipv6")
	}
	set("MTU", "--mtu", value_of["FLANNEL_MTU"])
	masq = value_of["FLANNEL_IPMASQ"]
	if (ip_masq && masq != "") {
		if (masq != "true" && masq != "false") {
			print "Invalid value of FLANNEL_IPMASQ: " masq
			exit 1
		}
		# Only one of flannel and docker masquerades.
		set("IPMASQ", "--ip-masq", masq == "false" ? "true" : "false")
	}
	before = without_made(value_of[key])
	all = before == "" ? "" : before " "
	count = sorted_names()
	for (at = 1; at <= count; at++) {
		all = all " " option[names[at]]
		if (individual) print names[at] "=\"" option[names[at]] "\""
	}
	if (combined) print key "=\"" all "\""
	warn_of_route(value_of["FLANNEL_SUBNET"])
}

# A route through a gateway to our own subnet takes the packets of docker0 away. That is a warning, because everything
# that was asked for is done, and a unit must not fail for it.
function warn_of_route(subnet,   own, table, line, field) {
	own = network4(subnet)
	table = "/proc/net/route"
	while (own != "" && (getline line < table) > 0) {
		if (split(line, field, /[ \t]+/) < 8 || field[2] !~ /^[0-9A-F]+$/ || length(field[2]) != 8) continue
		# RTF_GATEWAY is bit 1.
		if (int(hexadecimal(field[4]) / 2) % 2 == 0 || dotted(field[2]) "/" ones(field[8]) != own) continue
		print "mk-docker-opts: warning: there is a route to " own " already, via " dotted(field[3]) " dev " field[1] \
			> "/dev/stderr"
	}
	close(table)
}

# The network of an IPv4 address with its prefix length; nothing when it is none.
function network4(text,   part, at, bits, result) {
	if (text !~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+\/[0-9]+$/) return ""
	split(text, part, /[.\/]/)
	for (at = 1; at <= 4; at++) {
		bits = part[5] - 8 * (at - 1)
		if (bits < 0) bits = 0
		if (bits < 8) part[at] -= part[at] % power(8 - bits)
		result = result (at == 1 ? "" : ".") part[at]
	}
	return result "/" part[5]
}

# The kernel writes the four bytes of an address the other way round.
function dotted(text,   at, result) {
	for (at = 7; at >= 1; at -= 2) result = result (at == 7 ? "" : ".") hexadecimal(substr(text, at, 2))
	return result
}

function ones(mask,   left, count) {
	for (left = hexadecimal(mask); left > 0; left = int(left / 2)) count += left % 2
	return count + 0
}

function set(name, flag, value) { if (value != "") put(name, flag, flag "=" value) }

function put(name, flag, text) {
	made[flag] = 1
	option["DOCKER_OPT_" name] = text
}

function unquoted(value,   mark) {
	mark = substr(value, 1, 1)
	if ((mark == "\"" || mark == quote) && value ~ ("^" mark "[^" mark "]*" mark "([ \t]+#.*)?$")) {
		value = substr(value, 2)
		return substr(value, 1, index(value, mark) - 1)
	}
	sub(/(^|[ \t]+)#.*$/, "", value)
	return value
}

# What we wrote before comes back when a unit reads our file into its own environment, and would make the line longer at
# each start; dockerd goes by the last of several anyway.
function without_made(words,   rest, kept, gap, word, found) {
	for (rest = words; match(rest, /[^ \t\n]+/); rest = substr(rest, RSTART + RLENGTH)) {
		gap = substr(rest, 1, RSTART - 1)
		word = substr(rest, RSTART, RLENGTH)
		if (is_made(word)) found = 1
		else kept = kept gap word
	}
	if (!found) return words
	gsub(/^[ \t\n]+|[ \t\n]+$/, "", kept)
	return kept
}

function is_made(word,   flag) {
	for (flag in made) if (word == flag || index(word, flag "=") == 1) return 1
	return 0
}

# A for loop over an array has no order.
function sorted_names(   name, count, at) {
	for (name in option) {
		for (at = ++count; at > 1 && names[at - 1] "" > name ""; at--) names[at] = names[at - 1]
		names[at] = name
	}
	return count
}

# The network of an IPv6 address with its prefix length, as RFC 5952 writes it; nothing when it is none.
function network6(text,   length_, halves, head, tail, group, behind, at, bits, start, run, best, from, result) {
	if (text !~ /^[0-9A-Fa-f:]+\/[0-9]+$/ || text ~ /:::|::.*::/) return ""
	length_ = text
	sub(/.*\//, "", length_)
	sub(/\/.*/, "", text)
	length_ += 0
	halves = index(text, "::")
	head = split(halves ? substr(text, 1, halves - 1) : text, group, ":")
	tail = halves ? split(substr(text, halves + 2), behind, ":") : 0
	if (length_ > 128 || (halves ? head + tail > 7 : head != 8)) return ""
	for (at = head + 1; at <= 8; at++) group[at] = "0"
	for (at = 1; at <= tail; at++) group[8 - tail + at] = behind[at]
	for (at = 1; at <= 8; at++) {
		if (group[at] !~ /^[0-9A-Fa-f][0-9A-Fa-f]?[0-9A-Fa-f]?[0-9A-Fa-f]?$/) return ""
		bits = length_ - 16 * (at - 1)
		if (bits < 0) bits = 0
		group[at] = hexadecimal(group[at])
		if (bits < 16) group[at] -= group[at] % power(16 - bits)
	}
	for (at = 1; at <= 8; at++) {
		if (group[at] != 0) continue
		for (run = 0; at + run <= 8 && group[at + run] == 0; run++);
		if (run > 1 && run > best) {
			best = run
			from = at
		}
		at += run
	}
	for (at = 1; at <= 8; at++) {
		if (at == from) {
			result = result "::"
			at += best - 1
		} else result = result (at == 1 || result ~ /:$/ ? "" : ":") sprintf("%x", group[at])
	}
	return result "/" length_
}

# Of two; not every awk has an operator for that.
function power(exponent,   result) {
	for (result = 1; exponent > 0; exponent--) result *= 2
	return result
}

function hexadecimal(digits,   at, value) {
	for (at = 1; at <= length(digits); at++)
		value = value * 16 + index("0123456789abcdef", tolower(substr(digits, at, 1))) - 1
	return value
}
'

# Without a file, the variables may come with the environment.
lines=
if [ -e "$flannel_file" ] || [ -z "${FLANNEL_SUBNET-}" ]; then
	lines=$(cat -- "$flannel_file" 2>&1) ||
		die "cannot read flannel's file; flanneld writes it once it has a subnet: $lines"
fi
text=$(printf '%s\n' "$lines" | awk -v key="$key" -v individual=$individual -v combined=$combined \
	-v ip_masq=$ip_masq -v ipv6=$ipv6 "$make_options") || die "$text"
[ -z "$text" ] || text="$text
"

# Written beside the file under another name, flushed and renamed, so that nobody ever reads half of it.
replace() { # file
	[ ! -d "$1" ] || { echo 'it is a directory'; return 1; }
	folder=$(dirname -- "$1") && mkdir -p -- "$folder" && temporary=$(mktemp "$folder/.${1##*/}.XXXXXX") || return
	trap 'rm -f -- "$temporary"' EXIT
	trap 'exit 1' HUP INT TERM
	printf '%s' "$text" >"$temporary" && chmod 0644 "$temporary" && sync "$temporary" && mv -f -- "$temporary" "$1" || return
	# What a run that was killed has left.
	rm -f -- "$folder/.${1##*/}."??????
}

case $docker_file in
/dev/stdout) printf '%s' "$text" || die "cannot write $docker_file" ;;
/dev/* | /proc/*) printf '%s' "$text" >"$docker_file" || die "cannot write $docker_file" ;;
*)
	target=$(readlink -f -- "$docker_file") || target=$docker_file
	problem=$(replace "$target" 2>&1) || die "cannot write $docker_file: $problem"
	;;
esac
