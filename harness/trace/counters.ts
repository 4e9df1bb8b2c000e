// Counters of our own for marked pings at each point of a path, as text for nft and read back; pure.
import { parseIp } from '../../lib/ip.ts';
import type { Path, Point, Stage, Wrapping } from './path.ts';

export type Direction = 'request' | 'answer';

/** What the two kinds of pings carry in their payload, so that no others are counted. */
export interface Marks {
  readonly small: number;
  readonly large: number;
}

export interface Count {
  readonly small: number;
  readonly large: number;
  /** Small ones that still have the sender's address as source. */
  readonly own: number;
}

/** How often a direction was seen, at each point that was watched. */
export type Seen = ReadonlyMap<Stage, Count>;

/** Bytes in front of the inner IP header, counted from the outer transport header. */
export const inner = { vxlan: 8 + 8 + 14, udp: 8, ipip: 0 } as const;
/** Of ping's payload; before it is the time it was sent. */
export const markOffset = 8 + 16;

/** Type of the ICMP message. */
export const echo: Readonly<Record<Direction, number>> = { request: 8, answer: 0 };

/** What matches a marked ping of a direction at a point. */
function matches(
  wrapping: Wrapping,
  direction: Direction,
  kind: keyof Marks,
  { marks, datagrams }: Plan,
): string {
  const bits = (bytes: number, length: number) => `@th,${bytes * 8},${length}`;
  // Type and reserved bytes of a transport message.
  if (wrapping === 'wireguard') {
    return `meta l4proto udp udp length ${datagrams[direction][kind]} ${bits(8, 32)} 0x4000000`;
  }
  const type = echo[direction];
  if (wrapping === 'plain' || wrapping === 'hidden') {
    return `ip protocol icmp icmp type ${type} ${bits(markOffset, 32)} ${marks[kind]}`;
  }
  const icmp = inner[wrapping] + 20;
  const protocol = wrapping === 'ipip' ? 'ipencap' : 'udp';
  return `ip protocol ${protocol} ${bits(icmp, 8)} ${type} ${bits(icmp + markOffset, 32)} ${marks[kind]}`;
}

/** Nothing where it cannot be seen. */
function ownSource(wrapping: Wrapping, source: string): string {
  if (wrapping === 'wireguard') return '';
  if (wrapping === 'plain' || wrapping === 'hidden') return `ip saddr ${source}`;
  return `@th,${(inner[wrapping] + 12) * 8},32 ${parseIp(source)?.value}`;
}

interface Watched {
  readonly direction: Direction;
  readonly path: Path;
  readonly point: Point;
}

/** Chain by the point's kind: which hook of the kernel sees it. */
function hook({ stage, device }: Point): { readonly family: 'netdev' | 'ip'; readonly text: string } {
  if (device !== undefined) {
    const side = /-out$/.test(stage) ? 'egress' : 'ingress';
    return { family: 'netdev', text: `hook ${side} device "${device}" priority -500` };
  }
  // First and last in forwarding, with all filters in between.
  return { family: 'ip', text: `hook forward priority ${/-in$/.test(stage) ? -500 : 500}` };
}

function counterName({ direction, point }: Watched, kind: keyof Count): string {
  return `${direction}_${point.stage.replaceAll('-', '_')}_${kind}`;
}

export interface Plan {
  readonly table: string;
  readonly marks: Marks;
  /** Bytes of the datagrams that carry them where they are encrypted. */
  readonly datagrams: Readonly<Record<Direction, Marks>>;
  readonly paths: Readonly<Record<Direction, Path>>;
}

/** Every place that something is counted at. */
export function places({ paths }: Plan): readonly string[] {
  return [...new Set(Object.values(paths).flatMap(path => path.points.map(({ place }) => place)))];
}

/** Whether the kernel offers the hook; older ones have no egress. */
export type Offered = (point: Point) => boolean;

/** The tables of one place, for `nft -f`; empty where nothing can be counted. */
export function ruleset(plan: Plan, place: string, offered: Offered): string {
  const { table, paths } = plan;
  const watched = (['request', 'answer'] as const).flatMap(direction =>
    paths[direction].points
      .filter(point => point.place === place && offered(point))
      .map(point => ({ direction, path: paths[direction], point })),
  );
  const families = Map.groupBy(watched, ({ point }) => hook(point).family);
  const trace = place.includes('/') ? '' : traceChains(plan);
  const tables = [...families].map(([family, all]) => {
    const kinds = ['small', 'large', 'own'] as const;
    const counters = all.flatMap(one => kinds.map(kind => `counter ${counterName(one, kind)} { }`));
    const byHook = [...Map.groupBy(all, ({ point }) => hook(point).text)];
    const chains = byHook.map(
      ([text, ones], index) =>
        `chain c${index} { type filter ${text}; policy accept;\n${ones.flatMap(one => rules(one, plan)).join('\n')}\n}`,
    );
    return `table ${family} ${table} {\n${[...counters, ...chains].join('\n')}\n${family === 'ip' ? trace : ''}}\n`;
  });
  return tables.join('');
}

function rules(one: Watched, plan: Plan): readonly string[] {
  const { wrapping } = one.point;
  const rule = (marked: keyof Marks, kind: keyof Count, more = '') =>
    `${matches(wrapping, one.direction, marked, plan)} ${more} counter name ${counterName(one, kind)}`;
  return [
    rule('small', 'small'),
    rule('large', 'large'),
    rule('small', 'own', ownSource(wrapping, one.path.from.address)),
  ];
}

/** `nft monitor trace`, when somebody listens, tells which rule ends a marked ping, wrapped or not. */
function traceChains(plan: Plan): string {
  const { backend } = plan.paths.request;
  const wrappings = (['plain', 'vxlan', 'udp', 'ipip', 'wireguard'] as const).filter(
    // What has no mark of ours is looked at only where it may carry a ping.
    wrapping => wrapping !== 'wireguard' || backend === 'wireguard',
  );
  const rules = wrappings.flatMap(wrapping =>
    (['request', 'answer'] as const).flatMap(direction =>
      (['small', 'large'] as const).map(
        kind => `${matches(wrapping, direction, kind, plan)} meta nftrace set 1`,
      ),
    ),
  );
  const chain = (name: string) =>
    `chain ${name} { type filter hook ${name} priority -500; policy accept;\n${rules.join('\n')}\n}\n`;
  return `${chain('prerouting')}${chain('output')}`;
}

/** Reads `nft -j list counters` of one place into what was seen; other tables' are passed over. */
export function readCounters(json: string, table: string): ReadonlyMap<string, number> {
  const { nftables } = JSON.parse(json.trim() || '{"nftables":[]}') as {
    nftables: readonly { counter?: { table: string; name: string; packets: number } }[];
  };
  const own = nftables.flatMap(({ counter }) => (counter?.table === table ? [counter] : []));
  return new Map(own.map(({ name, packets }) => [name, packets]));
}

/** What was counted on a direction, by stage; stages that could not be watched are left out. */
export function seenOn(
  { paths }: Plan,
  direction: Direction,
  counters: ReadonlyMap<string, ReadonlyMap<string, number>>,
): Seen {
  const path = paths[direction];
  return new Map(
    path.points.flatMap(point => {
      const of = (kind: keyof Count) =>
        counters.get(point.place)?.get(counterName({ direction, path, point }, kind));
      const [small, large, own] = [of('small'), of('large'), of('own')];
      return small === undefined || large === undefined || own === undefined
        ? []
        : [[point.stage, { small, large, own }] as const];
    }),
  );
}
