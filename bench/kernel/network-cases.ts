import type { Case, Load } from './case.ts';

const reset: Load = { name: 'reset', operations: 3_000, network: 'loopback', timed: true };
const refused: Load = { name: 'refused', operations: 3_000, network: 'loopback', timed: true };
const overflow: Load = { name: 'overflow', operations: 20_000, network: 'loopback', timed: true };

const datagram: Load = { name: 'datagram', operations: 30_000, timed: true };

/** Metrics of network traffic, by loads of network.c. */
export const networkCases: readonly Case[] = [
  { program: 'tcp', metrics: ['tcp.connections.opened', 'tcp.connections.accepted'], load: reset, net: 2 },
  { program: 'tcp', metrics: ['tcp.connections.failed'], load: refused, net: 2 },
  { program: 'tcp', metrics: ['tcp.connect.latency', 'tcp.connect.unmatched'], load: reset },
  { program: 'tcp', metrics: ['tcp.rtt'], load: reset, net: 5 },
  { program: 'tcp', metrics: ['tcp.resets.sent'], load: refused, net: 2 },
  { program: 'tcp', metrics: ['tcp.resets.received'], load: refused, net: 2 },
  {
    program: 'tcp',
    metrics: [
      'tcp.connections.opened',
      'tcp.connections.accepted',
      'tcp.connections.failed',
      'tcp.connect.latency',
      'tcp.connect.unmatched',
      'tcp.rtt',
    ],
    load: reset,
  },
  { program: 'tcp_listener', metrics: ['tcp.listener.drops'], load: reset, net: 5 },
  { program: 'xdp', metrics: ['xdp.receive.packets', 'xdp.receive.bytes'], load: datagram, net: 12 },
  { program: 'udp', metrics: ['udp.receive.drops'], load: overflow, net: 5 },
  { program: 'drop', metrics: ['packet.drops'], load: overflow, net: 5 },
];
