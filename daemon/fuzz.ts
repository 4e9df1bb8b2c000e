// npm run fuzz [-- <minutes>]: arbitrary and damaged input for everything that reads what comes from outside; none may throw.
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { UserError } from '../lib/errors.ts';
import { parseCidr, parseIp } from '../lib/ip.ts';
import { chooseBackend } from './backends/index.ts';
import { parseFdb, parseLinks, parseNeighbours, parseRoutes } from './kernel/parse.ts';
import { parseDump } from './kernel/parse-wg.ts';
import { parseKey, parseValue } from './model/lease-codec.ts';
import { stateText } from './model/net-state.ts';
import { parseNetworkConfig } from './model/network-config.ts';
import { parseSaved } from './model/saved-rules.ts';
import { parseSubnetEnv } from './model/subnet-env.ts';
import { parseAnswer, parseVersion, Refused } from './store/etcd2-answer.ts';

interface Target {
  readonly name: string;
  /** Good input, to damage. */
  readonly seeds: readonly string[];
  /** Must not throw. */
  readonly read: (text: string) => unknown;
}

/** Output of programs and of etcd may be refused, but only with an error that says what it is and what to do. */
function orRefuse(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof UserError || error instanceof Refused)) throw error;
  }
}

const targets: readonly Target[] = [
  {
    name: 'addresses',
    seeds: ['10.5.0.0/16', 'fd00:5::/48', '::ffff:1.2.3.4'],
    read: text => [parseIp(text), parseCidr(text)],
  },
  { name: 'lease keys', seeds: ['10.5.7.0-24&fd00:5:0:a::-64', '0.0.0.0-0&::-1'], read: parseKey },
  {
    name: 'lease values',
    seeds: [
      '{"PublicIP":"192.168.100.2","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"22:74:c4:21:8b:88"}}',
    ],
    read: parseValue,
  },
  {
    name: 'network config',
    seeds: [
      '{"Network":"10.5.0.0/16","SubnetLen":24,"SubnetMin":"10.5.1.0","EnableIPv6":true,"IPv6Network":"fd00::/48","Backend":{"Type":"vxlan","VNI":1,"MTU":1400}}',
    ],
    read: text => {
      const result = parseNetworkConfig(text);
      return 'config' in result ? chooseBackend(result.config) : result;
    },
  },
  {
    name: 'subnet.env',
    seeds: [
      'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET="10.5.1.1/24" # x\nexport FLANNEL_MTU=1450\r\nFLANNEL_IPMASQ=false\n',
    ],
    read: parseSubnetEnv,
  },
  {
    name: 'iptables-save',
    seeds: [
      '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m comment --comment "a \\" b" -j FLANNEL-FWD\nCOMMIT\n',
    ],
    read: parseSaved,
  },
  {
    name: 'ip -j',
    seeds: [
      '[{"ifname":"flannel.1","mtu":1450,"flags":["UP"],"linkinfo":{"info_kind":"vxlan","info_data":{"id":1}}}]',
      '[{"dst":"default","gateway":"10.0.0.1","dev":"eth0","flags":["onlink"],"lladdr":"aa"}]',
    ],
    read: text => {
      orRefuse(() => parseLinks(text));
      orRefuse(() => parseRoutes(text, 4));
      orRefuse(() => parseNeighbours(text, ['eth0']));
      orRefuse(() => parseFdb(text, 'flannel.1'));
    },
  },
  {
    name: 'wg show dump',
    seeds: [
      'a=\tb=\t51820\toff\nc=\t(none)\t[fd00::1]:5\t10.5.2.0/24,fd00:5::/64\t0\t0\t0\t25\nd=\te=\t(none)\t(none)\t0\t0\t0\toff\n',
    ],
    read: text => orRefuse(() => stateText(parseDump(text, 'flannel-wg'))),
  },
  {
    name: 'answers of etcd v2',
    seeds: [
      '{"action":"get","node":{"key":"/net/subnets","dir":true,"nodes":[{"key":"/net/subnets/10.5.3.0-24","value":"{}","expiration":"2026-01-31T10:11:12Z","ttl":60,"modifiedIndex":7,"createdIndex":7}]}}',
      '{"errorCode":401,"message":"The event in requested index is outdated and cleared","cause":"x","index":1007}',
      '{"etcdserver":"2.3.8","etcdcluster":"2.3.0"}',
    ],
    read: text => {
      for (const status of [200, 400]) orRefuse(() => parseAnswer({ status, index: 0, text }));
      parseVersion(text);
    },
  },
];

/** A seed with bytes overwritten, inserted, removed or repeated; or bytes of no kind at all. */
function damaged(seeds: readonly string[]): fc.Arbitrary<string> {
  const wound = fc.record({
    at: fc.nat(4096),
    remove: fc.nat(12),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.constantFrom('"', '{', '[', '-', '0', ',', '\\', '/').map(text => Buffer.from(text)),
    ),
  });
  const hurt = fc
    .tuple(fc.constantFrom(...seeds), fc.array(wound, { maxLength: 8 }))
    .map(([seed, wounds]) => {
      let bytes = Buffer.from(seed);
      for (const { at, remove, insert } of wounds) {
        const start = at % (bytes.length + 1);
        bytes = Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + remove)]);
      }
      return bytes.toString();
    });
  const noise = fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes).toString());
  return fc.oneof(
    { weight: 4, arbitrary: hurt },
    { weight: 1, arbitrary: noise },
    { weight: 1, arbitrary: fc.json() },
  );
}

const { positionals } = parseArgs({ allowPositionals: true });
const minutes = Number(positionals[0] ?? 1);
if (!(minutes > 0))
  throw new UserError(`${positionals[0]} is not a number of minutes`, { hint: 'npm run fuzz -- 5' });
const share = (minutes * 60_000) / targets.length;
for (const { name, seeds, read } of targets) {
  let runs = 0;
  const property = fc.property(damaged(seeds), text => {
    runs++;
    read(text);
  });
  fc.assert(property, {
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: share,
    markInterruptAsFailure: false,
  });
  process.stdout.write(`${name}: ${runs} inputs, none threw\n`);
}
