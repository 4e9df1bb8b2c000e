// What `ip -j` and `bridge -j` print, as network state; checked, because it comes from outside.
import * as z from 'zod/mini';
import { UserError } from '../../lib/errors.ts';
import type { Family } from '../../lib/ip.ts';
import {
  type AddressTrait,
  isMac,
  type NetEntry,
  type NetState,
  type Tunnel,
  usualMetric,
} from '../model/net-state.ts';
import type { Path } from './kernel.ts';

const text = z.string();
const number = z.number();

const links = z.array(
  z.object({
    ifname: z.optional(text),
    mtu: z.optional(number),
    flags: z.optional(z.array(text)),
    address: z.optional(text),
    linkinfo: z.optional(
      z.object({
        info_kind: z.optional(text),
        info_data: z.optional(
          z.object({
            id: z.optional(number),
            port: z.optional(number),
            link: z.optional(text),
            local: z.optional(text),
            local6: z.optional(text),
            learning: z.optional(z.boolean()),
            gbp: z.optional(z.unknown()),
            // Other types of devices have members of these names with values of other types.
            proto: z.optional(z.unknown()),
            remote: z.optional(z.unknown()),
            pmtudisc: z.optional(z.unknown()),
            external: z.optional(z.unknown()),
            encap: z.optional(z.unknown()),
          }),
        ),
      }),
    ),
    addr_info: z.optional(
      z.array(
        z.object({
          family: z.optional(text),
          local: z.optional(text),
          prefixlen: z.optional(number),
          scope: z.optional(text),
          deprecated: z.optional(z.boolean()),
          dynamic: z.optional(z.boolean()),
          temporary: z.optional(z.boolean()),
        }),
      ),
    ),
  }),
);
type LinkJson = z.infer<typeof links>[number];

/** `ip -d -j link show`. */
export function parseLinks(json: string): NetState {
  return read(links, json, 'ip link show').flatMap(linkEntry);
}

/** `ip -j address show`. */
export function parseAddresses(json: string): NetState {
  return read(links, json, 'ip address show').flatMap(addressEntries);
}

function linkEntry(link: LinkJson): NetEntry[] {
  const { ifname: name, mtu = 0, flags = [], address = '' } = link;
  if (name === undefined) return []; // `ip` prints empty objects for what a filter left out
  return [
    {
      kind: 'link',
      name,
      // Tunnels that carry IP show their local address here.
      mac: isMac(address) ? address.toLowerCase() : '',
      mtu,
      up: flags.includes('UP'),
      tunnel: tunnelOf(link),
    },
  ];
}

function tunnelOf({ linkinfo }: LinkJson): Tunnel | undefined {
  const data = linkinfo?.info_data;
  const kind = linkinfo?.info_kind;
  if (kind === 'wireguard' || kind === 'tun') return { type: kind };
  if (linkinfo?.info_kind === 'ipip' && data) return ipipOf(data);
  if (linkinfo?.info_kind !== 'vxlan' || !data) return undefined;
  return {
    type: 'vxlan',
    vni: data.id ?? -1,
    port: data.port ?? 0,
    uplink: data.link ?? '',
    local: data.local ?? data.local6 ?? '',
    learning: data.learning ?? false,
    // A flag without a value: printed as null or true, and absent when off.
    gbp: data.gbp !== undefined && data.gbp !== false,
  };
}

type TunnelJson = NonNullable<NonNullable<LinkJson['linkinfo']>['info_data']>;

/** Undefined for one that carries MPLS, wraps its packets once more, or is told its peers by others. */
function ipipOf({
  proto = 'ipip',
  local,
  remote,
  pmtudisc,
  external,
  encap,
}: TunnelJson): Tunnel | undefined {
  // Go's netlink asks for protocol 0, which the kernel calls any: IPv4 passes all the same.
  if ((proto !== 'ipip' && proto !== 'any') || external || encap !== undefined) return undefined;
  return {
    type: 'ipip',
    local: local ?? 'any',
    remote: typeof remote === 'string' ? remote : 'any',
    pmtudisc: pmtudisc === true,
  };
}

