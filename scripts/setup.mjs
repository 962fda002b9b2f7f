// Brings what the clone lacks: system packages, Node, npm packages, compiled BPF programs, compiled sources.
// Plain JavaScript for Node 20, since it runs before the project's own Node is there.
import { installNodeModules } from './setup/modules.mjs';
import { useNode } from './setup/node.mjs';
import { compilePrograms, outdatedPrograms } from './setup/programs.mjs';
import { SetupError, say } from './setup/report.mjs';
import { areSourcesOutdated, buildSources } from './setup/sources.mjs';
import { installSystemPackages, missingSystemPackages } from './setup/system.mjs';

/**
 * @param {{tolerant: boolean, built: boolean}} options tolerant: what only root could mend is said, and set-up goes on
 *   without it. built: dist is brought up to date, too.
 */
async function setUp({ tolerant, built }) {
  const outdated = outdatedPrograms();
  const missing = missingSystemPackages({ compiling: outdated.length > 0 });
  let complete = true;
  try {
    await installSystemPackages(missing);
  } catch (error) {
    if (!(tolerant && error instanceof SetupError && error.needsRoot)) {
      throw error;
    }
    complete = false;
    say(`${error.message}\nsetup: going on without: tests on the kernel will be left out`);
  }

  await installNodeModules();
  await useNode();
  if (complete) {
    await compilePrograms(outdated);
  }
  if (built && areSourcesOutdated()) {
    await buildSources();
  }
}

try {
  await setUp({ tolerant: process.argv.includes('--tolerant'), built: process.argv.includes('--built') });
} catch (error) {
  // Besides SetupError, a full disk or a folder that may not be written: Node's one line names the call and the path.
  say(error.message);
  process.exitCode = 1;
}
