// Where etcd is and who to be there.
import type { Settings } from './settings.ts';

/** Greedy: whatever is in front of the last `@` is not for others to see, well-formed or not. */
const credentials = /^(?<before>[\s"']*(?:[a-z]+:\/\/)?)(?<user>[^:@]*)(?::(?<password>.*))?@/is;

/**
 * The endpoints as given, apart from credentials in them, which upstream 0.7 takes: they count where no user name is
 * given otherwise.
 */
export function etcdOf({ text }: Settings) {
  const words = text('etcd-endpoints').split(',');
  const inside = text('etcd-username')
    ? undefined
    : words.map(word => credentials.exec(word)?.groups).find(groups => groups !== undefined);
  return {
    etcdEndpoints: words.map(word => word.replace(credentials, '$<before>')),
    etcdUsername: decoded(inside?.user) ?? text('etcd-username'),
    etcdPassword: decoded(inside?.password) ?? text('etcd-password'),
  };
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text && decodeURIComponent(text);
  } catch {
    return text; // a percent sign that means itself
  }
}
