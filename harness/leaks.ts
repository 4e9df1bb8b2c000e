// What a cluster may leave on its host besides what its driver finds again: told by the cluster's marks; pure.

/** Lists of one line for each thing the host has. */
export interface HostLists {
  /** `[123 since 4567] dockerd /docker/0123…`: with start time and cgroup. */
  readonly processes: readonly string[];
  readonly mounts: readonly string[];
  readonly links: readonly string[];
  readonly cgroups: readonly string[];
  readonly rules: readonly string[];
}

/** What no cluster has any business to put on its host: it has all of these in namespaces of its own. */
const strays: Readonly<Record<keyof HostLists, RegExp>> = {
  processes: /(?!)/,
  mounts: / \/run\/(flannel|lab)\b/,
  links: /^(underlay|veth\d\d|veth-[a-z]|flannel[.\d-].*)$/,
  cgroups: /(?!)/,
  rules: /FLANNEL-|flannel-ipv|lab_trace|table (ip|ip6|inet|bridge) lab\b|\b10\.5\.\d+\.\d+/,
};

/** Things that carry one of the marks: ids, names and subnets that nothing but the cluster had. */
export function marked(lists: HostLists, marks: readonly string[]): readonly string[] {
  return select(lists, (_, line) => marks.some(mark => line.includes(mark)));
}

/** Things with our names that are on the host itself; others may have put them there, so compare with before. */
export function strayed(lists: HostLists): readonly string[] {
  return select(lists, (kind, line) => strays[kind].test(line));
}

const words: Readonly<Record<keyof HostLists, string>> = {
  processes: 'process',
  mounts: 'mount',
  links: 'link',
  cgroups: 'cgroup',
  rules: 'firewall rule',
};

function select(
  lists: HostLists,
  isOne: (kind: keyof HostLists, line: string) => boolean,
): readonly string[] {
  return (Object.keys(words) as (keyof HostLists)[]).flatMap(kind =>
    lists[kind].filter(line => isOne(kind, line)).map(line => `${words[kind]} ${line.slice(0, 160)}`),
  );
}
