// What others do to a node's packet filter, and an iptables that does not do what it should.
import type { NodeHandle } from '../drivers/driver.ts';
import { act, nodeOf, standing } from './kind.ts';
import { shadow, shadowName } from './shadow.ts';

/** FORWARD has the policy that dockerd sets: DROP. */
export const dropForwarding = standing({
  operands: '<node>',
  help: 'FORWARD has the policy DROP, as dockerd sets it',
  read: words => [words.node()],
  prepare: async (_, node: NodeHandle) => ({ node: node.name, former: await forwardPolicy(node) }),
  make: (scene, { node: name, former }) => {
    const node = nodeOf(scene, name);
    const policy = (verdict: string) => node.run(['iptables', '-w', '-P', 'FORWARD', verdict]);
    return {
      what: `${name} drops what it would forward`,
      act: () => policy('DROP'),
      proof: async () => (await forwardPolicy(node)) === 'DROP',
      undo: () => policy(former),
    };
  },
});

async function forwardPolicy(node: NodeHandle): Promise<string> {
  const { stdout } = await node.run(['iptables', '-w', '-S', 'FORWARD']);
  return /^-P FORWARD (\S+)/.exec(stdout)?.[1] ?? 'ACCEPT';
}

/** A catch-all REJECT in front of everything in FORWARD, as firewalld brings it. */
export const rejectForwarding = standing({
  operands: '<node>',
  help: 'a REJECT stands in front of everything in FORWARD, as firewalld brings it',
  read: words => [words.node()],
  prepare: (_, node: NodeHandle) => ({ node: node.name }),
  make: (scene, { node: name }) =>
    firstRules(nodeOf(scene, name), `${name} rejects what it would forward`, [
      ['filter', 'FORWARD', '-j', 'REJECT', '--reject-with', 'icmp-host-prohibited'],
    ]),
});

/** Rules of somebody else stand first: harmless ones, or one that gives all that leaves on the device the node's address. */
export const foreignRules = standing({
  operands: '<node> [harmless|masquerade] [<device>]',
  help: 'rules of somebody else stand first in FORWARD and POSTROUTING, without effect or masquerading',
  read: words => [words.node(), words.choice(['harmless', 'masquerade'], 'harmless'), words.optional()],
  prepare: (
    _,
    node: NodeHandle,
    effect: 'harmless' | 'masquerade' = 'harmless',
    dev: string = 'flannel.1',
  ) => ({
    node: node.name,
    effect,
    dev,
  }),
  make: (scene, { node: name, effect, dev }) => {
    const mine: readonly string[] = ['-m', 'comment', '--comment', 'lab_fault'];
    return firstRules(nodeOf(scene, name), `${effect} rules of somebody else stand first on ${name}`, [
      ['filter', 'FORWARD', ...mine],
      ['nat', 'POSTROUTING', ...mine, ...(effect === 'masquerade' ? ['-o', dev, '-j', 'MASQUERADE'] : [])],
    ]);
  },
});

/** Each is a table, a chain and what `iptables -I` takes after them. */
function firstRules(
  node: NodeHandle,
  what: string,
  rules: readonly (readonly [string, string, ...string[]])[],
) {
  const iptables = (order: string, [table, ...rule]: readonly string[], okCodes = [0]) =>
    node.run(['iptables', '-w', '-t', table ?? '', order, ...rule], { okCodes });
  return {
    what,
    act: async () => {
      for (const rule of rules) await iptables('-I', rule);
    },
    proof: async () => {
      const found = await Promise.all(rules.map(rule => iptables('-C', rule, [0, 1])));
      return found.every(({ code }) => code === 0);
    },
    undo: async () => {
      // Whoever flushes rules takes ours with them.
      for (const rule of rules) await iptables('-D', rule, [0, 1]);
    },
  };
}

/** All rules of all chains of filter and nat go, and the tables that flannel has in nftables. */
export const flushRules = act({
  operands: '<node>',
  help: "iptables -F in filter and nat, and flannel's nftables tables are gone",
  read: words => [words.node()],
  what: (node: NodeHandle) => `the rules of ${node.name} are flushed`,
  act: async (_, node: NodeHandle) => {
    const script = `set -e
iptables -w -F
iptables -w -t nat -F
for family in 4 6; do nft delete table "ip\${family#4}" "flannel-ipv$family" 2>/dev/null || :; done`;
    await node.run(['sh', '-c', script]);
  },
});

/** Whatever starts iptables on the node waits so many seconds for it, or is told that it failed. */
export const slowIptables = standing({
  operands: '<node> [<seconds>]',
  help: 'iptables takes two seconds more, or as many as told',
  read: words => [words.node(), words.number('seconds', [1, 60], 2)],
  prepare: async (_, node: NodeHandle, seconds: number = 2) => ({
    node: node.name,
    seconds,
    shadowed: await shadowName(node, 'iptables'),
  }),
  make: (scene, { node: name, seconds, shadowed }) => {
    const node = nodeOf(scene, name);
    // All the tools are one program, which takes the name of the tool as its first word, too.
    const script = `sleep ${seconds}\nexec "$REAL" "\${0##*/}" "$@"`;
    const program = shadow(node, shadowed, 'iptables', script);
    return {
      what: `iptables of ${name} takes ${seconds} s longer`,
      act: program.put,
      proof: async () => {
        const started = performance.now();
        await node.run(['iptables', '-w', '-S', 'FORWARD'], { timeout: seconds * 1000 + 10_000 });
        return (await program.stands()) && performance.now() - started >= seconds * 1000;
      },
      undo: program.remove,
      patience: seconds * 2000 + 10_000,
    };
  },
});

/** iptables fails on the node, as when another one holds its lock. */
export const failIptables = standing({
  operands: '<node>',
  help: 'iptables fails, as when another one holds its lock',
  read: words => [words.node()],
  prepare: async (_, node: NodeHandle) => ({
    node: node.name,
    shadowed: await shadowName(node, 'iptables'),
  }),
  make: (scene, { node: name, shadowed }) => {
    const node = nodeOf(scene, name);
    const said = 'Another app is currently holding the xtables lock; the fault of the lab holds it.';
    const program = shadow(node, shadowed, 'iptables', `echo '${said}' >&2\nexit 4`);
    return {
      what: `iptables of ${name} fails`,
      act: program.put,
      proof: async () => (await node.run(['iptables', '-S'], { okCodes: [0, 4] })).code === 4,
      undo: program.remove,
    };
  },
});
