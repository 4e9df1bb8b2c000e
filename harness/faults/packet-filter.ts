// Rules in a table of their own, in the packet filter of a node.
import { randomBytes } from 'node:crypto';
import type { NodeHandle } from '../drivers/driver.ts';

/** Evaluated at that hook ahead of connection tracking and of everybody else's rules, or, for nat, ahead of others' nat. */
export type Rule = readonly [hook: 'prerouting' | 'input' | 'output' | 'postrouting' | 'nat', rule: string];

/** A name for a new table: none is used twice, by whichever process. */
export function tableName(): string {
  return `lab_fault_${randomBytes(4).toString('hex')}`;
}

export interface PacketFilter {
  put(): Promise<unknown>;
  /** Succeeds when it is gone already. */
  remove(): Promise<unknown>;
}

/** `family`: of nftables; `inet` is both. */
export function packetFilter(
  node: NodeHandle,
  name: string,
  rules: readonly Rule[],
  family: 'inet' | 'ip' = 'inet',
): PacketFilter {
  const chains = [...Map.groupBy(rules, ([hook]) => hook)].map(([hook, own]) => {
    const base =
      hook === 'nat' ? 'type nat hook output priority -150' : `type filter hook ${hook} priority -310`;
    return `chain ${hook} {\n${base}\n${own.map(([, rule]) => rule).join('\n')}\n}`;
  });
  const table = `${family} ${name}`;
  const nft = (input: string) => node.run(['nft', '-f', '-'], { input });
  return {
    put: () => nft(`table ${table} {\n${chains.join('\n')}\n}\n`),
    remove: () => nft(`add table ${table}\ndelete table ${table}\n`),
  };
}
