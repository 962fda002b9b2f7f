/** Shell commands for a new network namespace: incomplete datagrams are given up after one second. */
export const fragmentTimeouts = 'echo 1 >/proc/sys/net/ipv4/ipfrag_time; echo 1 >/proc/sys/net/ipv6/ip6frag_time';

/** Shell commands that wait until the network namespace has given up so many datagrams, as its own statistics say. */
export function untilTimeouts(ipv4: number, ipv6: number): string {
  const count4 = `$(awk '/^Ip:/ && $14 ~ /^[0-9]+$/ { print $14 }' /proc/net/snmp)`;
  const count6 = `$(awk '/^Ip6ReasmTimeout/ { print $2 }' /proc/net/snmp6)`;
  return `until [ "${count4} ${count6}" = "${ipv4} ${ipv6}" ]; do sleep 0.1; done`;
}
