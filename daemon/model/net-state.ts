// Network state as data: what a backend wants and what the kernel has, in one vocabulary that prints as text.

import { canonicalIp, type Family } from '../../lib/ip.ts';
import { remembered } from '../../lib/remembered.ts';
import type { Secret } from './secret.ts';

/** A network device. Only tunnels are ever wanted; the rest is read for what the underlay looks like. */
export interface LinkEntry {
  readonly kind: 'link';
  readonly name: string;
  /** Lower case; empty for devices without one, such as ipip. */
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  /** Undefined for every other type of device. */
  readonly tunnel: Tunnel | undefined;
}

export type Tunnel = VxlanTunnel | IpipTunnel | WireguardTunnel | TunTunnel;

export interface VxlanTunnel {
  readonly type: 'vxlan';
  readonly vni: number;
  readonly port: number;
  /** The device it sends through. */
  readonly uplink: string;
  /** Source address of the outer packets. */
  readonly local: string;
  readonly learning: boolean;
  readonly gbp: boolean;
}

export interface IpipTunnel {
  readonly type: 'ipip';
  /** Source address of the outer packets; `any` for the kernel's own tunl0. */
  readonly local: string;
  /** `any` where routes say which node a packet goes to. */
  readonly remote: string;
  /** Whether outer packets forbid their fragmentation whatever the inner ones say. */
  readonly pmtudisc: boolean;
}

/** Whoever carries its packets, the kernel or wireguard-go. What it is told stands in {@link WireguardEntry}. */
export interface WireguardTunnel {
  readonly type: 'wireguard';
}

/** Made by the process that carries its packets, and gone with it. */
export interface TunTunnel {
  readonly type: 'tun';
}

export interface AddressEntry {
  readonly kind: 'address';
  readonly dev: string;
  /** CIDR form. */
  readonly address: string;
  /** What speaks against using it as one's own; absent where we put the address. */
  readonly traits?: readonly AddressTrait[];
}

/** The address without the length of its prefix, in canonical form. */
export function ipOf({ address }: AddressEntry): string {
  return canonicalIp(address.split('/')[0] ?? '') ?? address;
}

export type AddressTrait = 'deprecated' | 'dynamic' | 'temporary';

/** A route of the main table. */
export interface RouteEntry {
  readonly kind: 'route';
  /** CIDR form; the default route is `0.0.0.0/0` or `::/0`. */
  readonly to: string;
  /** What is sent there is dropped without a word; absent where it is delivered. */
  readonly blackhole?: true;
  /** Gateway; undefined for a directly connected destination. */
  readonly via: string | undefined;
  /** Undefined for routes without a device (blackhole) or with several. */
  readonly dev: string | undefined;
  readonly onlink: boolean;
  /** {@link usualMetric} where nothing else was asked for. */
  readonly metric: number;
  /** Who made it, as iproute2 spells it: `boot` is flannel and people, `kernel` is the address of a device. */
  readonly protocol: string;
}

/** What the kernel gives a route without a metric of its own. */
export const usualMetric: Readonly<Record<Family, number>> = { 4: 0, 6: 1024 };

/** A permanent neighbour entry. */
export interface NeighbourEntry {
  readonly kind: 'neighbour';
  readonly dev: string;
  readonly ip: string;
  readonly mac: string;
}

/** A permanent forwarding entry of a vxlan device itself (`self`). */
export interface FdbEntry {
  readonly kind: 'fdb';
  readonly dev: string;
  readonly mac: string;
  /** The underlay address that frames for `mac` are sent to. */
  readonly dst: string;
}

/** What a wireguard device goes by. */
export interface WireguardEntry {
  readonly kind: 'wireguard';
  readonly dev: string;
  /** Tells which private key the device has; empty when none. */
  readonly publicKey: string;
  /** Of UDP, to listen on. */
  readonly port: number;
  /** Absent where it was read. */
  readonly privateKey?: Secret;
}

export interface WireguardPeerEntry {
  readonly kind: 'wireguard-peer';
  readonly dev: string;
  readonly publicKey: string;
  /** Address and port; undefined while the device does not know where the peer is. */
  readonly endpoint: string | undefined;
  /** Prefixes, sorted: what is sent to these goes to the peer, and only these are accepted from it. */
  readonly allowedIps: readonly string[];
  /** Seconds between signs of life; 0 for none. */
  readonly keepalive: number;
  readonly psk: Secret | undefined;
}

