// extension: commands of the configuration make the network; this only says which, and publishes what the first prints.
import * as z from 'zod/mini';
import type { BackendFactory } from './backend.ts';
import { readSettings } from './settings.ts';

const command = z.optional(z.string('is not a command line'));

const settings = z.object({
  prestartupcommand: command,
  poststartupcommand: command,
  subnetaddcommand: command,
  subnetremovecommand: command,
  shutdowncommand: command,
});

const names = {
  prestartupcommand: 'PreStartupCommand',
  poststartupcommand: 'PostStartupCommand',
  subnetaddcommand: 'SubnetAddCommand',
  subnetremovecommand: 'SubnetRemoveCommand',
  shutdowncommand: 'ShutdownCommand',
};

export const extension: BackendFactory = config => {
  const read = readSettings(settings, names, config);
  if ('problems' in read) return read;
  const hooks = {
    preStartup: read.settings.prestartupcommand?.trim() || undefined,
    postStartup: read.settings.poststartupcommand?.trim() || undefined,
    subnetAdd: read.settings.subnetaddcommand?.trim() || undefined,
    subnetRemove: read.settings.subnetremovecommand?.trim() || undefined,
    shutdown: read.settings.shutdowncommand?.trim() || undefined,
  };
  return {
    backend: {
      type: 'extension',
      devices: [],
      isUnique: false,
      usesPeers: true,
      hooks,
      mtu: uplink => uplink.mtu,
      refuses: () => undefined,
      // One text for both families, in the field that IPv4 has: so do all versions.
      terms: ({ publicIps, announced }) => ({
        publicIps,
        backendType: 'extension',
        backendData: announced === undefined ? {} : { 4: announced },
      }),
      objection: ({ lease: { backendData } }) =>
        typeof (backendData[4] ?? '') === 'string' ? undefined : 'its BackendData is not a JSON string',
      desired: () => [],
      // Routes that the commands make look like those of any backend.
      isOurs: () => false,
    },
  };
};
