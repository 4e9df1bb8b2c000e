// Getting into a real etcd: certificates of all kinds, users and passwords, with both APIs and by the daemon's options.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Etcd3, Range } from 'etcd3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UserError } from '../../lib/errors.ts';
import { parseCidr } from '../../lib/ip.ts';
import { createLogger } from '../../lib/log.ts';
import { until } from '../../lib/wait.ts';
import { type Authority, createAuthority, openssl, type Pair } from './certificates.fixture.ts';
import { type EtcdFixture, etcdProgram, startEtcd } from './etcd.fixture.ts';
import { follow } from './follow.fixture.ts';
import { StoreError } from './lease-store.ts';
import { openStore, type StoreOptions } from './open.ts';
import { createV2Keys } from './v2-keys.fixture.ts';

const run = promisify(execFile);
const signal = AbortSignal.timeout(300_000);
const plain = { etcdCafile: '', etcdCertfile: '', etcdKeyfile: '', etcdUsername: '', etcdPassword: '' };

async function open(etcd: EtcdFixture, options: Partial<StoreOptions>) {
  const lines: string[] = [];
  const log = createLogger({ write: line => lines.push(line), level: 'debug' });
  const base = { ...plain, etcdEndpoints: [etcd.endpoint], etcdPrefix: '/net', etcdApi: '3' as const };
  return { store: await openStore({ ...base, ...options }, log), lines };
}

