// What the drop tracepoint prints: only drops of buffers that had the size of ours, the most frequent first.
import { expect, test } from 'vitest';
import { eventFilters, parseDrops } from './kernel-drops.ts';

const line = (event: string, rest: string) => `  ping-42  [001] b.s2. 15912.100: ${event}: ${rest}\n`;
const seen = (address: string) => line('netif_receive_skb', `dev=docker0 skbaddr=${address} len=203`);
const drop = (address: string, where: string, reason: string) =>
  line('kfree_skb', `skbaddr=${address} rx_sk=0 protocol=2048 location=${where}+0x1f/0x30 reason: ${reason}`);

test('buffers that never had our size are not ours, and one is ours until it is dropped', () => {
  const trace = `# tracer: nop
${drop('a', 'ip_forward', 'XFRM_POLICY')}${seen('a')}${drop('b', 'icmp_rcv', 'NO_SOCKET')}
${drop('a', 'ip_forward', 'XFRM_POLICY')}${drop('a', 'tcp_v4_rcv', 'NO_SOCKET')}
${line('net_dev_queue', 'dev=eth0 skbaddr=c len=217')}${drop('c', '__dev_queue_xmit', 'QDISC_DROP')}
${seen('d')}${drop('d', 'ip_forward', 'XFRM_POLICY')}`;
  expect(parseDrops(trace)).toEqual([
    { reason: 'XFRM_POLICY', where: 'ip_forward', count: 2 },
    { reason: 'QDISC_DROP', where: '__dev_queue_xmit', count: 1 },
  ]);
  expect(parseDrops('')).toEqual([]);
});

test('devices count the Ethernet header where they send, and not where they receive', () => {
  expect(eventFilters(203)['net/net_dev_queue']).toBe('len == 203 || len == 217');
});