export interface SysctlEntry {
  readonly kind: 'sysctl';
  /** Below /proc/sys, e.g. `net/ipv4/ip_forward`. */
  readonly path: string;
  readonly value: string;
}

export type NetEntry =
  | LinkEntry
  | AddressEntry
  | RouteEntry
  | NeighbourEntry
  | FdbEntry
  | WireguardEntry
  | WireguardPeerEntry
  | SysctlEntry;
export type NetState = readonly NetEntry[];

/** Two entries with one key cannot exist together: putting one replaces the other. */
export const entryKey = remembered(keyOf);

function keyOf(entry: NetEntry): string {
  switch (entry.kind) {
    case 'link':
      return `link ${entry.name}`;
    case 'address':
      return `address ${entry.address} ${entry.dev}`;
    case 'route':
      return entry.metric === 0 ? `route ${entry.to}` : `route ${entry.to} metric ${entry.metric}`;
    case 'neighbour':
      return `neighbour ${entry.ip} ${entry.dev}`;
    case 'fdb':
      return `fdb ${entry.mac} ${entry.dev}`;
    case 'wireguard':
      return `wireguard ${entry.dev}`;
    case 'wireguard-peer':
      return `wireguard-peer ${entry.publicKey} ${entry.dev}`;
    case 'sysctl':
      return `sysctl ${entry.path}`;
    default:
      return entry satisfies never;
  }
}

/** One line per entry, close to what iproute2 prints. */
export const entryText = remembered(textOf);

function textOf(entry: NetEntry): string {
  switch (entry.kind) {
    case 'link': {
      const { name, mac, mtu, up, tunnel } = entry;
      return `link ${name} ${mac} mtu ${mtu} ${up ? 'up' : 'down'}${tunnel ? tunnelText(tunnel) : ''}`;
    }
    case 'address':
      return `address ${entry.address} dev ${entry.dev}`;
    case 'route':
      return `route ${routeWords(entry)}`;
    case 'neighbour':
      return `neighbour ${entry.ip} lladdr ${entry.mac} dev ${entry.dev}`;
    case 'fdb':
      return `fdb ${entry.mac} dst ${entry.dst} dev ${entry.dev}`;
    case 'wireguard':
      return `wireguard key ${entry.publicKey} port ${entry.port} dev ${entry.dev}`;
    case 'wireguard-peer': {
      const { publicKey, endpoint = 'anywhere', allowedIps, keepalive, psk, dev } = entry;
      const rest = `${keepalive ? ` keepalive ${keepalive}` : ''}${psk ? ` psk ${psk.digest}` : ''}`;
      return `wireguard-peer ${publicKey} at ${endpoint} for ${allowedIps.join()}${rest} dev ${dev}`;
    }
    case 'sysctl':
      return `sysctl ${entry.path} ${entry.value}`;
    default:
      return entry satisfies never;
  }
}

function tunnelText(tunnel: Tunnel): string {
  switch (tunnel.type) {
    case 'vxlan': {
      const { vni, uplink, local, port, learning, gbp } = tunnel;
      return ` vxlan ${vni} ${uplink} ${local}:${port}${learning ? ' learning' : ''}${gbp ? ' gbp' : ''}`;
    }
    case 'ipip': {
      const { local, remote, pmtudisc } = tunnel;
      return ` ipip ${local} to ${remote}${pmtudisc ? ' pmtudisc' : ''}`;
    }
    case 'wireguard':
    case 'tun':
      return ` ${tunnel.type}`;
    default:
      return tunnel satisfies never;
  }
}

/** A route as iproute2 takes it and prints it, from its destination on. */
export function routeWords({ to, blackhole, via, dev, onlink, metric }: RouteEntry): string {
  const words = [via && `via ${via}`, dev && `dev ${dev}`, metric && `metric ${metric}`, onlink && 'onlink'];
  return [blackhole && 'blackhole', to, ...words].filter(Boolean).join(' ');
}

/** Six bytes in colon form, in either case. */
export function isMac(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value);
}

/** The whole state as sorted lines: what fakes print and tests compare. */
export function stateText(state: NetState): string {
  return state
    .map(entry => `${entryText(entry)}\n`)
    .sort()
    .join('');
}
