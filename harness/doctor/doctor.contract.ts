// `lab doctor --host` in a network namespace of its own, beside real packet filters and a real etcd.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const main = join(import.meta.dirname, '../cli/main.ts');
const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];

interface Report {
  readonly ok: boolean;
  readonly checks: readonly { check: string; state: string; saw: string; fix?: string }[];
}

/** In a host of which only the network is changed, by these commands. */
async function doctorAfter(
  commands: string,
): Promise<{ exitCode: number; found: (name: string) => string; fix: string }> {
  const script = `set -e; ${commands}\nexec ${process.execPath} ${main} doctor --host --json`;
  const { stdout, exitCode = -1 } = await execa('unshare', [...user, '--net', 'sh', '-c', script], {
    reject: false,
  });
  const { checks } = JSON.parse(stdout) as Report;
  const found = (name: string) => {
    const one = checks.find(({ check }) => check === name);
    return `${one?.state}: ${one?.saw}`;
  };
  return { exitCode, found, fix: checks.find(({ check }) => check === 'packet filters')?.fix ?? '' };
}

test('an empty packet filter is in nobody’s way', async () => {
  const { exitCode, found } = await doctorAfter('echo 1 >/proc/sys/net/ipv4/ip_forward');
  expect(found('packet filters')).toMatch(/^ok/);
  expect(found('ip_forward')).toBe('ok: on');
  expect(exitCode).toBe(0);
});

test.for([
  [
    'iptables',
    'iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; iptables -A FORWARD -j REJECT',
  ],
  [
    'nft',
    'nft add table inet f; nft add chain inet f x "{ type filter hook forward priority 10; }"; nft add rule inet f x ct state established,related accept; nft add rule inet f x reject with icmpx admin-prohibited',
  ],
  [
    'nft input',
    'nft add table inet f; nft add chain inet f x "{ type filter hook input priority 0; policy drop; }"; nft add rule inet f x iifname lo accept; nft add rule inet f x udp dport "{ 53, 8285 }" accept',
  ],
] as const)('a real REJECT of %s blocks, and its command mends it', async ([, commands]) => {
  const { exitCode, found, fix } = await doctorAfter(commands);
  expect(found('packet filters')).toMatch(/^blocks/);
  expect(exitCode).toBe(1);
  const mended = await doctorAfter(`${commands}; ${fix}`);
  expect(mended.found('packet filters')).toMatch(/^ok/);
  expect(mended.exitCode).toBe(0);
});

test('a clock that is far from etcd’s, and an etcd that does not answer', async () => {
  const late = createServer((_, response) => {
    response.sendDate = false;
    response.setHeader('Date', new Date(Date.now() + 7_200_000).toUTCString()).end('{"etcdserver":"3.4.23"}');
  }).listen(0, '127.0.0.1');
  await once(late, 'listening');
  const address = late.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const child = spawn(process.execPath, [
    main,
    'doctor',
    '--host',
    '--json',
    '--etcd-endpoints',
    `${url},http://127.0.0.1:1`,
  ]);
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const [code] = await once(child, 'close');
  late.close();
  const { checks } = JSON.parse(stdout) as Report;
  expect(checks.find(({ check }) => check === 'clock')).toMatchObject({
    state: 'blocks',
    saw: expect.stringMatching(/^7\d\d\d s behind etcd/),
  });
  expect(checks.find(({ check }) => check === 'etcd')).toMatchObject({
    state: 'warning',
    saw: 'http://127.0.0.1:1: ECONNREFUSED',
  });
  expect(code).toBe(1);
});

test('endpoints without --host are misuse', async () => {
  const { exitCode, stderr } = await execa(
    process.execPath,
    [main, 'doctor', '--etcd-endpoints', 'http://127.0.0.1:1'],
    { reject: false },
  );
  expect(stderr).toContain('lab doctor --host --etcd-endpoints');
  expect(exitCode).toBe(2);
});
