// subnet.env: the exact lines, and what of a former one can be trusted.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatCidr, parseCidr } from '../../lib/ip.ts';
import { parseSubnetEnv, renderSubnetEnv } from './subnet-env.ts';

const cidr = (text: string) => parseCidr(text) ?? expect.unreachable();
const previous = (text: string) => {
  const { 4: subnet } = parseSubnetEnv(text).subnets;
  return subnet && formatCidr(subnet);
};

test('the lines are upstream’s', () => {
  const [networks, subnets] = [{ 4: cidr('10.5.0.0/16') }, { 4: cidr('10.5.66.0/24') }];
  const env = { networks, subnets, mtu: 1450, ipMasq: true };
  expect(renderSubnetEnv(env)).toBe(
    'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.66.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
  );
  expect(parseSubnetEnv(renderSubnetEnv(env))).toEqual({ networks, subnets });
});

test('with both families, and with IPv6 alone', () => {
  const networks = { 4: cidr('10.5.0.0/16'), 6: cidr('fd00:5::/48') };
  const subnets = { 4: cidr('10.5.66.0/24'), 6: cidr('fd00:5:0:a::/64') };
  const env = { networks, subnets, mtu: 1430, ipMasq: false };
  const six = 'FLANNEL_IPV6_NETWORK=fd00:5::/48\nFLANNEL_IPV6_SUBNET=fd00:5:0:a::1/64\n';
  const rest = 'FLANNEL_MTU=1430\nFLANNEL_IPMASQ=false\n';
  expect(renderSubnetEnv(env)).toBe(
    `FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.66.1/24\n${six}${rest}`,
  );
  expect(parseSubnetEnv(renderSubnetEnv(env))).toEqual({ networks, subnets });
  expect(renderSubnetEnv({ ...env, subnets: { 6: subnets[6] } })).toBe(`${six}${rest}`);
});

test.each([
  ['FLANNEL_SUBNET=10.5.3.1/24', '10.5.3.0/24'],
  ['FLANNEL_SUBNET="10.5.3.1/24"', '10.5.3.0/24'],
  ["export FLANNEL_SUBNET='10.5.3.1/24' # comment", '10.5.3.0/24'],
  ['FLANNEL_SUBNET=10.5.3.1/24\r\nFLANNEL_MTU=1450\r\n', '10.5.3.0/24'],
  ['', undefined],
  ['FLANNEL_SUBNET=', undefined],
  ['FLANNEL_SUBNET=10.5.3.1', undefined],
  ['FLANNEL_SUBNET=10.5.3.1/33', undefined],
  ['FLANNEL_SUBNET=garbage', undefined],
  ['FLANNEL_SUBNET=10.5.3.1/24,10.5.4.1/24', undefined],
  ['FLANNEL_SUBNET=fd00::1/64', undefined],
  ['\0\u0001\u0002', undefined],
])('%j was %s', (text, subnet) => expect(previous(text)).toBe(subnet));

test('nothing makes it throw', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      parseSubnetEnv(`FLANNEL_SUBNET=${text}`);
      parseSubnetEnv(text);
    }),
  );
});
