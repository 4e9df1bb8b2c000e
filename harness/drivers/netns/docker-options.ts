// Reads the options file that mk-docker-opts wrote for dockerd; pure.

/** The dockerd options that shape docker0. */
export interface BridgeOptions {
  /** `10.5.3.1/24`. */
  readonly bip: string;
  /** Bytes; undefined leaves the kernel's default. */
  readonly mtu: number | undefined;
  /** dockerd's own masquerading of what leaves the bridge; its default is on. */
  readonly ipMasq: boolean;
}

/** Finds `KEY="…"` in the text and the `--bip`, `--mtu` and `--ip-masq` in it; throws when there is no `--bip`. */
export function parseBridgeOptions(text: string, key: string): BridgeOptions {
  const value = new RegExp(`^${key}="(.*)"$`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`no ${key}="…" line in the docker options file:\n${text}`);
  const option = (name: string) => new RegExp(`(?:^|\\s)--${name}=(\\S+)`).exec(value)?.[1];
  const bip = option('bip');
  if (!bip) throw new Error(`no --bip= in ${key}="${value}"`);
  const mtu = option('mtu');
  return { bip, mtu: mtu === undefined ? undefined : Number(mtu), ipMasq: option('ip-masq') !== 'false' };
}
