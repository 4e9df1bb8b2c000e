// Runs a daemon that was just built through a start, as far as possible from the machine it is built on.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEtcd } from './etcd.ts';

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const tools = ['ip', 'bridge', 'iptables', 'iptables-save', 'iptables-restore'];
/** Milliseconds. */
const timeout = 20_000;

export interface RehearsalOptions {
  readonly env: Readonly<Record<string, string>>;
  /** For Node itself. */
  readonly nodeFlags?: readonly string[];
}

/**
 * Lets `program` take a lease, program three peers, become ready and take its lost lease again, then ends it. Nothing of this host is changed:
 * etcd, the tools and /proc/sys are make-believe. Rejects with what the daemon said when it does not get that far.
 * `protoFile` is etcd's rpc.proto.
 */
export async function rehearse(
  program: string,
  protoFile: string,
  { env, nodeFlags = [] }: RehearsalOptions,
): Promise<void> {
  // A device that no other rehearsal has, as daemons on one host mind that; more digits make no name of a device.
  const config = {
    Network: '10.5.0.0/16',
    Backend: { Type: 'vxlan', VNI: 1 + Math.floor(Math.random() * 9_999_999) },
  };
  using etcd = await startEtcd(protoFile, config, 3);
  const folder = await mkdtemp(join(tmpdir(), 'flannel-lab-rehearsal-'));
  try {
    await Promise.all(tools.map(name => symlink(file('tool'), join(folder, name))));
    const flags = [
      `-etcd-endpoints=${etcd.endpoint}`,
      `-subnet-file=${join(folder, 'run/subnet.env')}`,
      '-ip-masq',
    ];
    const child = spawn(process.execPath, [...nodeFlags, '--require', file('host.cjs'), program, ...flags], {
      env: { ...env, PATH: folder },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout,
    });
    let said = '';
    const isReady = () => / ready$/m.test(said) && / lease restored /.test(said);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (isReady()) child.kill('SIGTERM');
    });
    const code = await new Promise<number | null>(resolve => child.on('close', resolve));
    if (code !== 0 || !isReady())
      throw new Error(`the daemon that was built does not start:\n${said.slice(0, 4000)}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}
