// Sends a few marked pings, small and as large as the container's MTU, and counts them at every point of the path.
import { describeError } from '../../lib/errors.ts';
import { anyCode, type RunResult } from '../../lib/run.ts';
import { within } from '../../lib/wait.ts';
import { type Captured, captureCommand, captureFilter, captureText, parseCapture } from './capture.ts';
import { largest } from './checks/underlay.ts';
import { type Marks, type Plan, places, readCounters, ruleset, seenOn } from './counters.ts';
import { DropTracepoint } from './drop-tracepoint.ts';
import type { Asked } from './facts.ts';
import { type FilterVerdict, filterText, filterVerdicts } from './filter-trace.ts';
import type { Heard } from './heard.ts';
import { link } from './lookup.ts';
import type { Evidence, Loss, PingResult } from './loss.ts';
import { listeningMeans, type Means, type MeansName, unused, used } from './means.ts';
import type { Path, Point } from './path.ts';
import { datagramOf } from './wireguard.ts';

/** The whole of a probe must fit into three seconds with everything else. Milliseconds; what is told to programs, in seconds. */
const patience = { command: 2000, ending: 100, answer: 0.5, listening: 0.7 } as const;

/** Small ones have a size that hardly another packet has: what cannot be read is known by it. */
const [smallest, variety] = [200, 256];

let probes = 0;

/** Tables at all places of the path, until it is disposed of. */
export class Probe implements AsyncDisposable {
  /** Places where nothing could be counted, with the reason. */
  readonly unwatched: string[] = [];
  readonly #plan: Plan;
  /** Bytes of the packets, their IP headers counted. */
  readonly #sizes: Marks;
  readonly #places: readonly Asked[];

  private constructor(plan: Plan, sizes: Marks, asked: readonly Asked[]) {
    this.#plan = plan;
    this.#sizes = sizes;
    this.#places = asked;
  }

