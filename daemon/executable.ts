// What the single executable runs: the daemon that lies inside it, with all that it would load from files beside it.
import { wrap } from 'node:module';
import { join } from 'node:path';
import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';
import type * as threads from 'node:worker_threads';
import { loadNative, type Native } from './native-file.ts';

const nativeName = './koffi.node';
const file = join(process.execPath, 'main.js');

const asset = (name: string) => Buffer.from(getRawAsset(name) as ArrayBuffer);
// The bundles are ASCII, and one byte for each character is what V8 reads fastest.
const source = (name: string) => asset(name).toString('latin1');

let loaded: Native | undefined;
function native(): Native {
  loaded ??= loadNative(asset('koffi.node'));
  return loaded;
}

/** The thread's program, which finds the library where this thread has loaded it from. */
function threadProgram(): string {
  const load = `name => { const own = { exports: {} }; process.dlopen(own, ${JSON.stringify(native().path)}); return own.exports; }`;
  const find = `name => name === ${JSON.stringify(nativeName)} ? (${load})() : require(name)`;
  return `((require, __filename) => {${source('udp-worker.js')}\n})(${find}, ${JSON.stringify(file)});`;
}

/** Node's own modules, and what a daemon of several files has beside it. */
function find(name: string): unknown {
  if (name === nativeName) return native().exports;
  const builtin: unknown = require(name);
  return name === 'node:worker_threads' ? ownThreads(builtin as typeof threads) : builtin;
}

/** Only one program is ever run by a thread. */
function ownThreads(real: typeof threads): object {
  class Worker extends real.Worker {
    constructor(_: URL, options: threads.WorkerOptions) {
      super(threadProgram(), { ...options, eval: true });
    }
  }
  return { ...real, Worker };
}

const cachedData = getCompiled();
const script = new Script(wrap(source('main.js')), { filename: file, ...(cachedData ? { cachedData } : {}) });
const main = { exports: {} };
script.runInThisContext()(main.exports, find, main, file, process.execPath);

/** There is none for a machine of another kind than the one of the build. */
function getCompiled(): Buffer | undefined {
  try {
    return asset('main.js.cache');
  } catch {
    return undefined;
  }
}
