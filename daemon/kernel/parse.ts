// What `ip -j` and `bridge -j` print, as network state; checked, because it comes from outside.
import * as z from 'zod/mini';
import { UserError } from '../../lib/errors.ts';
import type { NetEntry, NetState, VxlanAttributes } from '../model/net-state.ts';

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
            learning: z.optional(z.boolean()),
            gbp: z.optional(z.unknown()),
          }),
        ),
      }),
    ),
    addr_info: z.optional(
      z.array(z.object({ family: z.optional(text), local: z.optional(text), prefixlen: z.optional(number) })),
    ),
  }),
);
type LinkJson = z.infer<typeof links>[number];

/** `ip -d -j link show`. */
export function parseLinks(json: string): NetState {
  return read(links, json, 'ip link show').flatMap(linkEntry);
}

/** `ip -j address show`: IPv4 addresses. */
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
      mac: address.toLowerCase(),
      mtu,
      up: flags.includes('UP'),
      vxlan: vxlanAttributes(link),
    },
  ];
}

function vxlanAttributes({ linkinfo }: LinkJson): VxlanAttributes | undefined {
  const data = linkinfo?.info_data;
  if (linkinfo?.info_kind !== 'vxlan' || !data) return undefined;
  return {
    vni: data.id ?? -1,
    port: data.port ?? 0,
    uplink: data.link ?? '',
    local: data.local ?? '',
    learning: data.learning ?? false,
    // A flag without a value: printed as null or true, and absent when off.
    gbp: data.gbp !== undefined && data.gbp !== false,
  };
}

function addressEntries({ ifname = '', addr_info = [] }: LinkJson): NetEntry[] {
  return addr_info.flatMap(({ family, local, prefixlen }) =>
    family === 'inet' && local
      ? [{ kind: 'address', dev: ifname, address: `${local}/${prefixlen}` } as const]
      : [],
  );
}

const routes = z.array(
  z.object({
    dst: z.optional(text),
    gateway: z.optional(text),
    dev: z.optional(text),
    protocol: z.optional(text),
    metric: z.optional(number),
    flags: z.optional(z.array(text)),
  }),
);

/** `ip -j -4 route show table main`. Without details, protocol boot is not printed. */
export function parseRoutes(json: string): NetState {
  return read(routes, json, 'ip route show').flatMap(({ dst, gateway, dev, protocol, metric, flags }) =>
    dst === undefined
      ? []
      : [
          {
            kind: 'route',
            to: dst === 'default' ? '0.0.0.0/0' : dst.includes('/') ? dst : `${dst}/32`,
            via: gateway,
            dev,
            onlink: flags?.includes('onlink') ?? false,
            metric: metric ?? 0,
            protocol: protocol ?? 'boot',
          } as const,
        ],
  );
}

const neighbours = z.array(
  z.object({ dst: z.optional(text), dev: z.optional(text), lladdr: z.optional(text) }),
);

/** `ip -j -4 neighbour show nud permanent`, for those devices only. */
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

/** `bridge -j fdb show dev X`: permanent entries of the device itself with an IPv4 destination. */
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
