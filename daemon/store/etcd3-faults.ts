// How etcd3 deals with endpoints that fail: each is asked once, at once, and one that failed is passed over for a while.
import { type IOptions, isRecoverableError, RecoverableError } from 'etcd3';

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>;

/** Whether a request got no answer, as opposed to one that was refused. */
export function isOutage(error: unknown): boolean {
  return error instanceof Error && isRecoverableError(error);
}

/** At once and at most `times`, each time on another host; etcd3's own policies would wait and open circuits. */
export function eachHostOnce(times: number): Policy {
  return policy(async call => {
    for (let left = times; ; ) {
      try {
        return await call();
      } catch (error) {
        if (--left <= 0 || !isOutage(error)) throw error;
      }
    }
  });
}

/** For how long a host that failed is passed over while there are others, in milliseconds. */
const shunTime = 10_000;

/** Per host: without it, every call would again wait for the one host that does not answer. */
export function shunning(count: number): () => Policy {
  const shunned = new Map<Policy, number>();
  const isShunned = (host: Policy) => (shunned.get(host) ?? 0) > performance.now();
  return () => {
    const host: Policy = policy(async call => {
      const others = [...shunned.keys()].filter(other => other !== host && isShunned(other)).length;
      if (isShunned(host) && others < count - 1) throw new Shunned('this etcd endpoint failed a moment ago');
      try {
        return await call();
      } catch (error) {
        if (isOutage(error)) shunned.set(host, performance.now() + shunTime);
        throw error;
      }
    });
    return host;
  };
}

class Shunned extends Error {
  readonly [RecoverableError] = true;
}

type Execute = <T>(call: () => T | PromiseLike<T>) => Promise<T>;

/** What etcd3 wants of a policy, around the one thing it uses. */
function policy(execute: Execute): Policy {
  const never = () => ({ dispose() {} });
  const whole: Omit<Policy, '_altReturn'> = {
    onSuccess: never,
    onFailure: never,
    execute: (call, signal = new AbortController().signal) => execute(() => call({ signal })),
  };
  return whole as Policy; // the missing member exists in types only
}
