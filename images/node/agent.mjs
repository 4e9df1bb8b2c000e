// Runs commands in a node for the harness: a line of JSON asks, a line of JSON answers. One `docker exec` serves them all.
//
//   {"id":1,"argv":["ip","route"],"env":{},"input":""}  ->  {"id":1,"code":0,"signal":null,"stdout":"…","stderr":""}
//   {"id":1,"kill":true} ends a command that takes too long, and all it started.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const running = new Map();

function start({ id, argv: [program, ...args], env, input }) {
  // A process group of its own, so that `kill` reaches what a shell started.
  const child = spawn(program, args, { env: { ...process.env, ...env }, detached: true });
  running.set(id, child);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', text => {
      output[name] += text;
    });
  }
  const answer = result => {
    running.delete(id);
    process.stdout.write(`${JSON.stringify({ id, ...output, ...result })}\n`);
  };
  child.on('error', ({ message }) => answer({ code: null, signal: null, stderr: message }));
  child.on('close', (code, signal) => running.has(id) && answer({ code, signal }));
  // A command may end without reading its input.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
}

function kill(id) {
  const pid = running.get(id)?.pid;
  try {
    if (pid) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (request.kill) kill(request.id);
  else start(request);
}
for (const id of running.keys()) kill(id);
