import { performance } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';

/**
 * Registers what this process costs, by the names of OpenTelemetry's semantic conventions (process, nodejs).
 * The event loop's time comes from libuv's own accounting: a delay histogram would need a timer that never rests.
 */
export function observeProcess(meter: Meter): void {
  meter
    .createObservableCounter('process.cpu.time', { description: 'CPU time that the exporter used', unit: 's' })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe(user / 1e6, { 'cpu.mode': 'user' });
      result.observe(system / 1e6, { 'cpu.mode': 'system' });
    });
  meter
    .createObservableUpDownCounter('process.memory.usage', {
      description: "The exporter's resident memory",
      unit: 'By',
    })
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
  meter
    .createObservableGauge('process.uptime', { description: 'Time since the exporter was started', unit: 's' })
    .addCallback((result) => result.observe(process.uptime()));
  meter
    .createObservableCounter('nodejs.eventloop.time', {
      description: 'Time that the event loop spent working (active) and waiting (idle)',
      unit: 's',
    })
    .addCallback((result) => {
      const { active, idle } = performance.eventLoopUtilization();
      result.observe(active / 1000, { 'nodejs.eventloop.state': 'active' });
      result.observe(idle / 1000, { 'nodejs.eventloop.state': 'idle' });
    });
}
