// Every kind of fault there is, in the order the help shows them. Their names are methods of `cluster.fault`, and with
// hyphens verbs of `lab fault`.
import { cutEtcd, halfOpen, isolate, partition } from './cut-faults.ts';
import { freeze, kill, slowStart, term } from './daemon-faults.ts';
import { fullDisk, readOnlyDisk } from './disk-faults.ts';
import { compactEtcd, pauseEtcd, slowEtcd, stopEtcd } from './etcd-faults.ts';
import { isolateEtcdMember, loseEtcdMember, loseEtcdQuorum } from './etcd-member-faults.ts';
import {
  dropForwarding,
  failIptables,
  flushRules,
  foreignRules,
  rejectForwarding,
  slowIptables,
} from './firewall-faults.ts';
import { changeMac, deleteDevice, flush } from './host-faults.ts';
import {
  changeLeaseIp,
  changeLeaseMac,
  damageLease,
  deleteLease,
  reserveLease,
  stealLease,
} from './lease-faults.ts';
import { changeAddress, flap, linkDown, shrinkMtu, unplug } from './link-faults.ts';
import { crash, reboot, restartDocker } from './node-faults.ts';
import { delay, duplicate, lose, throttle } from './quality-faults.ts';

export const kinds = {
  freeze,
  kill,
  term,
  slowStart,
  crash,
  reboot,
  restartDocker,
  isolate,
  partition,
  lose,
  duplicate,
  throttle,
  delay,
  shrinkMtu,
  linkDown,
  flap,
  unplug,
  changeAddress,
  stopEtcd,
  pauseEtcd,
  loseEtcdMember,
  loseEtcdQuorum,
  isolateEtcdMember,
  cutEtcd,
  halfOpen,
  slowEtcd,
  compactEtcd,
  stealLease,
  changeLeaseMac,
  changeLeaseIp,
  damageLease,
  deleteLease,
  reserveLease,
  dropForwarding,
  rejectForwarding,
  foreignRules,
  flushRules,
  slowIptables,
  failIptables,
  flush,
  changeMac,
  deleteDevice,
  readOnlyDisk,
  fullDisk,
} as const;

export type KindName = keyof typeof kinds;

/** In a command line: `cut-etcd`. */
export function wordOf(name: KindName): string {
  return name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}
