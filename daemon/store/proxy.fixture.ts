// A connection to etcd that can be cut, or turned into a black hole, for tests of what a store does then.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Proxy extends AsyncDisposable {
  readonly endpoint: string;
  /** How many connections were made through it. */
  readonly connections: number;
  /** How many of them there are now. */
  readonly open: number;
  /** Resets what is connected, and what connects until it passes again. */
  cut(): void;
  /** Connections stay, but nothing comes through any more; new ones too, unless `only` is for what there is. */
  hole(only?: 'those there are'): void;
  /** What etcd answers is lost from now on, what it is asked is not. */
  loseAnswers(): void;
  /** New connections work; what fell into the hole stays there. */
  pass(): void;
}

type Mode = 'pass' | 'cut' | 'hole' | 'lose answers';

/** `target` is `http://host:port`. */
export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const pairs = new Map<Socket, Socket>();
  let mode: Mode = 'pass';
  let connections = 0;
  const server = createServer(inner => {
    connections++;
    inner.on('error', () => {});
    if (mode === 'cut') return void inner.resetAndDestroy();
    if (mode === 'hole') return void pairs.set(inner, inner.pause());
    const outer = connect(Number(port), hostname);
    outer.on('error', () => inner.destroy());
    pairs.set(inner, outer);
    inner.on('data', data => outer.write(data));
    outer.on('data', data => {
      if (mode !== 'lose answers') inner.write(data);
    });
    inner.once('close', () => {
      outer.destroy();
      pairs.delete(inner);
    });
    outer.once('close', () => inner.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;

  function swallow(): void {
    for (const [inner, outer] of pairs) {
      for (const socket of [inner, outer])
        socket.removeAllListeners('data').removeAllListeners('close').pause();
    }
  }

  return {
    endpoint: target.replace(/\/\/.*/, `//127.0.0.1:${own}`),
    get connections() {
      return connections;
    },
    get open() {
      return pairs.size;
    },
    cut() {
      mode = 'cut';
      for (const inner of pairs.keys()) inner.resetAndDestroy();
    },
    hole(only) {
      mode = only ? 'pass' : 'hole';
      swallow();
    },
    loseAnswers() {
      mode = 'lose answers';
    },
    pass() {
      mode = 'pass';
    },
    async [Symbol.asyncDispose]() {
      for (const [inner, outer] of pairs) for (const socket of [inner, outer]) socket.destroy();
      server.close();
    },
  };
}
