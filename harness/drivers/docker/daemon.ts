// The daemon of a docker node: flanneld.service, under the node's own systemd.
import type { Runner } from '../../../lib/run.ts';
import { now } from '../../journal.ts';
import type { DaemonControl, DaemonState, DaemonTrail } from '../driver.ts';

const start = 'systemctl start --no-block flanneld';

/** One hierarchy of control groups, or many with systemd's own among them. */
const trail: DaemonTrail = {
  pids: ['', '/systemd'].map(
    hierarchy => `/sys/fs/cgroup${hierarchy}/system.slice/flanneld.service/cgroup.procs`,
  ),
  log: ['journalctl', '--quiet', '--output=cat', '--follow', '--lines=all', '_SYSTEMD_UNIT=flanneld.service'],
};

/** `code` of the kernel's siginfo: the process exited by itself; all other codes mean a signal. */
const exited = '1';

export function systemdDaemon(node: Runner): DaemonControl {
  const sh = (script: string) => node.run(['sh', '-c', script]);

  const state = async (): Promise<DaemonState> => {
    const { stdout } = await node.run(['systemctl', 'show', 'flanneld', ...properties]);
    return parseState(stdout);
  };

  let toldToEnd: number | undefined;
  return {
    state,
    trail,
    get toldToEnd() {
      return toldToEnd;
    },

    async start() {
      await sh(start);
    },

    async stop() {
      toldToEnd = now();
      await sh('systemctl stop flanneld');
      return (await state()).exitCode ?? 0;
    },

    async restart(signal) {
      if (signal === 'SIGTERM') toldToEnd = now();
      if (signal === 'SIGTERM') await sh(`systemctl stop flanneld; ${start}`);
      // flanneld.service says Restart=on-failure; what ended before (a failed start) is started by us.
      else await sh(`${kill}; ${start}`);
    },

    async kill() {
      // Stopping it takes back the restart that systemd has in mind.
      await sh(`${kill}; systemctl stop flanneld`);
    },

    async delayStart(seconds) {
      const unit = seconds > 0 ? `[Service]\nExecStartPre=/bin/sleep ${seconds}\n` : '';
      const script = `mkdir -p ${dropIn.folder} && cat >${dropIn.file} && systemctl daemon-reload`;
      await node.run(['sh', '-c', script], { input: unit });
    },

    async startDelay() {
      const { stdout } = await sh(`cat ${dropIn.file} 2>/dev/null || :`);
      return Number(/sleep (\d+)/.exec(stdout)?.[1] ?? 0);
    },

    async logs() {
      const { stdout } = await sh(
        'journalctl --quiet --no-pager --output cat _SYSTEMD_UNIT=flanneld.service',
      );
      return stdout;
    },
  };
}

const dropIn = {
  folder: '/run/systemd/system/flanneld.service.d',
  file: '/run/systemd/system/flanneld.service.d/delay.conf',
};

const kill = `pid=$(systemctl show flanneld --property MainPID --value)
[ "$pid" = 0 ] || kill -KILL "$pid"
while [ "$pid" != 0 ] && [ -d "/proc/$pid" ]; do sleep 0.005; done`;

const properties = ['--property', 'MainPID,ExecMainCode,ExecMainStatus'] as const;

/** From `Name=value` lines of `systemctl show`. Pure. */
export function parseState(text: string): DaemonState {
  const values = new Map(text.split('\n').map(line => line.split('=') as [string, string]));
  const pid = Number(values.get('MainPID'));
  if (pid > 0) return { running: true, pid };
  const code = values.get('ExecMainCode');
  if (code === undefined || code === '0') return { running: false };
  const status = Number(values.get('ExecMainStatus'));
  return { running: false, exitCode: code === exited ? status : 128 + status };
}