const addressTraits: readonly AddressTrait[] = ['deprecated', 'dynamic', 'temporary'];

function addressEntries({ ifname = '', addr_info = [] }: LinkJson): NetEntry[] {
  return addr_info.flatMap((info): NetEntry[] => {
    const { family, local, prefixlen, scope } = info;
    if (!local || (family !== 'inet' && (family !== 'inet6' || scope === 'link'))) return [];
    const traits = addressTraits.filter(trait => info[trait]);
    return [
      {
        kind: 'address',
        dev: ifname,
        address: `${local}/${prefixlen}`,
        ...(traits.length > 0 ? { traits } : {}),
      },
    ];
  });
}

const routes = z.array(
  z.object({
    type: z.optional(text),
    dst: z.optional(text),
    gateway: z.optional(text),
    dev: z.optional(text),
    protocol: z.optional(text),
    metric: z.optional(number),
    flags: z.optional(z.array(text)),
  }),
);

/** `ip -j route show table main` of one family. Without details, protocol boot is not printed. */
export function parseRoutes(json: string, family: Family): NetState {
  return read(routes, json, 'ip route show').flatMap(
    ({ type, dst, gateway, dev, protocol, metric, flags }) =>
      dst === undefined
        ? []
        : [
            {
              kind: 'route',
              to: destination(dst, family),
              ...(type === 'blackhole' ? ({ blackhole: true } as const) : {}),
              via: gateway,
              // IPv6 has what goes nowhere go there through lo.
              dev: type === 'blackhole' ? undefined : dev,
              onlink: flags?.includes('onlink') ?? false,
              metric: metric ?? usualMetric[family],
              protocol: protocol ?? 'boot',
            } as const,
          ],
  );
}

function destination(dst: string, family: Family): string {
  if (dst === 'default') return family === 4 ? '0.0.0.0/0' : '::/0';
  return dst.includes('/') ? dst : `${dst}/${family === 4 ? 32 : 128}`;
}

const paths = z.array(z.object({ dev: z.optional(text), prefsrc: z.optional(text) }));

/** `ip -j route get`: undefined when there is no way. */
export function parsePath(json: string): Path | undefined {
  const [path] = read(paths, json, 'ip route get');
  return path?.dev && path.prefsrc ? { dev: path.dev, source: path.prefsrc } : undefined;
}

const neighbours = z.array(
  z.object({ dst: z.optional(text), dev: z.optional(text), lladdr: z.optional(text) }),
);

/** `ip -j neighbour show nud permanent`, for those devices only. */
export function parseNeighbours(json: string, devices: readonly string[]): NetState {
  return read(neighbours, json, 'ip neighbour show').flatMap(({ dst: ip, dev, lladdr }) =>
    ip && dev && lladdr && devices.includes(dev)
      ? [{ kind: 'neighbour', dev, ip, mac: lladdr.toLowerCase() } as const]
      : [],
  );
}

const fdb = z.array(
  z.object({
    mac: z.optional(text),
    dst: z.optional(text),
    state: z.optional(text),
    flags: z.optional(z.array(text)),
  }),
);

/** `bridge -j fdb show dev X`: permanent entries of the device itself with a destination. */
export function parseFdb(json: string, dev: string): NetState {
  return read(fdb, json, 'bridge fdb show').flatMap(({ mac, dst, state, flags }) =>
    mac && dst && state === 'permanent' && flags?.includes('self')
      ? [{ kind: 'fdb', dev, mac: mac.toLowerCase(), dst } as const]
      : [],
  );
}

function read<Schema extends z.ZodMiniType>(schema: Schema, json: string, command: string): z.output<Schema> {
  // Nothing to show is printed as nothing by some versions.
  const body = json.trim() || '[]';
  try {
    return schema.parse(JSON.parse(body));
  } catch (cause) {
    throw new UserError(`${command} did not print the JSON we know: ${body.slice(0, 200)}`, {
      hint: 'iproute2 4.20 or later is needed',
      cause,
    });
  }
}
