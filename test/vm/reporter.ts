// A node:test reporter: one line of JSON per test or file, for results.ts.

import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import type { TestResult } from './results.ts';

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { name, file = '', skip, todo } = event.data;
    const result: TestResult = {
      file: relative(process.cwd(), file),
      name,
      outcome: event.type === 'test:fail' ? 'failed' : skip || todo ? 'skipped' : 'passed',
      reason: typeof skip === 'string' ? skip : undefined,
    };
    yield `${JSON.stringify(result)}\n`;
  }
}
