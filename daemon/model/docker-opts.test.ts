// dockerd's options, byte for byte as upstream's script prints them under dash.
import { expect, test } from 'vitest';
import { dockerOpts } from './docker-opts.ts';

const file = {
  FLANNEL_NETWORK: '10.1.0.0/16',
  FLANNEL_SUBNET: '10.1.74.1/24',
  FLANNEL_MTU: '1472',
  FLANNEL_IPMASQ: 'false',
};
const both = { individual: true, combined: true, key: 'DOCKER_OPTS', ipMasq: true, ipv6: false };
const text = (variables: Record<string, string>, choice: Partial<typeof both> = {}) => {
  const result = dockerOpts(new Map(Object.entries(variables)), { ...both, ...choice });
  return 'text' in result ? result.text : result.problem;
};

const individual = `DOCKER_OPT_BIP="--bip=10.1.74.1/24"
DOCKER_OPT_IPMASQ="--ip-masq=true"
DOCKER_OPT_MTU="--mtu=1472"
`;
const combined = `DOCKER_OPTS=" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472"\n`;

test('both kinds, one of them, another key', () => {
  expect(text(file)).toBe(individual + combined);
  expect(text(file, { combined: false })).toBe(individual);
  expect(text(file, { individual: false })).toBe(combined);
  expect(text(file, { individual: false, key: 'DOCKER_NETWORK_OPTIONS' })).toBe(
    combined.replace('DOCKER_OPTS', 'DOCKER_NETWORK_OPTIONS'),
  );
});

test('masquerading is docker’s business exactly when it is not flannel’s, and can be left out', () => {
  expect(text({ ...file, FLANNEL_IPMASQ: 'true' })).toContain('DOCKER_OPT_IPMASQ="--ip-masq=false"');
  expect(text(file, { ipMasq: false })).not.toContain('ip-masq');
  expect(text({ ...file, FLANNEL_IPMASQ: 'yes' })).toBe('Invalid value of FLANNEL_IPMASQ: yes');
  expect(text({ ...file, FLANNEL_IPMASQ: 'yes' }, { ipMasq: false })).toContain('--mtu=1472');
});

test('what is there already comes first, with two spaces behind it', () => {
  expect(text({ ...file, DOCKER_OPTS: '--foo bar' }, { individual: false })).toBe(
    'DOCKER_OPTS="--foo bar  --bip=10.1.74.1/24 --ip-masq=true --mtu=1472"\n',
  );
});

test('other DOCKER_OPT_ variables join in at their place', () => {
  expect(text({ ...file, DOCKER_OPT_FOO: 'x' })).toBe(`DOCKER_OPT_BIP="--bip=10.1.74.1/24"
DOCKER_OPT_FOO="x"
DOCKER_OPT_IPMASQ="--ip-masq=true"
DOCKER_OPT_MTU="--mtu=1472"
DOCKER_OPTS=" --bip=10.1.74.1/24 x --ip-masq=true --mtu=1472"
`);
});

test('with nothing set there is nothing to say', () => {
  expect(text({}, { combined: false })).toBe('');
  expect(text({}, { individual: false })).toBe('DOCKER_OPTS=""\n');
});

test('what it wrote before is replaced, not added to', () => {
  const once = text(file, { individual: false });
  const [, value = ''] = /"(.*)"/.exec(once) ?? [];
  expect(text({ ...file, DOCKER_OPTS: value }, { individual: false })).toBe(once);
  expect(text({ ...file, DOCKER_OPTS: `--foo  bar${value} --baz` }, { individual: false })).toBe(
    'DOCKER_OPTS="--foo  bar --baz  --bip=10.1.74.1/24 --ip-masq=true --mtu=1472"\n',
  );
  const earlier = { FLANNEL_MTU: '9', DOCKER_OPTS: '--mtu=8 --bip=10.1.74.1/24' };
  expect(text(earlier, { individual: false })).toBe('DOCKER_OPTS="--bip=10.1.74.1/24  --mtu=9"\n');
});

test('IPv6 is left out as upstream does, unless it is asked for', () => {
  const dual = { ...file, FLANNEL_IPV6_SUBNET: 'fd00:5:0:a::1/64' };
  expect(text(dual)).toBe(individual + combined);
  expect(text(dual, { ipv6: true })).toBe(`DOCKER_OPT_BIP="--bip=10.1.74.1/24"
DOCKER_OPT_FIXED_CIDR_V6="--fixed-cidr-v6=fd00:5:0:a::/64"
DOCKER_OPT_IPMASQ="--ip-masq=true"
DOCKER_OPT_IPV6="--ipv6"
DOCKER_OPT_MTU="--mtu=1472"
DOCKER_OPTS=" --bip=10.1.74.1/24 --fixed-cidr-v6=fd00:5:0:a::/64 --ip-masq=true --ipv6 --mtu=1472"
`);
  expect(text(file, { ipv6: true })).toBe(individual + combined);
});

test.each(['', 'a b', '9X', 'X=Y'])('"%s" is no name for the combined variable', key =>
  expect(text(file, { key })).toMatch(/is not the name of a variable$/),
);
