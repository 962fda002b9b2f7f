import { execFileSync } from 'node:child_process';

const names = ['clang', ...Array.from({ length: 12 }, (_, index) => `clang-${25 - index}`)];

/** The first clang there is. Throws an Error that says what to install where there is none. */
export function compiler(): string {
  for (const name of names) {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore' });
      return name;
    } catch {}
  }
  throw new Error('clang: not found; npm test or npm start sets it up');
}
