// What a check of `lab doctor` is, and what it finds.
import { type Cidr, parseCidr } from '../../lib/ip.ts';
import { type Facts, textOf } from './facts.ts';

/** `lab`: for bringing up clusters here. `host`: for flanneld and docker on this very machine. */
export type Purpose = 'lab' | 'host';

export interface Finding {
  /** `unknown`: it could not be looked at. */
  readonly state: 'ok' | 'warning' | 'blocks' | 'unknown';
  /** What was seen. */
  readonly saw: string;
  /** The one command that mends it, or lets it be looked at; undefined when all is well. */
  readonly fix?: string | undefined;
}

export interface Check {
  /** One word or two: `ip_forward`. */
  readonly name: string;
  readonly purposes: readonly Purpose[];
  /** Why it matters, in one line. */
  readonly why: string;
  /** Pure. */
  readonly judge: (facts: Facts, purpose: Purpose) => Finding;
}

export const ok = (saw: string): Finding => ({ state: 'ok', saw });
export const warning = (saw: string, fix: string): Finding => ({ state: 'warning', saw, fix });
export const blocks = (saw: string, fix: string): Finding => ({ state: 'blocks', saw, fix });
export const unknown = (saw: string, fix?: string): Finding => ({ state: 'unknown', saw, fix });

/** For what only root may look at. */
export const asRootHost = 'sudo npm run lab -- doctor --host';

/** What is known of the cluster this host belongs to, from etcd or from what flanneld has written. */
export interface Membership {
  readonly network: Cidr | undefined;
  readonly networkText: string | undefined;
  /** Backend type; undefined when it is not known. */
  readonly backend: string | undefined;
}

export function membership(facts: Facts): Membership {
  const config = configOf(facts);
  const written = /^FLANNEL_NETWORK=(\S+)/m.exec(textOf(facts, 'subnetEnv') ?? '')?.[1];
  const networkText = typeof config?.Network === 'string' ? config.Network : written;
  const type = config?.Backend?.Type;
  // Without one it is udp, as upstream has it.
  const backend = typeof type === 'string' ? type : config && 'udp';
  return { network: parseCidr(networkText ?? ''), networkText, backend };
}

interface Config {
  readonly Network?: unknown;
  readonly Backend?: { readonly Type?: unknown; readonly Port?: unknown } | null;
}

export function configOf({ config }: Facts): Config | undefined {
  try {
    const value: unknown = config.state === 'read' ? JSON.parse(config.text) : undefined;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
