// The packet filter of a host in memory.
import { FakeIptables } from './fake-iptables.ts';
import { FakeNft } from './fake-nft.ts';
import type { Firewall } from './firewall.ts';

export class FakeFirewall implements Firewall {
  readonly iptables = new FakeIptables('iptables');
  readonly ip6tables = new FakeIptables('ip6tables');
  readonly nft = new FakeNft();
}
