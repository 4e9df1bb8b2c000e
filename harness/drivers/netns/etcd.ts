// A member of a netns site's etcd: a process of the holder, its data, log and socket in /run/lab.
import { access, readFile } from 'node:fs/promises';
import { findProgram, needProgram } from '../../../lib/places.ts';
import { type Argv, localRunner, quote, type RunOptions, type RunResult } from '../../../lib/run.ts';
import type { EtcdMember } from '../driver.ts';
import { clientUrl, type EtcdSeat, type EtcdState, memberEnvironment, peerUrl } from '../etcd-seats.ts';
import { enter, type Holder } from './holder.ts';
import { startScript, stopScript } from './scripts.ts';

export class NetnsEtcd implements EtcdMember {
  readonly name: string;
  readonly endpoint: string;
  readonly peerUrl: string;
  readonly host: string;
  readonly #holder: Holder;
  readonly #seat: EtcdSeat;
  readonly #seats: readonly EtcdSeat[];

  constructor(holder: Holder, seat: EtcdSeat, seats: readonly EtcdSeat[]) {
    this.name = seat.name;
    this.endpoint = clientUrl(seat);
    this.peerUrl = peerUrl(seat);
    this.#holder = holder;
    this.#seat = seat;
    this.#seats = seats;
    this.host = `unix:${this.#file(':0')}`;
  }

  run([program, ...args]: Argv, options?: RunOptions): Promise<RunResult> {
    const argv = [...enter(this.#holder), findProgram(program) ?? program, ...args] as const;
    return localRunner.run(argv, options);
  }

  async isRunning(): Promise<boolean> {
    const isThere = (suffix: string) =>
      access(this.#file(suffix)).then(
        () => true,
        () => false,
      );
    return (await isThere('.pid')) && !(await isThere('.exit'));
  }

  async start(state: EtcdState = 'new'): Promise<void> {
    const { name } = this;
    const isAlone = this.#seats.length === 1;
    const others = isAlone ? {} : memberEnvironment(this.#seat, this.#seats, state);
    const argv = [
      ...(isAlone ? [] : ['nsenter', `--net=/run/netns/${name}`, '--']),
      // For daemons that know nothing newer; etcd 3.6 has it no more and takes no notice.
      ...['env', 'ETCD_ENABLE_V2=true'],
      ...Object.entries(others).map(([key, value]) => `${key}=${value}`),
      needProgram('etcd'),
      `--data-dir=/run/lab/${name}`,
      // For the harness, which is outside of the network namespace: a socket file named etcd:0 in the working folder.
      `--listen-client-urls=http://0.0.0.0:2379,unix://${name}:0`,
      ...(isAlone ? ['--name=etcd', `--advertise-client-urls=${this.endpoint}`] : []),
      ...(isAlone ? ['--listen-peer-urls=http://127.0.0.1:2380'] : []),
    ];
    // A killed etcd leaves its socket file, and does not start over one.
    await this.#run(`rm -f /run/lab/${name}:0\n${startScript(name, quote(argv))}`);
  }

  async stop(): Promise<void> {
    if (await this.isRunning()) await this.#run(stopScript(this.name, 'KILL'));
  }

  async pause(): Promise<void> {
    await this.#run(`kill -STOP "$(cat /run/lab/${this.name}.pid)"`);
  }

  async resume(): Promise<void> {
    await this.#run(`kill -CONT "$(cat /run/lab/${this.name}.pid)"`);
  }

  async wipe(): Promise<void> {
    await this.#run(`rm -rf /run/lab/${this.name}`);
  }

  /** Its end of the link keeps the address. */
  async unplug(): Promise<void> {
    await this.#run(`ip -n ${this.name} link set eth0 down`);
  }

  async plug(): Promise<void> {
    await this.#run(`ip -n ${this.name} link set eth0 up`);
  }

  logs(): Promise<string> {
    return readFile(this.#file('.log'), 'utf8').catch(() => '');
  }

  /** In /run/lab of the holder. */
  #file(suffix: string): string {
    return `/proc/${this.#holder.pid}/root/run/lab/${this.name}${suffix}`;
  }

  async #run(script: string): Promise<void> {
    await localRunner.run([...enter(this.#holder), 'sh', '-c', script]);
  }
}
