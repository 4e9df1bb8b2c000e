// The etcd endpoints a user named, tidied and checked before anything connects to them.
import { UserError } from '../../lib/errors.ts';

const example = { hint: '-etcd-endpoints=http://10.0.0.1:2379,http://10.0.0.2:2379' };

/**
 * Origins (`http://host:port`), all of one kind. Blanks, quotes and trailing slashes are taken off, a missing scheme
 * is http. Throws a UserError that names what cannot be used, without repeating a password.
 */
export function parseEndpoints(texts: readonly string[]): string[] {
  const endpoints = texts.map(tidy).filter(Boolean).map(parseEndpoint);
  if (endpoints.length === 0) throw new UserError('no etcd endpoint given', example);
  const secure = endpoints.filter(({ protocol }) => protocol === 'https:');
  if (secure.length > 0 && secure.length < endpoints.length)
    throw new UserError(`etcd endpoints mix http and https: ${endpoints.map(({ host }) => host).join()}`, {
      hint: 'etcd serves one or the other; give all endpoints the same scheme',
    });
  return endpoints.map(
    ({ protocol, hostname, port }) => `${protocol}//${hostname}:${port || defaultPort(protocol)}`,
  );
}

function tidy(text: string): string {
  return text.replaceAll(/^[\s"']+|[\s"'/]+$/g, '');
}

function parseEndpoint(text: string): URL {
  const url = URL.parse(/^[a-z+]+:\/\//i.test(text) ? text : `http://${text}`);
  if (url?.username || url?.password)
    throw new UserError(`the etcd endpoint ${url.host} has a user name in it`, {
      hint: 'use -etcd-username and -etcd-password',
    });
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search || url.hash)
    throw new UserError(`${text} is not an etcd endpoint`, example);
  return url;
}

/** URL leaves out the port that goes without saying in browsers; etcd's libraries do not know it. */
function defaultPort(protocol: string): number {
  return protocol === 'https:' ? 443 : 80;
}
