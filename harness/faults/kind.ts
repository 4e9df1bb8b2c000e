// What a kind of fault is, as one value: its operands, what must be known to mend it, and how it is made.
import { UserError, type UserErrorOptions } from '../../lib/errors.ts';
import { anyCode } from '../../lib/run.ts';
import type { EtcdMember, NodeHandle, Site } from '../drivers/driver.ts';
import type { Journal } from '../journal.ts';
import type { Store } from '../store.ts';
import type { Injection } from './fault.ts';
import type { Words } from './words.ts';

/** The cluster as faults see it. */
export interface Scene {
  readonly site: Site;
  readonly store: Store;
  readonly journal: Journal;
  readonly signal: AbortSignal;
  /** Notes down what another process must know of the cluster, when that has changed. */
  readonly save: () => Promise<void>;
}

interface Described {
  /** As on the command line: `<node> [refuse|black-hole]`. */
  readonly operands: string;
  /** One line. */
  readonly help: string;
}

/** A fault that stands until it is mended, possibly by another process. */
export interface Standing<Args extends readonly unknown[], Facts> extends Described {
  /** The operands of a command line. */
  read(words: Words): NoInfer<Args>;
  /**
   * All that making and mending it needs, as JSON; changes nothing.
   * Rejects with {@link FaultUnavailable} where it cannot be made.
   */
  prepare(scene: Scene, ...args: Args): Facts | Promise<Facts>;
  make(scene: Scene, facts: NoInfer<Facts>): Injection;
}

/** Something that happens once; mending it is up to the daemon. */
export interface Act<Args extends readonly unknown[], Result> extends Described {
  read(words: Words): NoInfer<Args>;
  /** For the journal: `eth0 of node1 flaps`. */
  what(...args: Args): string;
  act(scene: Scene, ...args: Args): Promise<Result>;
}

export type Kind = Standing<readonly unknown[], unknown> | Act<readonly unknown[], unknown>;

export const standing = <const Args extends readonly unknown[], Facts>(
  kind: Standing<Args, Facts>,
): Standing<Args, Facts> => kind;

export const act = <const Args extends readonly unknown[], Result>(
  kind: Act<Args, Result>,
): Act<Args, Result> => kind;

/** This machine, or this driver, cannot make the fault; the message says what it lacks. */
export class FaultUnavailable extends UserError {
  constructor(message: string, options?: UserErrorOptions) {
    super(message, options);
    this.name = 'FaultUnavailable';
  }
}

/** The node of that name; throws when there is none (any more). */
export function nodeOf({ site }: Scene, name: string): NodeHandle {
  const found = site.nodes.find(node => node.name === name);
  if (!found) throw new UserError(`cluster ${site.owner.cluster} has no ${name}`);
  return found;
}

/** Throws where a fault would stand on another one of its sort: mending one would mend, or mar, the other. */
export async function standsAlone(node: NodeHandle, what: string, isTaken: string): Promise<void> {
  const { code } = await node.run(['sh', '-c', isTaken], { okCodes: anyCode });
  if (code !== 0) return;
  throw new UserError(`${what} of ${node.name} has such a fault already`, {
    hint: 'lab fault   # lists those in force',
  });
}

/** The member of etcd of that name, or all; throws when there is none of that name. */
export function membersOf({ site }: Scene, name?: string): readonly EtcdMember[] {
  const found = site.etcd.filter(member => name === undefined || member.name === name);
  if (found.length > 0) return found;
  const names = site.etcd.map(member => member.name).join(', ');
  throw new UserError(`etcd of cluster ${site.owner.cluster} has no member ${name}`, {
    hint: `one of ${names}`,
  });
}

/** Something on the underlay that answers pings: the address of etcd, or of a member of it that runs. */
export async function etcdAddress({ site }: Scene): Promise<string> {
  for (const member of site.etcd) if (await member.isRunning()) return hostOf(member);
  throw new UserError(`no etcd of cluster ${site.owner.cluster} runs, and so nothing answers pings`);
}

/** By which nodes know it. */
export function hostOf({ endpoint }: EtcdMember): string {
  return new URL(endpoint).hostname;
}
