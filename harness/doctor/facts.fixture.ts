// Facts of a host in order, of which tests change one or the other.
import type { Answer, EndpointFacts, Facts, SourceName } from './facts.ts';
import { sources } from './facts.ts';

export const refused: Answer = { state: 'unreadable', why: 'EACCES' };

const good: Partial<Record<SourceName, string>> = {
  ipForward: '1\n',
  mounts: '29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n',
  maxUserns: '96365\n',
  inotifyInstances: '1024\n',
  inotifyWatches: '524288\n',
  limits:
    'Limit   Soft Limit   Hard Limit   Units\nMax open files            20000                20000                files\n',
  kernelConfig: ['BRIDGE', 'VETH', 'NF_TABLES', 'VXLAN', 'TUN'].map(name => `CONFIG_${name}=y`).join('\n'),
  iptables: '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n',
  nft: '{"nftables":[{"metainfo":{"version":"1.0.6"}}]}',
  routes: '[{"dst":"default","gateway":"192.0.2.1","dev":"eth0"},{"dst":"192.0.2.0/24","dev":"eth0"}]',
};

/** `changes`: what a source says, or null for nothing of it. */
export function factsWith(
  changes: Partial<Record<SourceName, string | Answer | null>> = {},
  more: Partial<Omit<Facts, 'answers'>> = {},
): Facts {
  const said: Partial<Record<SourceName, string | Answer | null>> = { ...good, ...changes };
  const answers = Object.fromEntries(
    (Object.keys(sources) as SourceName[]).map((name): [SourceName, Answer] => {
      const answer = said[name];
      if (answer === undefined || answer === null) return [name, { state: 'absent' }];
      return [name, typeof answer === 'string' ? { state: 'read', text: answer } : answer];
    }),
  ) as Record<SourceName, Answer>;
  const config: Answer = { state: 'absent' };
  return { answers, isRoot: true, etcd: [], config, ...more };
}

/** Facts with this configuration in an etcd that answers. */
export function inEtcd(config: unknown): Pick<Facts, 'etcd' | 'config'> {
  return { etcd: [endpoint({})], config: { state: 'read', text: JSON.stringify(config) } };
}

export function endpoint(more: Partial<EndpointFacts>): EndpointFacts {
  const answer: Answer = { state: 'read', text: '{"etcdserver":"3.4.23"}' };
  return { url: 'http://192.0.2.9:2379', answer, ahead: { seconds: 0.2, give: 0.5 }, ...more };
}
