// The one command that shows a failure again; pure.
import { quote } from '../lib/run.ts';
import type { ClusterSpec } from './cluster-spec.ts';

/** `lab verify` or `lab up` with the flags that make the same cluster. */
export function labCommand(verb: 'verify' | 'up', spec: ClusterSpec): string {
  const { driver, config, nodes, mtu, daemons, etcdMembers } = spec;
  const refs = Object.entries(daemons).filter(([node, ref]) => node !== 'default' || ref !== 'ts');
  const words = [
    ...['npm', 'run', 'lab', '--', verb, '--driver', driver, '--backend', config.Backend.Type],
    ...(nodes === 3 ? [] : ['--nodes', String(nodes)]),
    ...(mtu === 1500 ? [] : ['--mtu', String(mtu)]),
    ...(etcdMembers === 1 ? [] : ['--etcd-members', String(etcdMembers)]),
    ...refs.flatMap(([node, ref]) => ['--daemon', node === 'default' ? ref : `${node}=${ref}`]),
  ];
  return quote(words);
}

/** One test on one platform; `env`: what of the environment chooses the daemon. */
export function scenarioCommand(
  { driver, config }: ClusterSpec,
  test: string,
  env: NodeJS.ProcessEnv = process.env,
): string {
  const daemon = env.DAEMON ? `DAEMON=${quote([env.DAEMON])} ` : '';
  return `${daemon}DRIVER=${driver} BACKEND=${config.Backend.Type} npm run scenarios -- -t ${namePattern(test)}`;
}

/** `-t` takes a regular expression. */
function namePattern(name: string): string {
  const pattern = name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return /[\\$`"!]/.test(pattern) ? quote([pattern]) : `"${pattern}"`;
}
