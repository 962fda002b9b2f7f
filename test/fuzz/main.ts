/** npm run test:fuzz [-- [NAME…] [--seed N] [--seconds N] [--count N]]: parsers against random input, each for a while. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { fuzz, targetNames } from './harness.ts';

/** More of an input than this isn't read by anybody. */
const mostInput = 4000;

function number(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`fuzz: --${option}: "${text}" is no number`);
  process.exit(2);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: String(randomInt(1_000_000_000)) },
    seconds: { type: 'string', default: '60' },
    count: { type: 'string' },
  },
});
const unknown = positionals.find((name) => !targetNames.includes(name));
if (unknown !== undefined) {
  console.error(`fuzz: there is no target "${unknown}"; known: ${targetNames.join(', ')}`);
  process.exit(2);
}
const names = positionals.length > 0 ? positionals : targetNames;
const seed = number('seed', values.seed);
const count = values.count === undefined ? Infinity : number('count', values.count);
const seconds = number('seconds', values.seconds) / names.length;

console.log(`fuzz: seed ${seed}, ${names.length} targets, ${seconds.toFixed(1)} s each`);
for (const name of names) {
  const { taken, refused, failure } = await fuzz(name, { seed, seconds, count });
  if (failure === undefined) {
    console.log(`${name}: ${taken} inputs taken, ${refused} refused`);
    continue;
  }
  process.exitCode = 1;
  console.log(`${name}: FAILED at seed ${failure.seed}: ${failure.error}`);
  if (failure.input !== '') console.log(`its input: ${JSON.stringify(failure.input.slice(0, mostInput))}`);
  console.log(`again: npm run test:fuzz -- ${name} --seed ${failure.seed} --count 1`);
}
