// All checks, in the order they are shown.
import type { Check } from '../check.ts';
import { clock, etcdAnswers } from './etcd.ts';
import { bridgeFilter, firewallManager, packetFilters } from './firewall.ts';
import { cgroups, forwarding, kernelModules, limits, userNamespaces } from './kernel.ts';
import { addressPools, networkManager, selinux } from './services.ts';

export const checks: readonly Check[] = [
  forwarding,
  firewallManager,
  packetFilters,
  bridgeFilter,
  selinux,
  networkManager,
  addressPools,
  kernelModules,
  cgroups,
  userNamespaces,
  limits,
  etcdAnswers,
  clock,
];
