// A kernel in memory that models what matters of the real one, and prints itself as text.
import { Bell } from '../../lib/bell.ts';
import { contains, familyOf, formatCidr, parseCidr, parseIp } from '../../lib/ip.ts';
import { canBecome, type Op } from '../model/diff.ts';
import {
  entryKey,
  type LinkEntry,
  type NetEntry,
  type NetState,
  stateText,
  type WireguardPeerEntry,
} from '../model/net-state.ts';
import { routeTo } from '../model/underlay.ts';
import type { Failure, Kernel, Path, ReadScope } from './kernel.ts';

export class FakeKernel implements Kernel {
  readonly #entries = new Map<string, NetEntry>();
  readonly #listeners = new Set<Bell>();
  /** Why an op is refused although the model would take it; undefined lets it through. */
  refuse: (op: Op) => string | undefined = () => undefined;
  /** What {@link mayChange} says. */
  permitted = true;
  /** All ops that were carried out, in order. */
  readonly done: Op[] = [];

  constructor(entries: NetState = []) {
    for (const entry of entries) this.set(entry);
  }

  /** As another program would: with everything the kernel does by itself in consequence. */
  set(entry: NetEntry): void {
    const before = this.#entries.get(entryKey(entry));
    this.#entries.set(entryKey(entry), entry);
    if (entry.kind === 'link') {
      if (before?.kind === 'link' && before.mac !== entry.mac)
        this.#dropWhere(other => other.kind === 'neighbour' && other.dev === entry.name);
      this.#setDefault({ kind: 'sysctl', path: `net/ipv6/conf/${entry.name}/accept_ra`, value: '1' });
      if (!entry.up) this.#dropWhere(other => other.kind === 'route' && other.dev === entry.name);
    }
    if (entry.kind === 'address') this.#connect(entry.address, entry.dev);
    if (entry.kind === 'wireguard-peer') this.#claim(entry);
    this.#ring();
  }

  /** As another program would. */
  drop(entry: NetEntry): void {
    this.#entries.delete(entryKey(entry));
    if (entry.kind === 'link') this.#dropDevice(entry.name);
    this.#ring();
  }

  /** Everything, or what `keep` selects, as sorted lines. */
  text(keep: (entry: NetEntry) => boolean = () => true): string {
    return stateText([...this.#entries.values()].filter(keep));
  }

  async read({ families, devices, sysctls }: ReadScope, signal: AbortSignal): Promise<NetState> {
    await this.#turn(signal);
    return [...this.#entries.values()].filter(entry => {
      if (entry.kind === 'address' && !families.includes(familyOf(entry.address))) return false;
      if (entry.kind === 'route' && !families.includes(familyOf(entry.to))) return false;
      if (['neighbour', 'fdb', 'wireguard', 'wireguard-peer'].includes(entry.kind))
        return 'dev' in entry && devices.includes(entry.dev ?? '');
      return entry.kind !== 'sysctl' || sysctls.includes(entry.path);
    });
  }

  async apply(ops: readonly Op[], signal: AbortSignal): Promise<readonly Failure[]> {
    await this.#turn(signal);
    const failures: Failure[] = [];
    for (const op of ops) {
      const reason = this.refuse(op) ?? this.#objection(op);
      if (reason) {
        failures.push({ op, reason });
        continue;
      }
      if (op.verb === 'remove') this.drop(op.entry);
      else {
        const { entry, replaces } = op;
        if (entry.kind === 'link' && replaces?.kind === 'link' && !canBecome(replaces, entry))
          this.drop(replaces);
        this.set(entry);
      }
      this.done.push(op);
    }
    return failures;
  }

  async pathTo(ip: string, signal: AbortSignal): Promise<Path | undefined> {
    await this.#turn(signal);
    const state = [...this.#entries.values()];
    const dev = routeTo(state, ip)?.dev;
    const own = state.find(
      entry => entry.kind === 'address' && entry.dev === dev && familyOf(entry.address) === familyOf(ip),
    );
    return dev && own?.kind === 'address' ? { dev, source: own.address.split('/')[0] ?? '' } : undefined;
  }

  async mayChange(signal: AbortSignal): Promise<boolean> {
    await this.#turn(signal);
    return this.permitted;
  }

  async *changes(_scope: ReadScope, signal: AbortSignal): AsyncGenerator<void, void> {
    const bell = new Bell();
    this.#listeners.add(bell);
    try {
      while (await bell.heard(3_600_000, signal)) yield;
    } catch {
      // aborted
    } finally {
      this.#listeners.delete(bell);
    }
  }

  #objection({ verb, entry }: Op): string | undefined {
    if (verb === 'remove') return undefined;
    switch (entry.kind) {
      case 'link':
        return entry.tunnel?.type === 'vxlan' && !this.#link(entry.tunnel.uplink)
          ? 'Cannot find device'
          : undefined;
      case 'address':
      case 'neighbour':
      case 'fdb':
      case 'wireguard':
      case 'wireguard-peer':
        return this.#link(entry.dev) ? undefined : `Cannot find device "${entry.dev}"`;
      case 'route': {
        if (entry.blackhole) return undefined;
        const link = this.#link(entry.dev ?? '');
        if (!link) return `Cannot find device "${entry.dev}"`;
        if (!link.up) return 'Network is down';
        return entry.onlink || !entry.via || this.#reaches(link.name, entry.via)
          ? undefined
          : 'Nexthop has invalid gateway';
      }
      case 'sysctl':
        return this.#entries.has(entryKey(entry)) ? undefined : 'no such setting';
      default:
        return entry satisfies never;
    }
  }

  #link(name: string): LinkEntry | undefined {
    const entry = this.#entries.get(`link ${name}`);
    return entry?.kind === 'link' ? entry : undefined;
  }

