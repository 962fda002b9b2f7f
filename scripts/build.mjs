// src → dist, for what is published: Node takes no TypeScript under node_modules.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { root } from './setup/paths.mjs';

// Files whose sources are gone must not be published.
rmSync(`${root}/dist`, { recursive: true, force: true });
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
process.exitCode = status ?? 1;
