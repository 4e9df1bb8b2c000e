// What the built daemon's file runs: the rest of it, with the code that V8 compiled for it when it was built.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire, wrap } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';

const file = join(import.meta.dirname, 'main.js');
const cache = `${file}.cache`;

/** V8 itself refuses what another version of it, or other code, left there; the daemon then starts a little later. */
function compiled(): Buffer | undefined {
  try {
    return readFileSync(cache);
  } catch {
    return undefined;
  }
}

const cachedData = compiled();
// The bundle is ASCII, and one byte for each character is what V8 reads fastest.
const source = wrap(readFileSync(file, 'latin1'));
const script = new Script(source, { filename: file, ...(cachedData ? { cachedData } : {}) });
// For the build: by the end of a rehearsal, everything a start needs is compiled.
const keep = process.env.FLANNEL_KEEP_COMPILED;
if (keep) process.once('exit', () => writeFileSync(keep, script.createCachedData()));
const main = { exports: {} };
script.runInThisContext()(main.exports, createRequire(import.meta.url), main, file, import.meta.dirname);