  #reaches(dev: string, gateway: string): boolean {
    const ip = parseIp(gateway);
    return [...this.#entries.values()].some(entry => {
      const prefix = entry.kind === 'address' && entry.dev === dev ? parseCidr(entry.address) : undefined;
      return ip !== undefined && prefix !== undefined && contains(prefix, ip);
    });
  }

  /** An address brings a route to its neighbours. */
  #connect(address: string, dev: string): void {
    const prefix = parseCidr(address);
    if (!prefix || prefix.length === (prefix.family === 4 ? 32 : 128)) return;
    const to = formatCidr(prefix);
    this.#setDefault({
      kind: 'route',
      to,
      via: undefined,
      dev,
      onlink: false,
      metric: prefix.family === 4 ? 0 : 256,
      protocol: 'kernel',
    });
  }

  /** A prefix belongs to one peer of a device. */
  #claim({ dev, publicKey, allowedIps }: WireguardPeerEntry): void {
    for (const [key, other] of this.#entries) {
      if (other.kind !== 'wireguard-peer' || other.dev !== dev || other.publicKey === publicKey) continue;
      const left = other.allowedIps.filter(prefix => !allowedIps.includes(prefix));
      this.#entries.set(key, { ...other, allowedIps: left });
    }
  }

  #setDefault(entry: NetEntry): void {
    const key = entryKey(entry);
    if (!this.#entries.has(key)) this.#entries.set(key, entry);
  }

  /** What stands on a device goes with it. */
  #dropDevice(name: string): void {
    this.#entries.delete(`sysctl net/ipv6/conf/${name}/accept_ra`);
    this.#dropWhere(entry => 'dev' in entry && entry.dev === name);
    for (const entry of [...this.#entries.values()])
      if (entry.kind === 'link' && entry.tunnel?.type === 'vxlan' && entry.tunnel.uplink === name)
        this.drop(entry);
  }

  #dropWhere(matches: (entry: NetEntry) => boolean): void {
    for (const [key, entry] of this.#entries) if (matches(entry)) this.#entries.delete(key);
  }

  #ring(): void {
    for (const bell of this.#listeners) bell.ring();
  }

  async #turn(signal: AbortSignal): Promise<void> {
    await new Promise(resolve => setImmediate(resolve));
    signal.throwIfAborted();
  }
}
