// Run with V8's flags for a rehearsal: writes compiled code anew, without what depends on the order it was compiled in.
const { readFileSync, writeFileSync } = require('node:fs');
const { wrap } = require('node:module');
const { setFlagsFromString } = require('node:v8');
const { Script } = require('node:vm');

const [source, from, to, ...usualFlags] = process.argv.slice(2);
const options = { filename: 'main.js', cachedData: readFileSync(from) };
const script = new Script(wrap(readFileSync(source, 'latin1')), options);
if (script.cachedDataRejected) throw new Error(`V8 does not take the compiled code in ${from}`);
// What is written is taken only by a process with the flags that count now.
for (const flag of usualFlags) setFlagsFromString(flag);
writeFileSync(to, script.createCachedData());
