import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandAfter, MeterProcess } from '../../helpers/process.ts';

describe('file descriptors', () => {
  for (const limit of [26, 64, 106, 150, 178, 181, 184, 187, 190, 200]) {
    it(`with a limit of ${limit} it answers, or says at the start why it can't`, async () => {
      await using meter = new MeterProcess(
        ['--prometheus', '127.0.0.1:0'],
        {},
        { command: commandAfter(`ulimit -n ${limit}`) },
      );
      const running = await meter.logged(/metrics: (\S+)/).catch(() => undefined);
      if (running !== undefined) {
        const page = await (await fetch(running[1]!)).text();
        assert.match(page, /^ebpf_meter_program_attached\{.*\} 1$/m);
        return;
      }
      const { status, stderr } = await meter.ended();
      assert.equal(status, 1);
      assert.match(stderr, /^ebpf-meter: file descriptors: .* left.*\nRaise the limit of open files: /m);
      assert.doesNotMatch(stderr, /this is a bug|\n {4}at /);
    });
  }
});
