// What runs on each watched node: one process that says, line by line of JSON, what it sees there and when.
import type { KernelTexts, SamplerOrders, SamplerRequest } from './samples.ts';

/** The program, as a text for `node -e`: one function that refers to nothing outside of itself. */
export function samplerProgram(orders: SamplerOrders): string {
  return `(${sampler})(${JSON.stringify(orders)})`;
}

function sampler(orders: SamplerOrders): void {
  const fs = process.getBuiltinModule('node:fs');
  const { spawn, execFile } = process.getBuiltinModule('node:child_process');
  const { dirname } = process.getBuiltinModule('node:path');
  const { createInterface } = process.getBuiltinModule('node:readline');
  const now = () => performance.timeOrigin + performance.now();
  const say = (facts: object, at = now()) => process.stdout.write(`${JSON.stringify({ at, ...facts })}\n`);
  const told = new Map<string, string>();
  const sayNews = (name: string, facts: object, at?: number) => {
    const text = JSON.stringify(facts);
    if (told.get(name) === text) return;
    told.set(name, text);
    say(facts, at);
  };
  const read = (path: string) => {
    try {
      return fs.readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  };
  const env = { ...process.env, LC_ALL: 'C' };
  const children = new Set<ReturnType<typeof spawn>>();
  const follow = (argv: readonly string[], heard: (line: string) => void, ended = () => {}) => {
    const [program = '', ...args] = argv;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], env });
    children.add(child);
    createInterface({ input: child.stdout }).on('line', heard);
    child.stdin.on('error', () => {});
    child.on('error', () => {});
    child.on('close', () => {
      children.delete(child);
      ended();
    });
    return child;
  };
  const ask = (program: string, args: readonly string[], input = '') =>
    new Promise<string>(resolve => {
      const options = { maxBuffer: 1 << 26, timeout: 10_000, env };
      const child = execFile(program, args, options, (_, stdout) => resolve(stdout));
      child.stdin?.on('error', () => {}).end(input);
    });

  // subnet.env: read at each sign of a change in its folder.
  const lookAtFile = () => sayNews('file', { file: read(orders.subnetFile) ?? null });
  let watched = false;
  const watchFile = () => {
    const folder = dirname(orders.subnetFile);
    if (watched || !fs.existsSync(folder)) return;
    watched = true;
    fs.watch(folder, lookAtFile).on('error', () => {});
    lookAtFile();
  };

  let usageDue = 0;
  let running: number | null = null;
  const sayPid = (pid: number | null) => {
    sayNews('daemon', { pid });
    if (pid === running) return;
    running = pid;
    look();
  };
  const lookAtDaemon = () => {
    const list = orders.pids.map(read).find(text => text !== undefined) ?? '';
    const pids = list.split('\n').filter(Boolean).map(Number);
    const pid = Math.min(...pids);
    const stat = pids.length > 0 ? read(`/proc/${pid}/stat`) : undefined;
    // After the name, which may hold blanks. A process that nobody has waited for yet is none.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? ['X'];
    if (fields[0] === 'Z' || fields[0] === 'X') return sayPid(null);
    sayPid(pid);
    if (now() < usageDue) return;
    usageDue = now() + 450;
    try {
      const files = fs.readdirSync(`/proc/${pid}/fd`).length;
      say({ ticks: Number(fields[11]) + Number(fields[12]), pages: Number(fields[21]), files });
    } catch {
      // It has just ended.
    }
  };

  const lookAtKernel = async () => {
    const at = now();
    const questions = 'route show\nneigh show nud permanent\naddress show\n';
    const devices = read('/proc/net/dev') ?? '';
    const has = (device: string) => devices.includes(device);
    const six = read(orders.subnetFile)?.includes('FLANNEL_IPV6_');
    const [tables, routes6, fdb, wgKeys, wgPeers] = await Promise.all([
      ask('ip', ['-j', '-batch', '-'], questions),
      six ? ask('ip', ['-j', '-6', 'route', 'show']) : '',
      has('flannel.') || has('flannel-v6.') ? ask('bridge', ['-j', 'fdb']) : '',
      has('flannel-wg') ? ask('wg', ['show', 'all', 'public-key']) : '',
      has('flannel-wg') ? ask('wg', ['show', 'all', 'allowed-ips']) : '',
    ]);
    const [routes = '', neighbours = '', links = ''] = tables.split('\n');
    const kernel: KernelTexts = {
      routes,
      routes6: routes6.trim(),
      neighbours,
      links,
      fdb: fdb.trim(),
      wgKeys,
      wgPeers,
    };
    sayNews('kernel', { kernel }, at);
  };
  const lookAtRules = async () => {
    const at = now();
    const asked = [
      ask('iptables-save', []),
      ask('ip6tables-save', []),
      ask('nft', ['-s', 'list', 'ruleset']),
    ];
    const [four = '', six = '', ruleset = ''] = await Promise.all(asked);
    const nft = ruleset.split(/^(?=table )/m).filter(table => /^table \S+ \S*flannel/.test(table));
    // Without dates and counters.
    const text = [four, six, ...nft].join('---\n').replaceAll(/^[#:].*\n/gm, '');
    sayNews('rules', { rules: text }, at);
  };
  /** One look at a time, and one more for all who ask meanwhile. */
  const keeper = (look: () => Promise<void>) => {
    let last = Promise.resolve();
    let next: Promise<void> | undefined;
    return (): Promise<void> => {
      next ??= last.then(() => {
        next = undefined;
        last = look();
        return last;
      });
      return next;
    };
  };
  const kernel = keeper(lookAtKernel);
  const rules = keeper(lookAtRules);

  // Nobody keeps the tables in order where no daemon runs. What comes in a burst is looked at ten times a second.
  let due: NodeJS.Timeout | undefined;
  let looked = 0;
  const look = () => {
    if (due || running === null) return;
    const pause = Math.max(15, looked + 100 - now());
    due = setTimeout(() => {
      due = undefined;
      looked = now();
      void kernel();
    }, pause);
  };
  const announced = (line: string) => {
    // Neighbours that come and go by themselves are nobody's to program.
    if (!/ (REACHABLE|STALE|DELAY|PROBE|INCOMPLETE)\b/.test(line)) look();
  };

  let lines: string[] = [];
  const sayLog = () => {
    if (lines.length > 0) say({ log: lines });
    lines = [];
  };

  const probers = new Map<string, ReturnType<typeof follow>>();
  const synced = new Map<string, () => void>();
  const start = (name: string, argv: readonly string[]) => {
    const heard = (line: string) => (line === 'synced' ? synced.get(name)?.() : say({ prober: name, line }));
    const ended = () => {
      probers.delete(name);
      synced.get(name)?.();
      say({ gone: name });
    };
    probers.set(name, follow(argv, heard, ended));
  };
  const syncProber = ([name, child]: [string, ReturnType<typeof follow>]) =>
    new Promise<void>(resolve => {
      synced.set(name, resolve);
      setTimeout(resolve, 1000);
      child.stdin.write('sync\n');
    });
  const sync = async (number: number) => {
    lookAtFile();
    lookAtDaemon();
    await Promise.all([kernel(), rules(), ...[...probers].map(syncProber)]);
    sayLog();
    say({ synced: number });
  };
  const obey = (request: SamplerRequest) => {
    if ('sync' in request) void sync(request.sync);
    else if ('start' in request) start(request.start, request.argv);
    else probers.get(request.tell)?.stdin.write(`${request.line}\n`);
  };

  // Whoever started this process ends it by closing its stdin, or by ending.
  const end = () => {
    for (const child of children) child.kill('SIGKILL');
    process.exit(0);
  };
  createInterface({ input: process.stdin })
    .on('line', line => obey(JSON.parse(line)))
    .on('close', end);
  process.stdout.on('error', end);
  watchFile();
  follow(['ip', 'monitor', 'route', 'neigh', 'link', 'address'], announced);
  follow(orders.log, line => lines.push(line));
  setInterval(() => {
    watchFile();
    lookAtDaemon();
    sayLog();
  }, 100);
  setInterval(() => {
    lookAtFile();
    void rules();
  }, 1000);
  // For what the kernel had no room to announce.
  setInterval(look, 3000);
}
