// What the exhibits share: leases that end within seconds, and records of peers that exist in etcd only.

/** Renewed about three seconds after each write; etcd itself grants no less than two. */
export const shortLease = ['-subnet-lease-ttl=6s', '-subnet-lease-renew-margin=3s'] as const;

/** The value of a lease record as a vxlan node writes it. */
export function vxlanRecord(publicIp: string, mac: string): string {
  const BackendData = { VNI: 1, VtepMAC: mac };
  return JSON.stringify({ PublicIP: publicIp, PublicIPv6: null, BackendType: 'vxlan', BackendData });
}

/** The value of a lease record as a host-gw node writes it. */
export function hostGwRecord(publicIp: string): string {
  return JSON.stringify({ PublicIP: publicIp, PublicIPv6: null, BackendType: 'host-gw' });
}

/** A locally administered MAC that ends in this number; 0 to 65535. */
export function macOf(number: number): string {
  const hex = number.toString(16).padStart(4, '0');
  return `02:aa:00:00:${hex.slice(0, 2)}:${hex.slice(2)}`;
}

/** Keys and values of `count` peers from 10.5.<first>.0/24 on, behind addresses nobody has. */
export function vxlanPeers(first: number, count: number): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `subnets/10.5.${first + index}.0-24`,
      vxlanRecord(`192.168.77.${100 + index}`, macOf(first + index)),
    ]),
  );
}
