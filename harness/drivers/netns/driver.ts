// The netns driver: a cluster inside one process tree of this machine, as root or as a normal user with user namespaces.
import { readFileSync } from 'node:fs';
import { findProgram } from '../../../lib/places.ts';
import { anyCode, localRunner } from '../../../lib/run.ts';
import { processesAround } from '../../host-lists.ts';
import type { Driver, Owner, Problem, Site, SiteData, SitePlan, Survivor } from '../driver.ts';
import { endHolder, findHolders, startHolder } from './holder.ts';
import { holderScript } from './scripts.ts';
import { NetnsSite, underlay } from './site.ts';

const programs = {
  ip: 'iproute2',
  bridge: 'iproute2',
  nft: 'nftables',
  iptables: 'iptables',
  ping: 'iputils-ping',
};

export const netns: Driver = {
  name: 'netns',

  async preflight() {
    const missing = Object.entries(programs).filter(([program]) => !findProgram(program));
    const problems: Problem[] = missing.map(([program, debian]) => ({
      what: `the program ${program} is missing`,
      fix: `apt-get install ${debian}`,
    }));
    if (!findProgram('etcd')) problems.push({ what: 'etcd is missing', fix: 'sh ci/setup' });
    return problems.length > 0 ? problems : namespaceProblems();
  },

  async create({ owner, mtu, etcdMembers }: SitePlan, signal) {
    const script = holderScript({ keep: owner.keep, mtu, ...underlay });
    const holder = await startHolder(owner, script, signal);
    const site = new NetnsSite(owner, { holder, mtu, etcdMembers, created: 0, nodes: [] });
    try {
      await site.startEtcd();
      return site;
    } catch (error) {
      await endHolder(holder);
      throw error;
    }
  },

  async attach(owner: Owner, data: SiteData): Promise<Site> {
    return NetnsSite.fromData(owner, data);
  },

  async survivors(): Promise<readonly Survivor[]> {
    return findHolders().map(holder => ({
      owner: holder.owner,
      what: `a namespace holder, process ${holder.pid}`,
      marks: () => processesAround(holder.pid),
      remove: () => endHolder(holder),
    }));
  },
};

/** Makes what every cluster needs, once, in namespaces that vanish at once. */
async function namespaceProblems(): Promise<readonly Problem[]> {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const trial = `mount -t tmpfs tmpfs /run && ip link add trial0 type vxlan id 1 dstport 8472 && ip link add trial1 type bridge`;
  const result = await localRunner.run(['unshare', ...user, '--net', '--mount', 'sh', '-c', trial], {
    okCodes: anyCode,
  });
  if (result.code === 0) return [];
  if (/unshare/.test(result.stderr)) return [userNamespaceProblem(result.stderr.trim())];
  return [{ what: `the kernel refuses vxlan links: ${result.stderr.trim()}`, fix: 'modprobe vxlan' }];
}

function userNamespaceProblem(said: string): Problem {
  const apparmor = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns';
  const fix = isOne(apparmor)
    ? 'sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0'
    : 'run as root, or: sudo sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000';
  return { what: `namespaces cannot be made (${said})`, fix };
}

function isOne(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').trim() === '1';
  } catch {
    return false;
  }
}
