// The options file as mk-docker-opts writes it, and what docker0 gets from it.
import { expect, test } from 'vitest';
import { parseBridgeOptions } from './docker-options.ts';

test('the combined line gives bip, mtu and masquerading', () => {
  const text = `DOCKER_OPT_BIP="--bip=10.5.3.1/24"
DOCKER_NETWORK_OPTIONS=" --bip=10.5.3.1/24 --ip-masq=false --mtu=1450"
`;
  expect(parseBridgeOptions(text, 'DOCKER_NETWORK_OPTIONS')).toEqual({
    bip: '10.5.3.1/24',
    mtu: 1450,
    ipMasq: false,
  });
});

test('options that are absent fall back to what dockerd does without them', () => {
  const options = parseBridgeOptions('OPTS=" --bip=10.1.2.1/26"\n', 'OPTS');
  expect(options).toEqual({ bip: '10.1.2.1/26', mtu: undefined, ipMasq: true });
});

test('a file without the key or without --bip is an error that shows the text', () => {
  expect(() => parseBridgeOptions('OTHER="x"\n', 'OPTS')).toThrow('no OPTS="…" line');
  expect(() => parseBridgeOptions('OPTS=" --mtu=1450"\n', 'OPTS')).toThrow('no --bip= in OPTS=" --mtu=1450"');
});