describe.skipIf(!etcdProgram || !openssl).each(['3', '2'] as const)('over TLS with etcd v%s', etcdApi => {
  let [authority, stranger]: Authority[] = [];
  let client: Pair;
  let foreign: Pair;
  let etcds: Record<'open' | 'strict' | 'expired' | 'nameless', EtcdFixture>;
  beforeAll(async () => {
    authority = await createAuthority();
    stranger = await createAuthority();
    const ca = authority;
    const serve = async (pair: Pair, flags = {}) =>
      startEtcd({
        scheme: 'https',
        flags: { 'cert-file': pair.certificate, 'key-file': pair.key, ...flags },
      });
    client = await ca.issue('client');
    foreign = await stranger.issue('foreign');
    const server = await ca.issue('server', { address: '127.0.0.1' });
    etcds = {
      open: await serve(server),
      strict: await serve(server, { 'client-cert-auth': 'true', 'trusted-ca-file': ca.certificate }),
      expired: await serve(await ca.issue('expired', { address: '127.0.0.1', days: -1 })),
      nameless: await serve(await ca.issue('nameless')),
    };
  });
  afterAll(async () => {
    for (const each of [...Object.values(etcds ?? {}), authority, stranger])
      await each?.[Symbol.asyncDispose]();
  });
  const shown = ({ certificate, key }: Pair) => ({ etcdCertfile: certificate, etcdKeyfile: key });
  const trusted = () => ({ etcdApi, etcdCafile: authority?.certificate ?? '' });

  test('the authority alone is enough', async () => {
    const { store, lines } = await open(etcds.open, trusted());
    await using _ = store;
    expect(await store.config(signal)).toBeUndefined();
    expect(lines).toEqual([]);
  });

  test("the host's authorities are enough, where they are the ones", async () => {
    const options = { ...plain, etcdEndpoints: [etcds.open.endpoint], etcdPrefix: '/net', etcdApi };
    const script = `
      import { createLogger } from '${join(import.meta.dirname, '../../lib/log.ts')}';
      import { openStore } from '${join(import.meta.dirname, 'open.ts')}';
      const store = await openStore(${JSON.stringify(options)}, createLogger({ write: line => process.stdout.write(line) }));
      process.stdout.write('config: ' + (await store.config(AbortSignal.timeout(5000))));
      await store[Symbol.asyncDispose]();`;
    // What a process trusts is settled when it starts.
    const env = { ...process.env, SSL_CERT_FILE: authority?.certificate ?? '' };
    const { stdout } = await run(process.execPath, ['--input-type=module-typescript', '-e', script], { env });
    expect(stdout).toBe('config: undefined');
  });

  test('a client certificate opens an etcd that wants one', async () => {
    const { store } = await open(etcds.strict, { ...trusted(), ...shown(client) });
    await using _ = store;
    expect(await store.config(signal)).toBeUndefined();
  });

  test.each<[string, RegExp, keyof typeof etcds, () => Partial<StoreOptions>]>([
    [
      'another authority',
      /unable to verify/,
      'open',
      () => ({ etcdApi, etcdCafile: stranger?.certificate ?? '' }),
    ],
    ['the authorities of the system', /unable to verify/, 'open', () => ({ etcdApi })],
    ['no client certificate where one is wanted', /bad certificate/, 'strict', trusted],
    [
      'a foreign client certificate',
      /bad certificate/,
      'strict',
      () => ({ ...trusted(), ...shown(foreign) }),
    ],
    ['a server certificate that ran out', /has expired/, 'expired', trusted],
    ['a server certificate for nobody', /127\.0\.0\.1 is not in the cert's list/, 'nameless', trusted],
    [
      'http to an etcd of https',
      /does not answer/,
      'open',
      () => ({ ...trusted(), etcdEndpoints: [etcds.open.endpoint.replace('https', 'http')] }),
    ],
  ])('%s: waits, with one line that tells why', async (_, why, which, options) => {
    const { store, lines } = await open(etcds[which], options());
    await using _store = store;
    for (let times = 0; times < 3; times++) await expect(store.config(signal)).rejects.toThrow(StoreError);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(why);
    expect(lines[0]).not.toMatch(/UNAVAILABLE|Resolution note/);
  });
});

describe.skipIf(!openssl)('files that can never work end the start', () => {
  let authority: Authority;
  let client: Pair;
  beforeAll(async () => {
    authority = await createAuthority();
    client = await authority.issue('client');
    await writeFile(`${client.key}.garbage`, 'garbage');
  });
  afterAll(() => authority?.[Symbol.asyncDispose]());

  test.each<[() => Partial<StoreOptions>, RegExp]>([
    [() => ({ etcdCafile: '/nowhere/ca.pem' }), /-etcd-cafile \/nowhere\/ca.pem: ENOENT/],
    [() => ({ etcdCafile: `${client.key}.garbage` }), /-etcd-cafile .*garbage: .*no certificate/],
    [() => ({ etcdCertfile: client.certificate }), /-etcd-certfile is given without -etcd-keyfile/],
    [() => ({ etcdKeyfile: client.key }), /-etcd-keyfile is given without -etcd-certfile/],
    [() => ({ etcdCertfile: client.certificate, etcdKeyfile: authority.key }), /not the key of .*client.crt/],
    [
      () => ({ etcdCertfile: client.certificate, etcdKeyfile: `${client.key}.garbage` }),
      /no unencrypted private key/,
    ],
    [() => ({ etcdCertfile: client.key, etcdKeyfile: client.key }), /-etcd-certfile .*no certificate/],
  ])('%#', async (options, message) => {
    const opening = openStore(
      { ...plain, etcdEndpoints: ['https://127.0.0.1:1'], etcdPrefix: '/net', etcdApi: 'auto', ...options() },
      createLogger({ write: () => {} }),
    );
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toThrow(UserError);
  });
});

describe.skipIf(!etcdProgram)('users and passwords', () => {
  const root = { etcdUsername: 'root', etcdPassword: 'hunter2' };
  const put = (etcd: EtcdFixture, key: string) => {
    const raw = new Etcd3({ hosts: etcd.endpoint, auth: { username: 'root', password: 'hunter2' } });
    return raw
      .put(`/net/subnets/${key}`)
      .value('{"PublicIP":"192.168.7.1"}')
      .then(() => raw.close());
  };
  const secretLess = (lines: readonly string[]) => expect(lines.join('\n')).not.toMatch(/hunter2|aHVudGVyM/);

  async function withUsers(flags: Record<string, string> = {}): Promise<EtcdFixture> {
    const etcd = await startEtcd({ flags: { 'bcrypt-cost': '4', ...flags } });
    const raw = new Etcd3({ hosts: etcd.endpoint });
    await raw.user('root').create('hunter2');
    await raw.role('root').create();
    await raw.user('root').addRole('root');
    await raw.auth.authEnable();
    raw.close();
    return etcd;
  }

  test('with etcd v3', async () => {
    await using etcd = await withUsers();
    const { store, lines } = await open(etcd, root);
    await using _ = store;
    expect(await store.config(signal)).toBeUndefined();
    expect(lines).toEqual([]);
  });

  test.each(['no password', 'a wrong password'])('with etcd v3 and %s it waits, with one line', async how => {
    await using etcd = await withUsers();
    const { store, lines } = await open(
      etcd,
      how === 'no password' ? {} : { ...root, etcdPassword: 'hunter21' },
    );
    await using _ = store;
    for (let times = 0; times < 3; times++) await expect(store.config(signal)).rejects.toThrow(StoreError);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /etcd refuses a request.*(user name is empty|does not know|invalid user ID or password)/,
    );
    secretLess(lines);
  });

  test('with etcd v3 tokens that run out, or are forgotten in a restart, are renewed', async () => {
    await using etcd = await withUsers({ 'auth-token-ttl': '2' });
    const { store, lines } = await open(etcd, root);
    await using _ = store;
    await using seen = follow(store);
    const started = performance.now();
    // The token's time is up when it was not used for so long.
    await until(async () => (performance.now() - started > 4500 ? true : undefined), {
      what: 'the end of a token',
      timeout: 9000,
    });
    expect(await store.config(signal)).toBeUndefined();
    await put(etcd, '10.5.3.0-24');
    await seen.until('a lease', view => view.has('10.5.3.0-24'));
    expect(lines).toEqual([]);
    await etcd.restart();
    await until(async () => (await store.list(signal)) && true, {
      what: 'an answer after the restart',
      timeout: 10_000,
    });
    await put(etcd, '10.5.4.0-24');
    await seen.until('a lease after the restart', view => view.has('10.5.4.0-24'));
    secretLess(lines);
  });

  test('without the right to write, a claim is refused and says so', async () => {
    await using etcd = await withUsers();
    const raw = new Etcd3({ hosts: etcd.endpoint, auth: { username: 'root', password: 'hunter2' } });
    await raw.role('reader').create();
    await raw.role('reader').grant({ permission: 'Read', range: Range.prefix('/net/') });
    await raw.user('reader').create('hunter2');
    await raw.user('reader').addRole('reader');
    const { store, lines } = await open(etcd, { ...root, etcdUsername: 'reader' });
    await using _ = store;
    expect(await store.config(signal)).toBeUndefined();
    const subnets = { 4: parseCidr('10.5.3.0/24') ?? expect.unreachable() };
    const terms = { publicIps: { 4: '192.168.7.1' }, backendType: 'host-gw', backendData: {} };
    await expect(store.claim(subnets, terms, 60, signal)).rejects.toThrow('permission denied');
    expect(lines.join()).toMatch(/etcd refuses a request.*permission denied/);
    // The grant that was taken for it is given back.
    const left = async () => ((await raw.leaseClient.leaseLeases()).leases.length === 0 ? true : undefined);
    await until(left, { what: 'no grant', timeout: 5000 });
    raw.close();
  });

  test('with etcd v3 that asks for none', async () => {
    await using etcd = await startEtcd();
    const { store } = await open(etcd, root);
    await using _ = store;
    expect(await store.config(signal)).toBeUndefined();
  });

  test('with etcd v2', async () => {
    await using etcd = await startEtcd();
    const authorization = `Basic ${Buffer.from('root:hunter2').toString('base64')}`;
    const call = async (method: string, path: string, body?: string) => {
      const headers = { authorization, 'content-type': 'application/json' };
      const answer = await fetch(`${etcd.endpoint}/v2/auth/${path}`, {
        method,
        headers,
        ...(body ? { body } : {}),
      });
      expect([path, answer.ok, await answer.text()]).toMatchObject([path, true, expect.anything()]);
    };
    await call('PUT', 'users/root', '{"user":"root","password":"hunter2"}');
    await call('PUT', 'enable');
    await call('DELETE', 'roles/guest');
    await createV2Keys(etcd.endpoint, { authorization }).put('/net/config', 'text');
    const known = await open(etcd, { ...root, etcdApi: '2' });
    expect(await known.store.config(signal)).toBe('text');
    await known.store[Symbol.asyncDispose]();
    const unknown = await open(etcd, { ...root, etcdPassword: 'hunter21', etcdApi: '2' });
    await expect(unknown.store.config(signal)).rejects.toThrow(StoreError);
    await unknown.store[Symbol.asyncDispose]();
    expect(unknown.lines).toHaveLength(1);
    expect(unknown.lines[0]).toMatch(/etcd refuses a request.*(Insufficient credentials|401)/);
    secretLess([...known.lines, ...unknown.lines]);
  });
});
