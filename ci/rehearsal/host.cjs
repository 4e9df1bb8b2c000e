// Loaded before the daemon in a rehearsal: it may administer a network, and there is none to be changed.
const { promises, ...files } = require('node:fs');

const told = {
  '/proc/self/status': 'CapEff:\t000001ffffffffff\n',
  '/proc/self/uid_map': '         0          0 4294967295\n',
};
const { readFile, writeFile } = promises;
const isSetting = path => String(path).startsWith('/proc/sys/net/');

require('node:fs').readFileSync = (path, ...rest) => told[path] ?? files.readFileSync(path, ...rest);
promises.readFile = async (path, ...rest) => (isSetting(path) ? '0\n' : readFile(path, ...rest));
promises.writeFile = async (path, ...rest) => {
  if (!isSetting(path)) await writeFile(path, ...rest);
};

// Whoever rehearses may have been killed, and this would go on for ever.
setTimeout(() => process.exit(1), 30_000).unref();
