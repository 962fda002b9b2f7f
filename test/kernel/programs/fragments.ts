import { isKernelSince } from '../../helpers/kernel-release.ts';

/** Shell commands for a new network namespace: incomplete datagrams are given up after one second. */
export const fragmentTimeouts = 'echo 1 >/proc/sys/net/ipv4/ipfrag_time; echo 1 >/proc/sys/net/ipv6/ip6frag_time';

/**
 * Shell commands that wait until the network namespace has given up so many datagrams, as its own statistics say; of IPv6 any
 * number unless given.
 */
export function untilTimeouts(ipv4: number, ipv6?: number): string {
  const count4 = `$(awk '/^Ip:/ && $14 ~ /^[0-9]+$/ { print $14 }' /proc/net/snmp)`;
  const count6 = `$(awk '/^Ip6ReasmTimeout/ { print $2 }' /proc/net/snmp6)`;
  const isThere = `[ "${count4}" = ${ipv4} ]${ipv6 === undefined ? '' : ` && [ "${count6}" = ${ipv6} ]`}`;
  return `until ${isThere}; do sleep 0.1; done`;
}

/** Shell commands that print what the network namespace's own statistics say of both families, IPv4 first. */
export const fragmentationFailures = `
  echo "$(awk '/^Ip:/ && $19 ~ /^[0-9]+$/ { print $19 }' /proc/net/snmp) $(awk '/^Ip6FragFails/ { print $2 }' /proc/net/snmp6)"`;

/** Why no datagrams arrive in one buffer: interfaces without a device had them cut up before they passed them on. */
export const loopbackCutsUp = isKernelSince(5, 12) ? false : 'before Linux 5.12 loopback cuts them up';

const passedOn = loopbackCutsUp ? 3 : 1;

/**
 * Shell commands by which a network namespace forwards 53 packets of IPv4 and 47 of IPv6, and three in one buffer 23 and 19
 * times, all of which are too big; the kernel's own statistics count buffers. A link that isn't up yet drops what it is
 * given, and so does the search for a neighbour's address.
 */
export const forwarding = `
  unshare --net sleep 600 & peer=$!
  trap "kill $peer" EXIT
  until [ "$(readlink /proc/$peer/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
  there() { nsenter --target $peer --net "$@"; }
  ip link add near address 02:00:00:00:00:01 type veth peer name far address 02:00:00:00:00:02 netns $peer
  ip link set near up; there ip link set far up
  until there ip link show far | grep -q 'state UP' && ip link show near | grep -q 'state UP'; do sleep 0.01; done
  ip address add 10.1.0.1/24 dev near; ip address add fd01::1/64 dev near nodad
  there ip address add 10.1.0.2/24 dev far; there ip address add fd01::2/64 dev far nodad
  for gateway in 10.1.0.1 fd01::1; do
    there ip neighbour add $gateway lladdr 02:00:00:00:00:01 dev far nud permanent
    there ip route add default via $gateway
  done
  echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
  ip route add 10.2.0.0/24 dev near mtu lock 1000; ip route add fd02::/64 dev near mtu lock 1280
  there "$0" whole 53 10.2.0.9; there "$0" whole 47 fd02::9
  there "$0" cut 23 10.2.0.9; there "$0" cut 19 fd02::9
  until [ "$(${fragmentationFailures})" = "${53 + 23 * passedOn} ${47 + 19 * passedOn}" ]; do sleep 0.1; done`;
