// Wireguard devices through `wg`: what they have is read, and changed, without a key on any command line.
import { anyCode, CommandError, type Runner } from '../../lib/run.ts';
import type { NetState } from '../model/net-state.ts';
import type { Failure } from './kernel.ts';
import { parseDump } from './parse-wg.ts';
import { configOf, greeting, type WireguardOp } from './wg-config.ts';

/** So many keys fit on one command line, with room to spare. */
const mostAtOnce = 1000;
/** wireguard-go stands still while it greets many hosts that are gone. */
const mostGreeted = 100;
/** `wg` cannot read the sockets that stand for pipes here, so `cat` does. */
const addConfig = 'cat | wg addconf "$0" /dev/stdin';

export class Wg {
  readonly #runner: Runner;
  /** Where we said peers are: a device goes by where packets of theirs come from, which may change at any time. */
  readonly #told = new Map<string, string | undefined>();

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** Undefined when there is no wireguard device of that name. */
  async read(dev: string, signal: AbortSignal): Promise<NetState | undefined> {
    const { code, stdout } = await this.#run(['wg', 'show', dev, 'dump'], { signal });
    if (code !== 0) return undefined;
    return parseDump(stdout, dev).map(entry =>
      entry.kind === 'wireguard-peer' && entry.endpoint !== undefined && this.#told.has(idOf(entry))
        ? { ...entry, endpoint: this.#told.get(idOf(entry)) }
        : entry,
    );
  }

  /** Settings and peers are put before peers are removed. */
  async apply(ops: readonly WireguardOp[], signal: AbortSignal): Promise<readonly Failure[]> {
    const failures: Failure[] = [];
    for (const [dev, those] of Map.groupBy(ops, ({ entry }) => entry.dev)) {
      const puts = those.filter(({ verb }) => verb === 'put');
      const removals = those.filter(({ verb }) => verb === 'remove');
      failures.push(...(await this.#put(dev, puts, signal)));
      for (let at = 0; at < removals.length; at += mostAtOnce)
        failures.push(...(await this.#remove(dev, removals.slice(at, at + mostAtOnce), signal)));
    }
    return failures;
  }

  async #put(dev: string, ops: readonly WireguardOp[], signal: AbortSignal): Promise<readonly Failure[]> {
    const [first] = ops;
    if (!first) return [];
    const argv = ['sh', '-c', addConfig, dev] as const;
    const { code, stderr } = await this.#run([...argv], { signal, input: configOf(ops) });
    if (code === 0) {
      for (const { entry } of ops)
        if (entry.kind === 'wireguard-peer') this.#told.set(idOf(entry), entry.endpoint);
      this.#greet(dev, ops.filter(isSilentStranger), signal);
      return [];
    }
    if (ops.length === 1) return [{ op: first, reason: `wg addconf ${dev}: ${reasonOf(stderr, ops)}` }];
    // It is not said which one it was. Doing one twice does no harm.
    const half = Math.ceil(ops.length / 2);
    return [
      ...(await this.#put(dev, ops.slice(0, half), signal)),
      ...(await this.#put(dev, ops.slice(half), signal)),
    ];
  }

  /** At random: of two that begin in the same moment, neither would hear the other. */
  #greet(dev: string, ops: readonly WireguardOp[], signal: AbortSignal): void {
    if (ops.length === 0 || ops.length > mostGreeted) return;
    const greet = async () => {
      const still = ops.filter(({ entry }) => !signal.aborted && this.#told.has(idOf(entry)));
      const words = greeting(still.map(({ entry }) => entry.publicKey));
      if (words.length > 0) await this.#run(['wg', 'set', dev, ...words], { signal });
    };
    // A handshake comes about with the first packet anyway.
    setTimeout(() => void greet().catch(() => {}), Math.random() * 1000).unref();
  }

  /** Removing a peer that is not there is no failure of `wg`, and of a device that is gone none of ours. */
  async #remove(dev: string, ops: readonly WireguardOp[], signal: AbortSignal): Promise<readonly Failure[]> {
    const words = ops.flatMap(({ entry }) => ['peer', entry.publicKey, 'remove']);
    const { code, stderr } = await this.#run(['wg', 'set', dev, ...words], { signal });
    for (const { entry } of ops) this.#told.delete(idOf(entry));
    if (code === 0 || /No such device|Protocol not supported/i.test(stderr)) return [];
    return ops.map(op => ({
      op,
      reason: `wg set ${dev} peer ${op.entry.publicKey} remove: ${stderr.trim()}`,
    }));
  }

  /** What `wg` prints may hold keys, so its failures are told without. */
  async #run(argv: readonly [string, ...string[]], options: { signal: AbortSignal; input?: string }) {
    try {
      return await this.#runner.run(argv, { ...options, okCodes: anyCode });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const { facts } = error;
      if (facts.code === undefined && !facts.signal && !facts.timedOut)
        return { code: 127, stdout: '', stderr: 'wg is not installed' };
      throw new CommandError({ ...facts, stdout: '', stderr: '' });
    }
  }
}

/** A new peer that is not sent signs of life. */
function isSilentStranger(op: WireguardOp): boolean {
  return op.verb === 'put' && !op.replaces && op.entry.kind === 'wireguard-peer' && op.entry.keepalive === 0;
}

function idOf({ publicKey, dev }: WireguardOp['entry']): string {
  return `${publicKey} ${dev}`;
}

/** Without a secret, whatever `wg` quotes. */
function reasonOf(stderr: string, ops: readonly WireguardOp[]): string {
  const secrets = ops.flatMap(
    ({ entry }) => (entry.kind === 'wireguard' ? entry.privateKey : entry.psk) ?? [],
  );
  const clean = secrets.reduce((text, secret) => text.replaceAll(secret.reveal(), String(secret)), stderr);
  if (/wg: (command )?not found/.test(clean)) return 'wg is not installed';
  return clean.trim().replaceAll('\n', '; ');
}
