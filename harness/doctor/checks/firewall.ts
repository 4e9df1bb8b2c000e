// Packet filters in the way of flannel: who manages them, what they drop of its packets, and what a bridge has to do with it.
import { asRootHost, type Check, configOf, membership, ok, unknown, warning } from '../check.ts';
import { type Facts, textOf, unreadable } from '../facts.ts';
import { iptablesFilter } from '../iptables-rules.ts';
import { nftTables } from '../nft-rules.ts';
import { type Drop, dropsOf, type FilterTable, type Packet } from '../packet-filter.ts';

const udpPorts: Readonly<Record<string, number>> = { vxlan: 8472, udp: 8285, wireguard: 51820 };

/** Those that peers send to; both of the older backends where the backend is not known. */
function portsOf(facts: Facts): readonly number[] {
  const { backend } = membership(facts);
  if (backend === undefined) return [8285, 8472];
  const port = configOf(facts)?.Backend?.Port;
  return udpPorts[backend] === undefined
    ? []
    : [typeof port === 'number' && port > 0 ? port : udpPorts[backend]];
}

function packetsOf(facts: Facts): readonly (Packet & { readonly what: string })[] {
  const { network } = membership(facts);
  const forward = { hook: 'forward', proto: 'tcp', dport: undefined, network } as const;
  return [
    { ...forward, what: 'from containers', iif: 'docker0', oif: 'flannel.1' },
    { ...forward, what: 'to containers', iif: 'flannel.1', oif: 'docker0' },
    ...portsOf(facts).map(dport => ({
      ...({ hook: 'input', what: `udp ${dport} from peers`, proto: 'udp', network } as const),
      ...{ iif: undefined, oif: undefined, dport },
    })),
  ];
}

/** Throws when the answers are not what the tools print. */
function tablesOf(facts: Facts): readonly FilterTable[] {
  const iptables = iptablesFilter('iptables filter', textOf(facts, 'iptables') ?? '');
  const legacy = iptablesFilter('iptables-legacy filter', textOf(facts, 'iptablesLegacy') ?? '');
  const nft = nftTables(textOf(facts, 'nft') || '{"nftables":[]}');
  return [
    ...(iptables ? [iptables] : []),
    ...(legacy ? [legacy] : []),
    // The same table again, whose rules iptables knows better.
    ...nft.filter(({ name }) => !(iptables && name === 'ip filter')),
  ];
}

function dropText({ table, chain, rule }: Drop): string {
  return rule === undefined ? `policy DROP of ${chain} (${table})` : `"${rule}" (${table}/${chain})`;
}

function fixFor(facts: Facts, drop: Drop, packet: Packet): string {
  const { networkText } = membership(facts);
  const port = packet.hook === 'input' ? packet.dport : undefined;
  if (runsFirewalld(facts))
    return port === undefined
      ? `firewall-cmd --permanent --zone=trusted --add-${networkText ? `source=${networkText}` : 'interface=docker0 --add-interface=flannel.1'} && firewall-cmd --reload`
      : `firewall-cmd --permanent --add-port=${port}/udp && firewall-cmd --reload`;
  if (runsUfw(facts))
    return port === undefined
      ? `ufw route allow from ${networkText ?? 'any'} to ${networkText ?? 'any'}`
      : `ufw allow ${port}/udp`;
  if (!drop.table.startsWith('iptables')) {
    const accepted =
      port !== undefined
        ? `udp dport ${port}`
        : networkText
          ? `ip saddr ${networkText} ip daddr ${networkText}`
          : `${packet.iif === 'docker0' ? 'oifname' : 'iifname'} '"flannel*"'`;
    return `nft insert rule ${drop.table} ${drop.chain} ${accepted} accept`;
  }
  const program = drop.table.split(' ')[0];
  if (port !== undefined) return `${program} -I INPUT -p udp --dport ${port} -j ACCEPT`;
  if (networkText) return `${program} -I FORWARD -s ${networkText} -d ${networkText} -j ACCEPT`;
  return `${program} -I FORWARD ${packet.iif === 'docker0' ? '-o' : '-i'} flannel+ -j ACCEPT`;
}

const runsFirewalld = (facts: Facts) => textOf(facts, 'firewalld') === 'running';
const runsUfw = (facts: Facts) => /^ENABLED=yes/m.test(textOf(facts, 'ufw') ?? '');

