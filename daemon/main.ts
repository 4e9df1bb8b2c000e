// The daemon's composition root: options in, real edges wired, signals and exit codes.
import { describeError, UsageError, UserError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { CommandError } from '../lib/run.ts';
import { runDaemon } from './app/daemon.ts';
import { keyFile, loadKeys } from './app/key-file.ts';
import type { Daemon } from './app/node.ts';
import { helpText } from './flags.ts';
import { createShell } from './hooks/shell.ts';
import { permission } from './kernel/capability.ts';
import { createHostKernel } from './kernel/host.ts';
import { createIptables } from './kernel/iptables.ts';
import { createNft } from './kernel/nft.ts';
import { spawnLines, spawnRunner } from './kernel/spawn.ts';
import { procSysctls } from './kernel/sysctls.ts';
import { endProcess } from './operations/end.ts';
import type { Observe } from './operations/happening.ts';
import { takeNames } from './operations/host-names.ts';
import { openLog, writeLine } from './operations/log.ts';
import { guardLog } from './operations/log-guard.ts';
import { startOperations } from './operations/operations.ts';
import { createSlimming } from './operations/slim.ts';
import { type Options, parseOptions } from './options.ts';
import { openStore } from './store/open.ts';
import { version, versionText } from './version.ts';

async function main(): Promise<number> {
  const command = parseOptions(process.argv.slice(2), process.env);
  switch (command.kind) {
    case 'help':
      writeLine(1, helpText().trimEnd());
      return 0;
    case 'version':
      writeLine(1, versionText());
      return 0;
    case 'run':
      return run(command.options, command.warnings);
    default:
      return command satisfies never;
  }
}

async function run(options: Options, warnings: readonly string[]): Promise<number> {
  const log = openLog(options.log);
  reportUncaught(log);
  const signal = stopSignal(log);
  log.info('starting', {
    version,
    etcd: options.etcdEndpoints.join(),
    prefix: options.etcdPrefix,
  });
  for (const warning of warnings) log.warn(warning);
  const guarded = guardLog(log, { ...logRate, now: () => performance.now() });
  const surroundings = { options, version, env: process.env, log: guarded };
  try {
    await using operations = await startOperations(surroundings);
    const slim = process.env.FLANNEL_KEEP_COMPILED ? () => {} : createSlimming(guarded);
    const observe: Observe = happening => {
      operations.observe(happening);
      slim(happening);
    };
    await runDaemon(wire(options, guarded, observe), signal);
    return 0;
  } catch (error) {
    if (signal.aborted) return 0;
    reportEnd(error, log);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Room for everything a start or a repair says, and no more than a few lines a second in any outage. */
const logRate = { burst: 200, perSecond: 5 };

function reportEnd(error: unknown, log: Logger): void {
  if (error instanceof UserError) log.error(error.message, { hint: error.hint });
  else if (error instanceof CommandError) log.error(error.message);
  else log.error('unexpected failure', { stack: error instanceof Error ? error.stack : String(error) });
}

/** Half a daemon is worse than none: whoever started it starts it again. */
function reportUncaught(log: Logger): void {
  process.on('uncaughtException', error => {
    reportEnd(error, log);
    process.exit(1);
  });
}

/** The real edges. */
function wire(options: Options, log: Logger, observe: Observe): Daemon {
  return {
    options,
    log,
    observe,
    takeNames,
    openStore: () => openStore(options, log, answers => observe({ kind: 'etcd', answers })),
    kernel: createHostKernel({
      runner: spawnRunner,
      lines: spawnLines,
      openNetlink: async () => (await import('./kernel/netlink/socket.ts')).openNetlink(),
      sysctls: procSysctls,
      permission,
      log,
    }),
    firewall: {
      iptables: createIptables(spawnRunner, 'iptables'),
      ip6tables: createIptables(spawnRunner, 'ip6tables'),
      nft: createNft(spawnRunner),
    },
    shell: createShell(),
    loadKeys: () => loadKeys(keyFile(process.env), log),
    openCarrier: async (plan, notice) =>
      (await import('./udp/carrier.ts')).carrierOpener(options.udpHelp)(plan, notice),
  };
}

/** How long a stop may take, in milliseconds. The data path stays as it is, so nothing is lost by ending then. */
const stopWithin = 3000;

/** Aborts at the first SIGTERM or SIGINT. */
function stopSignal(log: Logger): AbortSignal {
  const stopping = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (stopping.signal.aborted) return;
    log.info('stopping; the lease and the data path stay', { signal: name });
    setTimeout(() => {
      log.warn('not everything came to its end in time, ending all the same');
      void endProcess(0);
    }, stopWithin).unref();
    stopping.abort();
  };
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, stop);
  // Else the first would end the process, and the second would have Node open its debugger to everyone on the host.
  for (const name of ['SIGHUP', 'SIGUSR1'] as const) process.on(name, () => {});
  return stopping.signal;
}

// Node warns of TLS to an address instead of a name, which is what etcd endpoints are.
process.noDeprecation = true;
main().then(
  code => endProcess(code),
  error => {
    const usage = error instanceof UsageError;
    // The error last, where a terminal and `systemctl status` show it.
    if (usage) writeLine(2, helpText());
    writeLine(2, error instanceof UserError ? describeError(error) : String(error?.stack ?? error));
    return endProcess(usage ? 2 : 1);
  },
);
