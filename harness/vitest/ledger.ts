// What a scenario asked of its cluster: one that asked nothing, or did not wait for the answer, has shown nothing.

/** What of a scenario that passed makes the passing worthless; empty when all is well. `assertions`: of vitest's own. */
export interface Account {
  problems(assertions: number): readonly string[];
}

/** The same object, which notes calls: `expect…` are checks; what `start…` and `watch…` return is to be stopped. */
export function audited<T extends object>(subject: T): { readonly audited: T; readonly account: Account } {
  let answered = 0;
  const asked = new Map<symbol, string>();
  const watches = new Map<symbol, string>();
  const idle: string[] = [];

  async function check(name: string, call: () => unknown): Promise<unknown> {
    const id = Symbol(name);
    asked.set(id, name);
    try {
      const answer = await call();
      answered++;
      return answer;
    } finally {
      asked.delete(id);
    }
  }

  async function watch(name: string, call: () => unknown): Promise<unknown> {
    const started = await call();
    if (!isStoppable(started)) return started;
    const id = Symbol(name);
    watches.set(id, name);
    const stop = started.stop.bind(started);
    started.stop = async (...args) => {
      const result = await stop(...args);
      watches.delete(id);
      if (hasSentNothing(result)) idle.push(name);
      return result;
    };
    return started;
  }

  const proxy = new Proxy(subject, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      const call = (args: unknown[]) => () => Reflect.apply(value, target, args);
      const name = String(key);
      if (/^expect[A-Z]/.test(name)) return (...args: unknown[]) => check(name, call(args));
      if (/^(start|watch)[A-Z]/.test(name)) return (...args: unknown[]) => watch(name, call(args));
      // Private members are the target's.
      return (...args: unknown[]) => call(args)();
    },
  });
  const problems = (assertions: number) => [
    ...[...asked.values()].map(name => `${name}() was called and not awaited`),
    ...[...watches.values()].map(name => `${name}() was called, and its result never stopped and looked at`),
    ...idle.map(name => `${name}() sent nothing until it was stopped`),
    ...(answered + assertions === 0 ? ['nothing was checked'] : []),
  ];
  return { audited: proxy, account: { problems } };
}

interface Stoppable {
  stop(...args: unknown[]): Promise<unknown>;
}

function isStoppable(value: unknown): value is Stoppable {
  return typeof value === 'object' && value !== null && 'stop' in value && typeof value.stop === 'function';
}

function hasSentNothing(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'sent' in result && result.sent === 0;
}
