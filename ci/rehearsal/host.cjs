// Loaded before the daemon in a rehearsal: it may administer a network, and there is none to be changed.
const files = require('node:fs');

const told = {
  '/proc/self/status': 'CapEff:\t000001ffffffffff\n',
  '/proc/self/uid_map': '         0          0 4294967295\n',
};
const { readFileSync, writeFileSync } = files;
const isSetting = path => String(path).startsWith('/proc/sys/net/');

files.readFileSync = (path, ...rest) =>
  isSetting(path) ? '0\n' : (told[path] ?? readFileSync(path, ...rest));
files.writeFileSync = (path, ...rest) => {
  if (!isSetting(path)) writeFileSync(path, ...rest);
};

// Whoever rehearses may have been killed, and this would go on for ever.
setTimeout(() => process.exit(1), 30_000).unref();
