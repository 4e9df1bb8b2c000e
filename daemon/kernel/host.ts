// The kernel of this host: read through iproute2, which also makes devices; what peers have is changed through netlink.
import type { Logger } from '../../lib/log.ts';
import type { Runner } from '../../lib/run.ts';
import { applyOps } from './apply.ts';
import { Echoes } from './echoes.ts';
import type { Kernel, Path } from './kernel.ts';
import { monitor } from './monitor.ts';
import { type OpenNetlink, PeerEntries } from './netlink/peers.ts';
import { parsePath } from './parse.ts';
import { readState } from './read.ts';
import type { LineSource } from './spawn.ts';
import type { Sysctls } from './sysctls.ts';
import { Wg } from './wg.ts';

export interface HostTools {
  readonly runner: Runner;
  readonly lines: LineSource;
  readonly openNetlink: OpenNetlink;
  readonly sysctls: Sysctls;
  /** Whether the network may be changed; undefined when only trying can tell. */
  readonly permission: () => boolean | undefined;
  readonly log: Logger;
}

export function createHostKernel(tools: HostTools): Kernel {
  const echoes = new Echoes();
  const wg = new Wg(tools.runner);
  const peers = new PeerEntries(tools.openNetlink);
  return {
    read: (scope, signal) => readState({ ...tools, wg }, scope, signal),
    apply(ops, signal) {
      echoes.expect(ops);
      return applyOps({ ...tools, wg, peers }, ops, signal);
    },
    pathTo: (ip, signal) => readPath(tools, ip, signal),
    mayChange: async signal => tools.permission() ?? probe(tools, signal),
    changes: (scope, signal) => monitor(scope, echoes, tools.lines, tools.log, signal),
  };
}

async function readPath({ runner }: HostTools, ip: string, signal: AbortSignal): Promise<Path | undefined> {
  const argv = ['ip', '-j', 'route', 'get', ip] as const;
  const { code, stdout } = await runner.run([...argv], { signal, okCodes: [0, 1, 2] });
  return code === 0 ? parsePath(stdout) : undefined;
}

/** Asks to remove a route that nobody has: of an address for documentation (RFC 5737), by a protocol nobody is. */
async function probe({ runner }: HostTools, signal: AbortSignal): Promise<boolean> {
  const route = ['192.0.2.1/32', 'dev', 'lo', 'proto', '254', 'metric', '4294967294'] as const;
  const { stderr } = await runner.run(['ip', 'route', 'del', ...route], { signal, okCodes: [0, 1, 2] });
  return !/not permitted/i.test(stderr);
}
