// What etcd v2 answers over HTTP, as data: nodes, or a refusal with a code.
import * as z from 'zod/mini';
import type { HttpAnswer } from './http-endpoint.ts';

/** A key or a directory, as etcd v2 prints it. */
export interface Node {
  /** With a leading slash, also where the request had none. */
  readonly key: string;
  readonly value: string;
  readonly dir: boolean;
  readonly modifiedIndex: number;
  readonly createdIndex: number;
  /** Seconds left; undefined for one that stays. */
  readonly ttl: number | undefined;
  /** When it ends, on etcd's clock. */
  readonly expiration: string | undefined;
  readonly nodes: readonly Node[];
}

export interface Answer {
  readonly index: number;
  /** `get`, `create`, `set`, `delete`, `expire` …; undefined when a watch had nothing to tell. */
  readonly action: string | undefined;
  readonly node: Node | undefined;
}

/** etcd's error codes that a registry has to tell apart. */
export const codes = {
  keyNotFound: 100,
  compareFailed: 101,
  notAFile: 102,
  nodeExists: 105,
  indexCleared: 401,
} as const;

/** etcd answered that it will not. */
export class Refused extends Error {
  override readonly name = 'Refused';
  /** One of {@link codes} or another; 0 for an answer that is none of etcd's. */
  readonly code: number;
  readonly index: number;

  constructor(message: string, code: number, index: number) {
    super(message);
    this.code = code;
    this.index = index;
  }
}

const refusal = z.object({
  errorCode: z.number(),
  message: z.string(),
  cause: z.optional(z.string()),
  index: z.optional(z.number()),
});

const rawNode = z.object({
  key: z._default(z.string(), '/'),
  value: z._default(z.string(), ''),
  dir: z._default(z.boolean(), false),
  modifiedIndex: z._default(z.number(), 0),
  createdIndex: z._default(z.number(), 0),
  ttl: z.optional(z.number()),
  expiration: z.optional(z.string()),
  nodes: z._default(z.array(z.unknown()), []),
});

const keysAnswer = z.object({ action: z.string(), node: z.unknown() });

/** Throws nothing but {@link Refused}. */
export function parseAnswer({ status, index, text }: HttpAnswer): Answer {
  const json = parseJson(text);
  if (status < 300 && text.trim() === '') return { index, action: undefined, node: undefined };
  if (status < 300) {
    const answer = keysAnswer.safeParse(json).data;
    if (!answer) throw new Refused(`not an answer of etcd: ${text.slice(0, 200).trim()}`, 0, 0);
    return { index, action: answer.action, node: parseNode(answer.node) };
  }
  const error = refusal.safeParse(json).data;
  if (error)
    throw new Refused(
      `${error.message}${error.cause ? `: ${error.cause}` : ''}`,
      error.errorCode,
      error.index ?? index,
    );
  if (status === 404)
    throw new Refused(
      'this etcd does not offer the v2 API (start it with --enable-v2, or use -etcd-api=3)',
      0,
      0,
    );
  throw new Refused(`HTTP status ${status}: ${text.slice(0, 200).trim()}`, 0, 0);
}

function parseNode(json: unknown): Node {
  const raw = rawNode.safeParse(json).data;
  if (!raw) throw new Refused(`not a node of etcd: ${JSON.stringify(json)?.slice(0, 200)}`, 0, 0);
  const { nodes, ttl, expiration, ...rest } = raw;
  return { ...rest, ttl, expiration, nodes: nodes.map(parseNode) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const versionAnswer = z.object({ etcdserver: z.string() });

/** The version of etcd in the answer to `/version`. */
export function parseVersion(text: string): string | undefined {
  return versionAnswer.safeParse(parseJson(text)).data?.etcdserver;
}
