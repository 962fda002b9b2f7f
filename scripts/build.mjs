// What is published: see scripts/setup/sources.mjs.
import { say } from './setup/report.mjs';
import { buildSources } from './setup/sources.mjs';

try {
  await buildSources();
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
