// Asks this machine, and etcd, everything at once; what cannot be had in a second is unreadable, and nothing throws.
import { readFile } from 'node:fs/promises';
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { posix } from 'node:path';
import { findProgram } from '../../lib/places.ts';
import { localRunner } from '../../lib/run.ts';
import { within } from '../../lib/wait.ts';
import type { Answer, EndpointFacts, Facts, Source, SourceName } from './facts.ts';
import { sources } from './facts.ts';

/** Milliseconds for one answer. */
const patience = 900;

export interface EtcdPlace {
  readonly endpoints: readonly string[];
  readonly prefix: string;
}

export async function readFacts(etcd: EtcdPlace): Promise<Facts> {
  const names = Object.keys(sources) as SourceName[];
  const [answers, endpoints, config] = await Promise.all([
    Promise.all(names.map(name => answerOf(sources[name]))),
    Promise.all(etcd.endpoints.map(endpointFacts)),
    configIn(etcd),
  ]);
  const named = Object.fromEntries(names.map((name, at) => [name, answers[at]]));
  return {
    answers: named as Record<SourceName, Answer>,
    isRoot: process.getuid?.() === 0,
    etcd: endpoints,
    config,
  };
}

async function answerOf({ file, command }: Source): Promise<Answer> {
  try {
    return await within(file === undefined ? said(command ?? ['true']) : held(file), patience, 'it');
  } catch (error) {
    return failure(error);
  }
}

async function held(path: string): Promise<Answer> {
  return { state: 'read', text: await readFile(path, 'utf8') };
}

async function said([name, ...args]: readonly [string, ...string[]]): Promise<Answer> {
  const program = findProgram(name);
  if (!program) return { state: 'absent' };
  const { stdout } = await localRunner.run([program, ...args], { timeout: patience });
  return { state: 'read', text: stdout };
}

function failure(error: unknown): Answer {
  const { code, facts } = error as { code?: string; facts?: { stderr: string; code: number | undefined } };
  if (code === 'ENOENT' || code === 'ENOTDIR') return { state: 'absent' };
  // A device, or a folder: that it is there is all there is to read.
  if (code === 'EISDIR' || code === 'EBADFD' || code === 'EINVAL') return { state: 'read', text: '' };
  const firstLine = facts?.stderr.trim().split('\n', 1)[0];
  if (facts?.code !== undefined) return { state: 'unreadable', why: firstLine || `exit code ${facts.code}` };
  return { state: 'unreadable', why: code ?? (error as Error).message.split('\n', 1)[0] ?? 'no answer' };
}

interface Reply {
  readonly text: string;
  readonly status: number;
  readonly date: string | undefined;
}

/** Whose certificate it is does not matter here: nothing secret is sent, and nothing done with the answer. */
function ask(url: string, method: 'GET' | 'POST', body?: string): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const send = url.startsWith('https:') ? secure : plain;
  const call = send(url, { method, timeout: patience, agent: false, rejectUnauthorized: false }, response => {
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    response.on('error', reject).on('end', () => {
      resolve({ text, status: response.statusCode ?? 0, date: response.headers.date });
    });
  });
  call.on('error', reject).on('timeout', () => call.destroy(new Error(`no answer in ${patience} ms`)));
  call.end(body);
  return within(promise, patience, 'the answer');
}

async function endpointFacts(url: string): Promise<EndpointFacts> {
  try {
    const sent = Date.now();
    const { text, date } = await ask(`${url}/version`, 'GET');
    const received = Date.now();
    const told = Date.parse(date ?? '');
    // The header has whole seconds, of which on the average half a one has gone by.
    const seconds = (told + 500 - (sent + received) / 2) / 1000;
    const give = (500 + (received - sent) / 2) / 1000;
    return {
      url,
      answer: { state: 'read', text },
      ahead: Number.isNaN(told) ? undefined : { seconds, give },
    };
  } catch (error) {
    return { url, answer: failure(error) };
  }
}

/** From whichever store of whichever endpoint has one, v3 first. */
async function configIn({ endpoints, prefix }: EtcdPlace): Promise<Answer> {
  const found = await Promise.all(endpoints.map(url => Promise.all([inV3(url, prefix), inV2(url, prefix)])));
  const text = found.flatMap(([v3]) => v3 ?? []).concat(found.flatMap(([, v2]) => v2 ?? []))[0];
  return text === undefined ? { state: 'absent' } : { state: 'read', text };
}

async function inV3(url: string, prefix: string): Promise<string | undefined> {
  const key = Buffer.from(posix.join(prefix, 'config')).toString('base64');
  const reply = await ask(`${url}/v3/kv/range`, 'POST', JSON.stringify({ key })).catch(() => undefined);
  const value = parsed<{ kvs?: readonly { value?: string }[] }>(reply)?.kvs?.[0]?.value;
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
}

async function inV2(url: string, prefix: string): Promise<string | undefined> {
  const reply = await ask(`${url}/v2/keys${posix.join('/', prefix, 'config')}`, 'GET').catch(() => undefined);
  return parsed<{ node?: { value?: string } }>(reply)?.node?.value;
}

function parsed<T>(reply: Reply | undefined): T | undefined {
  try {
    return reply?.status === 200 ? (JSON.parse(reply.text) as T) : undefined;
  } catch {
    return undefined;
  }
}
