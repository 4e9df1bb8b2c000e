// The daemon's composition root: options in, real edges wired, signals and exit codes.
import { writeSync } from 'node:fs';
import { describeError, UsageError, UserError } from '../lib/errors.ts';
import { createLogger, type Logger } from '../lib/log.ts';
import { CommandError } from '../lib/run.ts';
import pkg from '../package.json' with { type: 'json' };
import { runDaemon } from './app/daemon.ts';
import type { Daemon } from './app/node.ts';
import { notify } from './app/notify.ts';
import { helpText } from './flags.ts';
import { createIproute2 } from './kernel/iproute2.ts';
import { createIptables } from './kernel/iptables.ts';
import { createNft } from './kernel/nft.ts';
import { spawnLines, spawnRunner } from './kernel/spawn.ts';
import { procSysctls } from './kernel/sysctls.ts';
import { type Options, parseOptions, withoutCredentials } from './options.ts';
import { openStore } from './store/open.ts';

/** Standard error may be a pipe whose reader went away: a log line is not worth dying for. */
function writeLine(descriptor: number, line: string): void {
  try {
    writeSync(descriptor, `${line}\n`);
  } catch {}
}

async function main(): Promise<number> {
  const command = parseOptions(process.argv.slice(2), process.env);
  switch (command.kind) {
    case 'help':
      writeLine(1, helpText().trimEnd());
      return 0;
    case 'version':
      writeLine(1, `flanneld ${pkg.version}`);
      return 0;
    case 'run':
      return run(command.options, command.warnings);
    default:
      return command satisfies never;
  }
}

async function run(options: Options, warnings: readonly string[]): Promise<number> {
  const log = createLogger({
    write: line => writeLine(2, line),
    level: options.log.level,
  });
  log.info('starting', {
    version: pkg.version,
    etcd: options.etcdEndpoints.map(withoutCredentials).join(),
    prefix: options.etcdPrefix,
  });
  for (const warning of warnings) log.warn(warning);
  const signal = stopSignal(log);
  try {
    await runDaemon(wire(options, log), signal);
    return 0;
  } catch (error) {
    if (signal.aborted) return 0;
    reportEnd(error, log);
    return error instanceof UsageError ? 2 : 1;
  }
}

function reportEnd(error: unknown, log: Logger): void {
  if (error instanceof UserError) log.error(error.message, { hint: error.hint });
  else if (error instanceof CommandError) log.error(error.message);
  else log.error('unexpected failure', { stack: error instanceof Error ? error.stack : String(error) });
}

/** The real edges. */
function wire(options: Options, log: Logger): Daemon {
  const socket = process.env.NOTIFY_SOCKET;
  return {
    options,
    log,
    openStore: () => openStore(options, log),
    kernel: createIproute2({ runner: spawnRunner, lines: spawnLines, sysctls: procSysctls, log }),
    firewall: {
      iptables: createIptables(spawnRunner, 'iptables'),
      ip6tables: createIptables(spawnRunner, 'ip6tables'),
      nft: createNft(spawnRunner),
    },
    notify: async state => (socket ? notify(socket, state) : undefined),
  };
}

/** Aborts at the first SIGTERM or SIGINT; a second one ends the process as it would without us. */
function stopSignal(log: Logger): AbortSignal {
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.once(name, () => {
      log.info('stopping; the lease and the data path stay', { signal: name });
      stopping.abort();
    });
  process.on('SIGHUP', () => {});
  return stopping.signal;
}

// Node warns of TLS to an address instead of a name, which is what etcd endpoints are.
process.noDeprecation = true;
main().then(
  code => process.exit(code),
  error => {
    const usage = error instanceof UsageError;
    // The error last, where a terminal and `systemctl status` show it.
    const text = usage ? `${helpText()}\n${describeError(error)}` : String(error?.stack ?? error);
    writeLine(2, text.trimEnd());
    process.exit(usage ? 2 : 1);
  },
);
