// What the built daemon's file runs first: it loads the rest with its compiled code, and fits V8 to a small process.
import { createRequire, enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

/** The daemon never computes long enough for optimised code to pay for its memory; nor does it need much room for garbage. */
const flags = ['--no-opt', '--no-maglev', '--semi-space-growth-factor=1'];

// Beside the program, so that whoever may write it could write the program as well; where nobody can, there is none.
enableCompileCache(join(import.meta.dirname, 'compiled'));
createRequire(import.meta.url)('./main.js');
// Compiled code counts for the flags it was made with, Node's own included: by now all of it is loaded.
setImmediate(() => {
  flushCompileCache();
  for (const flag of flags) setFlagsFromString(flag);
});
