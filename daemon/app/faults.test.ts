// A call to the outside that fails in a way nobody thought of: the daemon goes on with its work or ends, never half.
import { describe, expect, test } from 'vitest';
import { until } from '../../lib/wait.ts';
import { MemoryRegistry } from '../store/memory-registry.ts';
import { leaseOf, startNode } from './node.fixture.ts';

// The new peer's subnet is out of reach of this node's choice.
const config = '{"Network":"10.5.0.0/16","SubnetMax":"10.5.9.0","Backend":{"Type":"host-gw"}}';
const iterables = new Set(['watch', 'watchConfig', 'changes']);

/** `edge` whose `at`-th call of `method` fails. */
function failing<T extends object>(edge: T, method: string, at: number, failed: () => void): T {
  let calls = 0;
  const fail = () => {
    failed();
    return iterables.has(method) ? brokenSource() : Promise.reject(new TypeError('injected'));
  };
  return new Proxy(edge, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) =>
        name === method && ++calls === at ? fail() : Reflect.apply(member, target, args);
    },
  });
}

// biome-ignore lint/correctness/useYield: it breaks before its first item
async function* brokenSource(): AsyncGenerator<never, void> {
  throw new TypeError('injected');
}

interface Plan {
  /** A lease that is there for this node's public IP. */
  readonly own?: string;
  readonly flags?: readonly string[];
}

const reusing: Plan = { own: '10.5.3.0-24' };
const reaching: Plan = { flags: ['-iface-can-reach=192.168.7.9'] };

describe.each([
  ['config', [1, 2], {}],
  ['watchConfig', [1], {}],
  ['list', [1], {}],
  ['claim', [1, 2], {}],
  ['renew', [1], reusing],
  ['get', [1], {}],
  ['get', [1], reusing],
  ['watch', [1], {}],
  ['read', [1, 2, 3], {}],
  ['pathTo', [1], reaching],
  ['apply', [1, 2], {}],
  ['changes', [1], {}],
  ['features', [1], {}],
  ['save', [1, 2], {}],
  ['restore', [1], {}],
] as const)('when %s fails', (method, calls, plan: Plan) => {
  test.each(calls)('at call %d, the daemon hears of a new peer, or has ended', async at => {
    const registry = new MemoryRegistry();
    if (plan.own) registry.put(plan.own, leaseOf('192.168.7.1', 'host-gw'));
    let failed = false;
    const through = <T extends object>(edge: T) =>
      failing(edge, method, at, () => {
        failed = true;
      });
    await using node = await startNode({ registry, n: 1, flags: plan.flags ?? [], through });
    const reached = (what: string, condition: () => boolean) =>
      until(async () => (node.end || condition() ? true : undefined), { what, timeout: 8000, interval: 10 });
    const says = (text: string) => () => node.log.some(line => line.includes(text));
    await reached('a wait for the configuration', says('no network configuration yet'));
    registry.putConfig(config);
    await reached('readiness', says('info  ready'));
    const own = registry.rows().find(([, { value }]) => value.includes('"192.168.7.1"'));
    if (own) registry.delete(own[0]);
    await reached('the lease restored', says('lease restored'));
    node.kernel.set({ kind: 'address', dev: 'eth0', address: '172.16.0.1/24' }); // has it read again
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7', 'host-gw'));
    const route = 'route 10.5.77.0/24 via 192.168.7.7 dev eth0';
    await reached('a route to the new peer', () => node.kernel.text().includes(route));
    await reached(`call ${at} of ${method}`, () => failed);
    expect(failed).toBe(true);
    if (node.end) expect(node.end).toMatchObject({ message: 'injected' });
  });
});
