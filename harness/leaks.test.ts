// A thing with a mark of the cluster is a leak wherever it is; what others have is none.
import { expect, test } from 'vitest';
import { type HostLists, marked, strayed } from './leaks.ts';

const none: HostLists = { processes: [], mounts: [], links: [], cgroups: [], rules: [] };
const id = '0123456789ab';

test.each<[keyof HostLists, string, string]>([
  ['processes', '[77 since 4567] sleep /', '[77 since 4567]'],
  ['mounts', `/var/lib/docker/volumes/${id}/_data`, id],
  ['links', `br-${id}`, `br-${id}`],
  ['cgroups', `/docker/${id}`, id],
  ['rules', '-A DOCKER -s 198.18.7.0/24 -j ACCEPT', '198.18.7.'],
])('of the %s, those with a mark', (kind, line, mark) => {
  const lists = { ...none, [kind]: ['something of others', line] };
  expect(marked(lists, [mark])).toEqual([expect.stringContaining(line)]);
  expect(marked(lists, ['another mark'])).toEqual([]);
  expect(marked(lists, [])).toEqual([]);
});

test.each<[keyof HostLists, string]>([
  ['links', 'flannel.1'],
  ['links', 'veth11'],
  ['links', 'underlay'],
  ['mounts', 'tmpfs /run/flannel rw'],
  ['rules', '-A FORWARD -j FLANNEL-FWD'],
  ['rules', 'table ip lab_trace_1 {'],
])('our names among the %s of the host: %s', (kind, line) => {
  expect(strayed({ ...none, [kind]: [line] })).toHaveLength(1);
});

test('what hosts have anyway is not ours', () => {
  const lists: HostLists = {
    processes: ['[1 since 2] systemd /'],
    mounts: ['tmpfs /run rw', '/run/flannel-lab/docker'],
    links: ['eth0', 'docker0', 'veth3f9c1a2', 'br-0123456789ab'],
    cgroups: ['/system.slice/docker.service'],
    rules: ['-A FORWARD -j DOCKER-USER', 'table ip nat {', '-A DOCKER -d 172.17.0.2/32'],
  };
  expect(strayed(lists)).toEqual([]);
});
