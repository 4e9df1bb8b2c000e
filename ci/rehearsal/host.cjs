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

// A kernel that has every device and agrees to every change asked of it over netlink.
const { Module } = require('node:module');
const { _load } = Module;
const answers = [];
const netlink = {
  socket: () => 0,
  setsockopt: () => 0,
  close: () => 0,
  // Of a device's name, its number.
  ioctl(_, __, request) {
    request.writeInt32LE(7, 16);
    return 0;
  },
  send(_, messages) {
    for (let at = 0; at < messages.length; at += messages.readUInt32LE(at)) {
      const isAsked = messages.readUInt16LE(at + 6) & 4; // NLM_F_ACK
      if (isAsked) answers.push(agreement(messages.readUInt32LE(at + 8)));
    }
    return messages.length;
  },
  recv(_, room) {
    const answer = answers.shift();
    return answer ? answer.copy(room) : -1;
  },
};

function agreement(sequence) {
  const answer = Buffer.alloc(36);
  answer.writeUInt32LE(answer.length, 0);
  answer.writeUInt16LE(2, 4); // NLMSG_ERROR
  answer.writeUInt32LE(sequence, 8);
  return answer;
}

Module._load = (request, ...rest) => {
  const loaded = _load(request, ...rest);
  if (!request.endsWith('koffi.node')) return loaded;
  const { load } = loaded;
  loaded.load = (...args) => {
    const library = load(...args);
    return { func: text => netlink[/(\w+)\(/.exec(text)?.[1]] ?? library.func(text) };
  };
  loaded.errno = () => loaded.os.errno.EAGAIN;
  return loaded;
};

// Whoever rehearses may have been killed, and this would go on for ever.
setTimeout(() => process.exit(1), 30_000).unref();

// However slow the machine is, nothing takes so long that the daemon gives it up, and takes another way.
const { setTimeout: after, setInterval: every } = globalThis;
const patient = ms => (ms >= 100 ? 2 ** 31 - 1 : ms);
globalThis.setTimeout = (act, ms, ...rest) => after(act, patient(ms), ...rest);
globalThis.setInterval = (act, ms, ...rest) => every(act, patient(ms), ...rest);