  static async start(paths: Plan['paths'], asked: readonly Asked[]): Promise<Probe> {
    const small = Math.floor(Math.random() * 0xffff_fff0) + 1;
    const sizes = {
      small: smallest + Math.floor(Math.random() * variety),
      large: largest(paths.request),
    };
    const plan: Plan = {
      table: `lab_trace_${process.pid}_${++probes}`,
      marks: { small, large: small + 1 },
      datagrams: { request: datagrams(paths.request, sizes), answer: datagrams(paths.answer, sizes) },
      paths,
    };
    const used = new Set(places(plan));
    const probe = new Probe(
      plan,
      sizes,
      asked.filter(({ name }) => used.has(name)),
    );
    await Promise.all(probe.#places.map(place => probe.#arm(place)));
    return probe;
  }

  async ping(): Promise<Evidence> {
    const [small, large] = await Promise.all([this.#ping('small'), this.#ping('large')]);
    const read = this.#places.map(async place => {
      const { stdout } = await place.run(['nft', '-j', 'list', 'counters'], { timeout: patience.command });
      return [place.name, readCounters(stdout, this.#plan.table)] as const;
    });
    const counters = new Map(await Promise.all(read));
    const seen = {
      request: seenOn(this.#plan, 'request', counters),
      answer: seenOn(this.#plan, 'answer', counters),
    };
    return { seen, small, large };
  }

  /**
   * What is told of pings that are sent meanwhile, by the packet filters of `suspect`, the kernel, and captures on nodes.
   * Who has not told anything in `left` milliseconds is not waited for; what the others told counts.
   */
  async listen(
    { direction, large }: Pick<Loss, 'direction' | 'large'>,
    suspect: Asked,
    nodes: readonly Asked[],
    left: number,
  ): Promise<{ readonly heard: Heard; readonly means: readonly Means[] }> {
    const size = large ? 'large' : 'small';
    const means: Means[] = [];
    const failed = (name: MeansName) => (error: unknown) => {
      means.push(unused(name, describeError(error)));
      return undefined;
    };
    await using drops = await DropTracepoint.listen(this.#sizes[size]).catch(failed('drop tracepoint'));
    const filter = captureFilter(this.#plan, direction, size);
    const seconds = Math.min(patience.listening, (left - patience.ending) / 1000);
    const inTime = <T>(part: Promise<T>, name: MeansName) => within(part, left, name).catch(failed(name));
    const capturing = Promise.all(nodes.map(node => this.#capture(node, filter, seconds)));
    const [filters = [], captures = []] = await Promise.all([
      inTime(this.#filters(suspect, seconds), 'packet filter trace'),
      inTime(capturing, 'capture'),
      // Some of them are enough.
      within(this.#pingOften(size), left, 'pings').catch(() => {}),
    ]);
    const dropped = (await drops?.heard().catch(failed('drop tracepoint'))) ?? [];
    const captured = new Map(captures);
    const told: Partial<Record<MeansName, string>> = {
      'packet filter trace': filters.map(filterText).slice(0, 1).join(),
      'drop tracepoint': dropped.map(({ reason, where, count }) => `${reason} in ${where} (${count})`).join(),
      capture: captures.map(([name, seen]) => `${name}: ${captureText(seen)}`).join('; '),
    };
    const missing = new Set(means.map(({ name }) => name));
    const heard = listeningMeans.filter(name => !missing.has(name)).map(name => used(name, told[name]));
    return { heard: { filters, drops: dropped, captured }, means: [...heard, ...means] };
  }

  async #filters(node: Asked, seconds: number): Promise<readonly FilterVerdict[]> {
    const listen = `timeout ${seconds} nft -nn monitor trace`;
    const { stdout } = await node.run(['sh', '-c', listen], { timeout: patience.command, okCodes: anyCode });
    return filterVerdicts(stdout);
  }

  async #capture(node: Asked, filter: string, seconds: number): Promise<readonly [string, Captured]> {
    const { stdout, stderr } = await node.run(['sh', '-c', captureCommand(filter, seconds)], {
      timeout: patience.command,
      okCodes: anyCode,
    });
    const captured = parseCapture(stdout, stderr);
    if (!captured) throw new Error(`on ${node.name}: ${stderr.trim() || 'tcpdump names no devices'}`);
    return [node.name, captured];
  }

  /** One process for each: address translation looks at the first packet of a flow only. */
  async #pingOften(size: keyof Marks): Promise<void> {
    const { container, target, argv } = this.#command(size);
    const one = [...argv, '-c', '1', '-W', '0.1', target].join(' ');
    const several = `for i in 1 2 3 4 5 6; do ${one}; done >/dev/null 2>&1; :`;
    await container.run(['sh', '-c', several], { timeout: patience.command });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { table } = this.#plan;
    const script = ['netdev', 'ip']
      .map(family => `nft delete table ${family} ${table} 2>/dev/null`)
      .join('; ');
    await Promise.all(
      this.#places.map(place =>
        place.run(['sh', '-c', script], { okCodes: anyCode, timeout: patience.command }).catch(() => {}),
      ),
    );
  }

  async #arm(place: Asked): Promise<void> {
    const path = this.#plan.paths.request;
    const there = (point: Point) => hasDevice(path, point);
    const load = (offered: (point: Point) => boolean): Promise<RunResult> => {
      const input = ruleset(this.#plan, place.name, point => there(point) && offered(point));
      return place.run(['nft', '-f', '-'], { input, timeout: patience.command });
    };
    // Kernels before 5.16 cannot count what leaves a device.
    await load(() => true)
      .catch(() => load(({ device, stage }) => !device || !stage.endsWith('-out')))
      .catch(error => this.unwatched.push(`no counters on ${place.name}: ${describeError(error)}`));
  }

  #command(size: 'small' | 'large') {
    const { from, to } = this.#plan.paths.request;
    const container = this.#places.find(({ name }) => name === from.container);
    if (!container) throw new Error(`${from.container} is not among the places of the probe`);
    const mark = this.#plan.marks[size].toString(16).padStart(8, '0');
    const argv = ['ping', '-n', '-M', 'do', '-s', String(this.#sizes[size] - 28), '-p', mark];
    return { container, target: to.address, argv };
  }

  async #ping(size: 'small' | 'large'): Promise<PingResult> {
    const { container, target, argv } = this.#command(size);
    const [program = 'ping', ...args] = argv;
    const { stdout, stderr } = await container.run(
      [program, ...args, '-c', '2', '-i', '0.2', '-W', String(patience.answer), target],
      { okCodes: anyCode, timeout: patience.command },
    );
    return pingResult(`${stdout}\n${stderr}`);
  }
}

function datagrams({ from, tunnel = '' }: Path, sizes: Marks): Marks {
  const mtu = link(from.facts, tunnel)?.mtu ?? 1420;
  return { small: datagramOf(sizes.small, mtu), large: datagramOf(sizes.large, mtu) };
}

/** What ping printed. */
export function pingResult(text: string): PingResult {
  const told = /mtu ?= ?(\d+)/.exec(text)?.[1];
  return {
    received: Number(/(\d+) received/.exec(text)?.[1] ?? 0),
    toldMtu: told === undefined ? undefined : Number(told),
  };
}

function hasDevice({ from, to }: Path, { place, device }: Point): boolean {
  if (device === undefined) return true;
  const all = [from.facts, from.inside, to.facts, to.inside];
  return all.find(({ name }) => name === place)?.links.some(({ ifname }) => ifname === device) ?? false;
}
