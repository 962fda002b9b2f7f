/** Addresses that take what is sent to them and never answer, in a network namespace that silentNetwork has set up. */
export const silentAddresses = { ipv4: '192.0.2.1', ipv6: '2001:db8::1' };

/**
 * Shell commands for a new network namespace, with iproute2: one end of a pair of virtual interfaces, and frames to an
 * address that the other end doesn't have.
 */
export const silentNetwork = [
  'ip link add out type veth peer name end',
  'ip address add 192.0.2.2/24 dev out',
  'ip address add 2001:db8::2/64 dev out nodad',
  'ip link set out up',
  'ip link set end up',
  ...Object.values(silentAddresses).map(
    (address) => `ip neighbour add ${address} lladdr 02:00:00:00:00:01 dev out nud permanent`,
  ),
].join(' && ');