export const firewallManager: Check = {
  name: 'firewall manager',
  purposes: ['host'],
  why: 'whenever it loads its rules anew, it may put a REJECT where flannel has none to fear',
  judge: facts => {
    const manager = runsFirewalld(facts) ? 'firewalld' : runsUfw(facts) ? 'ufw' : undefined;
    if (!manager) return ok('neither firewalld nor ufw is running');
    if (!unreadable(facts, 'nft', 'iptables') && dropFindings(facts).length === 0)
      return ok(`${manager} is running, and drops nothing of flannel's`);
    const { networkText } = membership(facts);
    if (manager === 'ufw') return warning('ufw is running', 'ufw default allow routed');
    const fix = networkText
      ? `firewall-cmd --permanent --zone=trusted --add-source=${networkText} && firewall-cmd --reload`
      : 'systemctl disable --now firewalld';
    return warning('firewalld is running', fix);
  },
};

export const packetFilters: Check = {
  name: 'packet filters',
  purposes: ['host'],
  why: 'what they drop never reaches a container or a peer, and no log of flannel says so',
  judge: facts => {
    const problem = unreadable(facts, 'nft', 'iptables');
    if (problem) return unknown(problem, asRootHost);
    if (facts.answers.nft.state === 'absent' && facts.answers.iptables.state === 'absent')
      return unknown('neither nft nor iptables is installed', 'apt-get install iptables');
    const found = dropFindings(facts);
    const [first] = found;
    if (!first) return ok('nothing drops what is forwarded, or what peers send');
    const state = found.some(one => one.state === 'blocks') ? 'blocks' : first.state;
    const worst = found.filter(one => one.state === state);
    const saw = [...new Set(worst.map(({ drop }) => drop))].map(
      drop => `${worst.flatMap(one => (one.drop === drop ? one.what : [])).join(', ')}: ${drop}`,
    );
    return { state, saw: saw.join('; '), fix: [...new Set(worst.map(({ fix }) => fix))].join(' && ') };
  },
};

interface DropFinding {
  readonly state: 'warning' | 'blocks';
  readonly what: string;
  readonly drop: string;
  readonly fix: string;
}

function dropFindings(facts: Facts): readonly DropFinding[] {
  const tables = tablesOf(facts);
  return packetsOf(facts).flatMap(packet =>
    dropsOf(tables, packet).map(drop => dropFinding(facts, drop, packet)),
  );
}

function dropFinding(facts: Facts, drop: Drop, packet: Packet & { readonly what: string }): DropFinding {
  const found = { what: packet.what, fix: fixFor(facts, drop, packet) };
  const text = dropText(drop);
  const isForwardPolicy = drop.rule === undefined && packet.hook === 'forward' && / filter$/.test(drop.table);
  // Docker's: flanneld puts its own rules before it, unless it is very old or told not to.
  if (isForwardPolicy && facts.answers.subnetEnv.state !== 'read')
    return { ...found, state: 'warning', drop: `${text}, until flanneld's own rules come (not with 0.7)` };
  if (drop.sure) return { ...found, state: 'blocks', drop: text };
  return { ...found, state: 'warning', drop: `${text}, unless a rule before it accepts` };
}

export const bridgeFilter: Check = {
  name: 'br_netfilter',
  purposes: ['host'],
  why: 'with it, packets between containers of one bridge pass FORWARD too; kube-proxy needs that',
  judge: facts => {
    const value = textOf(facts, 'bridgeNf');
    const isKubernetes = facts.answers.kubelet.state === 'read';
    const problem = unreadable(facts, 'bridgeNf');
    if (problem) return unknown(problem, asRootHost);
    if (value === undefined || value === '0') {
      const saw = value === undefined ? 'not loaded' : 'loaded, and bridges do not call iptables';
      if (!isKubernetes) return ok(`${saw}; flannel with docker needs nothing of it`);
      return warning(
        `${saw}, and a kubelet is on this host`,
        value === undefined ? 'modprobe br_netfilter' : 'sysctl -w net.bridge.bridge-nf-call-iptables=1',
      );
    }
    const filtered = unreadable(facts, 'nft', 'iptables');
    if (filtered) return unknown(`bridges call iptables, and ${filtered}`, asRootHost);
    const packet: Packet = { ...forwardOnBridge, network: membership(facts).network };
    const [drop] = dropsOf(tablesOf(facts), packet);
    if (!drop) return ok('bridges call iptables, and nothing is dropped there');
    const fix = isKubernetes
      ? 'iptables -I FORWARD -i docker0 -o docker0 -j ACCEPT'
      : 'sysctl -w net.bridge.bridge-nf-call-iptables=0';
    return warning(`bridges call iptables, where containers of one host meet ${dropText(drop)}`, fix);
  },
};

const forwardOnBridge = {
  ...({ hook: 'forward', iif: 'docker0', oif: 'docker0', proto: 'tcp', dport: undefined } as const),
};
