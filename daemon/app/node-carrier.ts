// The carrier of this node in the course of its life: opened before the lease, told of peers, opened again when it ends.
import { Bell } from '../../lib/bell.ts';
import { changedSpan } from '../../lib/changed-span.ts';
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { sleep } from '../../lib/wait.ts';
import type { Subnets } from '../model/lease.ts';
import type { Peer } from '../model/peers.ts';
import { backoff } from '../model/renewal.ts';
import type { Observe } from '../operations/happening.ts';
import type { Carrier, CarrierPlan, OpenCarrier } from '../udp/carrier.ts';
import type { UdpPeer } from '../udp/table.ts';

export interface CarrierSetting {
  readonly open: OpenCarrier;
  /** As things are; looked at after each {@link NodeCarrier.trigger}. */
  readonly plan: () => CarrierPlan;
  readonly log: Logger;
  readonly observe: Observe;
}

export class NodeCarrier implements AsyncDisposable {
  readonly #setting: CarrierSetting;
  readonly #changed = new Bell();
  #carrier: Carrier | undefined;
  #bound = '';
  #said: string | undefined;

  constructor(setting: CarrierSetting) {
    this.#setting = setting;
  }

  /** Rejects with a UserError when the device or the sockets cannot be had. */
  async open(): Promise<void> {
    const { open, plan, log, observe } = this.#setting;
    const planned = plan();
    const carrier = await open(planned, text => log.warn(text));
    this.#carrier = carrier;
    this.#said = undefined;
    this.#bound = JSON.stringify(planned.addresses);
    log.info('carrying packets', {
      device: planned.device,
      from: Object.values(planned.addresses).filter(Boolean).join(),
      port: String(planned.port),
      with: carrier.level,
    });
    observe({ kind: 'carrier', counters: () => carrier.counters() });
    void carrier.ended.then(() => this.#changed.ring());
  }

  /** What {@link keep} looks at may have changed. */
  trigger(): void {
    this.#changed.ring();
  }

  /** Tells the carrier of peers and addresses as they change; rejects with the signal's reason. */
  async keep(peers: () => readonly Peer[], subnets: () => Subnets, signal: AbortSignal): Promise<never> {
    const wait = backoff(100, 5000);
    for (;;) {
      const carrier = this.#carrier;
      let told: readonly Peer[] = [];
      let held: Subnets | undefined;
      let isOver = false;
      void carrier?.ended.then(() => {
        isOver = true;
      });
      while (carrier && !isOver) {
        this.#follow(carrier);
        const now = peers();
        const { removed, added } = changedSpan(told, now);
        if (removed.length + added.length > 0 || subnets() !== held)
          carrier.route({ removed: removed.map(udpPeer), added: added.map(udpPeer), subnets: subnets() });
        held = subnets();
        told = now;
        await this.#changed.heard(3_600_000, signal);
        wait.reset();
      }
      if (carrier) await this.#ended(carrier);
      await sleep(wait.next(), signal);
      await this.open().catch(error => this.#complain(describeError(error)));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#carrier?.[Symbol.asyncDispose]();
  }

  #follow(carrier: Carrier): void {
    const { addresses } = this.#setting.plan();
    const text = JSON.stringify(addresses);
    if (text === this.#bound) return;
    this.#bound = text;
    carrier.bind(addresses);
  }

  /** Once, while it stays the same. */
  #complain(text: string): void {
    if (text !== this.#said) this.#setting.log.error('cannot carry packets, trying on', { error: text });
    this.#said = text;
  }

  async #ended(carrier: Carrier): Promise<void> {
    this.#carrier = undefined;
    this.#setting.log.warn('carrying packets ended, beginning again', { reason: await carrier.ended });
    await carrier[Symbol.asyncDispose]();
  }
}

function udpPeer({ subnet, publicIp }: Peer): UdpPeer {
  return { subnet, publicIp };
}
